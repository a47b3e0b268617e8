// A block of ordinary operators with a gradient rule of its own: for closed forms that take fewer passes over memory.
import { apply, formatShape, type Value } from './builder.js';
import { operator } from './operator.js';
import { sameShape } from './shapes.js';

/** Gradients of the block's inputs from that of its output; undefined for an input without one. */
export type GradientRule = (dy: Value) => readonly (Value | undefined)[];

const Block = operator<{ rule: GradientRule }>({
  name: 'WithGradient',
  infer: ([y]) => [{ dtype: y!.dtype, shape: y!.shape }],
  lower: ([y]) => ({ type: 'Identity', inputs: [y] }),
  gradient: (dy, { inputs: [, ...inputs], attributes: { rule } }) => {
    const dxs = rule(dy);
    if (dxs.length !== inputs.length)
      throw new Error(`the rule gives ${dxs.length} gradients for ${inputs.length} inputs`);
    dxs.forEach((dx, i) => {
      const { shape } = inputs[i]!;
      if (dx !== undefined && !sameShape(dx.shape, shape))
        throw new Error(
          `the gradient of input ${i} is ${formatShape(dx.shape)}, the input ${formatShape(shape)}`,
        );
    });
    return [undefined, ...dxs];
  },
});

/**
 * The value `y`, which was computed from `inputs`, with `rule` as its gradient: differentiation treats all that lies
 * between as one node. What else the block computes (statistics, say) keeps the gradients of its own operators when it
 * is used by itself. A rule may use values from inside the block, and is differentiated like any other part of the
 * graph when gradients of gradients are asked for. ONNX Runtime removes the Identity it is written as.
 *
 *     const e = exp(x);
 *     const softplus = withGradient([x], log(add(e, 1)), (dy) => [mul(dy, div(e, add(e, 1)))]);
 *
 * @throws MienError `gradient`, at differentiation, when the rule gives another number of gradients than there are
 *   inputs or one of another shape than its input.
 */
export const withGradient = (inputs: readonly Value[], y: Value, rule: GradientRule): Value =>
  apply(Block, [y, ...inputs], { rule })[0]!;
