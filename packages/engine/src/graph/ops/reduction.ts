// Reductions over axes, and softmax along one.
import { int64, sizeOf } from '../../base/tensor.js';
import { apply, formatShape, operator, scalar, type Shape, type Unary, type Value } from '../graph.js';
import { axesOf, axisOf, broadcastAxes, dimOf, sameShape } from '../shapes.js';
import { cast, div, equal, exp, mul, reciprocal, sub, type Operand } from './elementwise.js';
import { expand, reshape } from './movement.js';

interface ReduceAttributes {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

const reducedShape = (shape: Shape, { axes, keepDims }: ReduceAttributes): Shape =>
  keepDims ? shape.map((dim, i) => (axes.includes(i) ? 1 : dim)) : shape.filter((_, i) => !axes.includes(i));

type ReduceRule = (dy: Value, x: Value, y: Value, axes: readonly number[]) => Value;

/**
 * `rule` receives dy and y with the reduced axes kept as 1, so that both broadcast against x. `ofOne` is applied to each
 * element if there is no axis to reduce.
 */
function reduction(name: string, rule: ReduceRule, ofOne: (x: Value) => Value = (x) => x) {
  const definition = operator<Unary, ReduceAttributes>({
    name,
    infer: ([{ dtype, shape }], attributes) => [{ dtype, shape: reducedShape(shape, attributes) }],
    lower: (inputs, { axes, keepDims }) => ({
      type: name,
      inputs: [...inputs, int64([axes.length], axes)],
      attributes: { keepdims: keepDims ? 1 : 0 },
    }),
    gradient: (dy, { inputs: [x], outputs: [y], attributes: { axes } }) => {
      const kept = reducedShape(x.shape, { axes, keepDims: true });
      return [rule(reshape(dy, kept), x, reshape(y, kept), axes)];
    },
  });
  return (x: Value, axes: readonly number[] = x.shape.map((_, i) => i), keepDims = false): Value => {
    const resolved = axesOf(name, x, axes);
    return resolved.length === 0 ? ofOne(x) : apply(definition, [x], { axes: resolved, keepDims })[0];
  };
}

/** 1 / the number of elements along `axes`, computed at run time if a size is known only then. */
function shareAlong(x: Value, axes: readonly number[]): Operand {
  const dims = axes.map((axis) => dimOf(x, axis));
  if (dims.every((dim) => typeof dim === 'number')) return 1 / sizeOf(dims);
  return reciprocal(sum(expand(scalar(x.graph, 1), dims)));
}

/** Sum over `axes` (all by default). */
export const sum = reduction('ReduceSum', (dy, x) => expand(dy, x.shape));
export const mean = reduction('ReduceMean', (dy, x, _y, axes) =>
  expand(mul(dy, shareAlong(x, axes)), x.shape),
);
/** Sum of squares over `axes`. */
export const sumOfSquares = reduction(
  'ReduceSumSquare',
  (dy, x) => mul(mul(dy, 2), x),
  (x) => mul(x, x),
);
/** Maximum over `axes`; elements that attain it share the gradient evenly. */
export const max = reduction('ReduceMax', (dy, x, y, axes) => {
  const largest = cast(equal(x, y), 'float32');
  return mul(dy, div(largest, sum(largest, axes, true)));
});

/**
 * Sums over the axes along which `shape` was broadcast: the gradient of broadcasting.
 * @throws Error if the value is not a broadcast of the shape.
 */
export function sumTo(value: Value, shape: Shape): Value {
  if (sameShape(value.shape, shape)) return value;
  const reduced = sum(value, broadcastAxes(shape, value.shape), true);
  if (reduced.shape.length < shape.length)
    throw new Error(`${formatShape(value.shape)} is not a broadcast of ${formatShape(shape)}`);
  return reshape(reduced, shape);
}

interface AxisAttributes {
  readonly axis: number;
}

function alongAxis(name: string, rule: (dy: Value, y: Value, axis: number) => Value) {
  const definition = operator<Unary, AxisAttributes>({
    name,
    infer: ([{ dtype, shape }]) => [{ dtype, shape }],
    lower: (inputs, { axis }) => ({ type: name, inputs, attributes: { axis } }),
    gradient: (dy, { outputs: [y], attributes: { axis } }) => [rule(dy, y, axis)],
  });
  return (x: Value, axis = -1): Value => apply(definition, [x], { axis: axisOf(name, x, axis) })[0];
}

/** exp(x) / Σ exp(x) along `axis` (the last by default). */
export const softmax = alongAxis('Softmax', (dy, y, axis) => mul(y, sub(dy, sum(mul(dy, y), [axis], true))));
export const logSoftmax = alongAxis('LogSoftmax', (dy, y, axis) =>
  sub(dy, mul(exp(y), sum(dy, [axis], true))),
);

const ArgMax = operator<Unary, AxisAttributes>({
  name: 'ArgMax',
  infer: ([{ shape }], { axis }) => [{ dtype: 'int64', shape: shape.filter((_, i) => i !== axis) }],
  lower: (inputs, { axis }) => ({ type: 'ArgMax', inputs, attributes: { axis, keepdims: 0 } }),
});
/** Index of the maximum along `axis`, int64. */
export const argMax = (x: Value, axis = -1): Value =>
  apply(ArgMax, [x], { axis: axisOf('ArgMax', x, axis) })[0];
