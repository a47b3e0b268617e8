// Reverse-mode differentiation: walks the graph backwards and adds the nodes that compute gradients; and blocks of
// operators with a gradient of their own, for closed forms that take fewer passes over memory.
import { messageOf, MienError } from '../base/errors.js';
import {
  apply,
  formatShape,
  operator,
  scalar,
  scoped,
  type Graph,
  type Node,
  type Value,
  type Variadic,
} from './graph.js';
import { add } from './ops/elementwise.js';
import { sumTo } from './ops/reduction.js';
import { sameShape } from './shapes.js';

/**
 * Gradients of a scalar with respect to some values, as new values of the same graph.
 *
 * Each node's operator turns the gradients of its outputs into gradients of its inputs; a value that is used
 * several times receives their sum. Only nodes between `wrt` and the scalar are visited; inside a Scan's body they
 * may belong to the enclosing graph.
 * @throws MienError `gradient` if `loss` is not a scalar, if an operator on the path has no gradient, or if the scalar
 *   does not depend on one of the values.
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  if (loss.shape.length > 0)
    throw new MienError('gradient', `only a scalar can be differentiated, got ${formatShape(loss.shape)}`);
  return pullback(loss, scalar(loss.graph, 1), wrt);
}

/**
 * The vector–Jacobian product: the gradients with respect to `wrt`, from which `y` was computed, given the gradient `dy`
 * with respect to `y`.
 * @throws MienError `gradient` as `gradients` does, and if the shapes of `dy` and `y` differ.
 */
export function pullback(y: Value, dy: Value, wrt: readonly Value[]): Value[] {
  if (!sameShape(y.shape, dy.shape))
    throw new MienError(
      'gradient',
      `a gradient of ${formatShape(dy.shape)} does not fit a value of ${formatShape(y.shape)}`,
    );
  const nodes = nodesUpTo(y.graph);
  const depends = new Set(wrt);
  for (const { inputs, outputs } of nodes)
    if (inputs.some((value) => depends.has(value))) for (const output of outputs) depends.add(output);

  const accumulated = new Map<Value, Value>([[y, dy]]);
  for (const node of nodes.reverse()) {
    const dys = node.outputs.map((output) => accumulated.get(output));
    const first = dys.find((value) => value !== undefined);
    if (first === undefined || !node.inputs.some((value) => depends.has(value))) continue;
    const place = node.scope ? `${node.operator.name} in ${node.scope}` : node.operator.name;
    const rule = node.operator.gradient;
    if (!rule) throw new MienError('gradient', `${place} has no gradient`);
    const dxs = scoped(y.graph, `gradient of ${place}`, () => {
      try {
        const contributions = rule(first, node, dys);
        // Sums over broadcast axes here, once for all operators.
        return node.inputs.map((value, i) => {
          const dx = contributions[i];
          return dx && depends.has(value) ? sumTo(dx, value.shape) : undefined;
        });
      } catch (cause) {
        throw new MienError('gradient', `the gradient of ${place}: ${messageOf(cause)}`, { cause });
      }
    });
    node.inputs.forEach((value, i) => {
      const dx = dxs[i];
      if (dx === undefined) return;
      const before = accumulated.get(value);
      accumulated.set(value, before === undefined ? dx : add(before, dx));
    });
  }
  return wrt.map((value) => {
    const gradient = accumulated.get(value);
    if (gradient === undefined)
      throw new MienError('gradient', `the result does not depend on ${describe(value)}`);
    return gradient;
  });
}

const describe = ({ input, node, constant, shape }: Value): string =>
  input ??
  (node && `the output of ${node.operator.name}${node.scope ? ` in ${node.scope}` : ''}`) ??
  `${constant ? 'a constant' : 'a value'} ${formatShape(shape)}`;

/** The nodes of a graph and of the enclosing ones, outermost first: still a topological order. */
const nodesUpTo = (graph: Graph): Node[] => [
  ...(graph.parent ? nodesUpTo(graph.parent) : []),
  ...graph.nodes,
];

/** Gradients of the block's inputs from that of its output; undefined for an input without one. */
export type GradientRule = (dy: Value) => readonly (Value | undefined)[];

const Block = operator<Variadic, { readonly rule: GradientRule }>({
  name: 'WithGradient',
  infer: ([{ dtype, shape }]) => [{ dtype, shape }],
  lower: ([y]) => ({ type: 'Identity', inputs: [y] }),
  gradient: (dy, { inputs: [, ...inputs], attributes: { rule } }) => {
    const dxs = rule(dy);
    if (dxs.length !== inputs.length)
      throw new Error(`the rule gives ${dxs.length} gradients for ${inputs.length} inputs`);
    inputs.forEach(({ shape }, i) => {
      const dx = dxs[i];
      if (dx !== undefined && !sameShape(dx.shape, shape))
        throw new Error(
          `the gradient of input ${i} is ${formatShape(dx.shape)}, the input ${formatShape(shape)}`,
        );
    });
    return [undefined, ...dxs];
  },
});

/**
 * The value `y`, computed from `inputs`, with `rule` as its gradient: differentiation treats everything between as one
 * node. Other results of the block (statistics, say) keep the gradients of their own operators. A rule may use values
 * from inside the block, and is itself differentiated for second derivatives. ONNX Runtime removes the Identity that
 * is written for it.
 *
 *     const e = exp(x);
 *     const softplus = withGradient([x], log(add(e, 1)), (dy) => [mul(dy, div(e, add(e, 1)))]);
 *
 * @throws MienError `gradient`, at differentiation, if the number or the shapes of the rule's gradients differ from those
 *   of the inputs.
 */
export const withGradient = (inputs: readonly Value[], y: Value, rule: GradientRule): Value =>
  apply(Block, [y, ...inputs], { rule })[0];
