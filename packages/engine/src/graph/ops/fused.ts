// ONNX Runtime kernels that do several element-wise passes over memory in one: layer normalisation, a scale and shift per
// channel, x + s · y.
import { float32, sizeOf } from '../../base/tensor.js';
import {
  apply,
  formatShape,
  innermost,
  NONE,
  operator,
  scalar,
  staticShape,
  type Binary,
  type Ternary,
  type Value,
} from '../graph.js';
import { dimOf, dimsOf, expectDType, sameShape, sizeAlong } from '../shapes.js';
import { add, mul, sub, type Operand } from './elementwise.js';
import { expand, reshape } from './movement.js';
import { mean, sum } from './reduction.js';

const LayerNorm = operator<Ternary, { readonly epsilon: number }, [Value, Value, Value]>({
  name: 'LayerNormalization',
  infer: ([x, scale, bias]) => {
    for (const value of [x, scale, bias]) expectDType(value, 'float32');
    const width = x.shape.slice(-1);
    if (!sameShape(scale.shape, width) || !sameShape(bias.shape, width))
      throw new Error(`scale and bias must have the width ${width.join()} of their input`);
    const statistics = { dtype: x.dtype, shape: x.shape.with(-1, 1) };
    return [{ dtype: x.dtype, shape: x.shape }, statistics, statistics];
  },
  lower: (inputs, { epsilon }) => ({
    type: 'LayerNormalization',
    inputs,
    attributes: { axis: -1, epsilon: { float: epsilon } },
  }),
  gradient: (_dy, { inputs: [x, scale], outputs: [, average, inverse] }, [dy, dAverage, dInverse]) => {
    const count = sizeAlong(scale, 0);
    const normalised = mul(sub(x, average), inverse);
    const dx: Value[] = [];
    if (dy) {
      const scaled = mul(dy, scale);
      const centred = sub(scaled, mean(scaled, [-1], true));
      dx.push(mul(inverse, sub(centred, mul(normalised, mean(mul(scaled, normalised), [-1], true)))));
    }
    // The gradient above uses the statistics, so that second derivatives need their gradients.
    if (dAverage) dx.push(expand(mul(dAverage, 1 / count), x.shape));
    if (dInverse) dx.push(mul(mul(dInverse, mul(inverse, inverse)), mul(normalised, -1 / count)));
    return [dx.reduce((a, b) => add(a, b)), dy && mul(dy, normalised), dy];
  },
});
/** (x − mean) / sqrt(variance + ε) · scale + bias over the last axis; scale and bias are `[width]`. */
export const layerNorm = (x: Value, scale: Value, bias: Value, epsilon: number): Value =>
  apply(LayerNorm, [x, scale, bias], { epsilon })[0];

const ChannelAffine = operator<Ternary>({
  name: 'ChannelAffine',
  infer: ([x, scale, shift]) => {
    const [, channels] = dimsOf(x, 3);
    for (const { shape } of [scale, shift])
      if (!sameShape(shape, [channels]))
        throw new Error(`${formatShape(shape)} does not have the channels of ${formatShape(x.shape)}`);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  // Batch normalisation with mean 0 and variance 1.
  lower: ([x, scale, shift]) => {
    const channels = sizeAlong(scale, 0);
    const zero = float32([channels], new Float32Array(channels));
    const one = float32([channels], new Float32Array(channels).fill(1));
    return {
      type: 'BatchNormalization',
      inputs: [x, scale, shift, zero, one],
      attributes: { epsilon: { float: 0 } },
    };
  },
  gradient: (dy, { inputs: [x, scale] }) => [
    mul(dy, reshape(scale, [...scale.shape, 1])),
    sum(mul(dy, x), [0, 2]),
    sum(dy, [0, 2]),
  ],
});
/** x · scale + shift with one scale and shift per row: `[rows, ...]` with `[rows]` and `[rows]`. All sizes are known. */
export function channelAffine(x: Value, scale: Value, shift: Value): Value {
  const flat = reshape(x, [1, sizeAlong(x, 0), sizeOf(staticShape(x.shape.slice(1)))]);
  return reshape(apply(ChannelAffine, [flat, scale, shift], NONE)[0], x.shape);
}

/** x + y ⊙ gate with one gate per row; rounds the product first, as Mul and Add would. */
const GatedAdd = operator<Ternary>({
  name: 'GatedAdd',
  infer: ([x, y, gate]) => {
    for (const operand of [x, y, gate]) expectDType(operand, 'float32');
    if (!sameShape(x.shape, y.shape) || !sameShape(gate.shape, x.shape.with(-1, 1)))
      throw new Error(
        `${formatShape(y.shape)} and gates ${formatShape(gate.shape)} do not fit ${formatShape(x.shape)}`,
      );
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  lower: (inputs) => ({ type: 'GatedAdd', domain: 'com.microsoft', inputs }),
  gradient: (dy, { inputs: [, y, gate] }) => [dy, mul(dy, gate), mul(dy, y)],
});

/** x + y · gate with one gate per row: x and y `[rows, width]`, gate `[rows]`. */
export const gatedAdd = (x: Value, y: Value, gate: Value): Value =>
  apply(GatedAdd, [x, y, reshape(gate, [...gate.shape, 1])], NONE)[0];

const RowDot = operator<Binary>({
  name: 'RowDot',
  infer: ([a, b]) => {
    for (const operand of [a, b]) expectDType(operand, 'float32');
    const [rows, one] = dimsOf(a, 3);
    if (one !== 1 || !sameShape(a.shape, b.shape))
      throw new Error(`no products of the rows of ${formatShape(a.shape)} and ${formatShape(b.shape)}`);
    return [{ dtype: a.dtype, shape: [rows, 1, 1] }];
  },
  lower: (inputs) => ({
    type: 'FusedMatMul',
    domain: 'com.microsoft',
    inputs,
    attributes: { transA: 0, transB: 1, alpha: { float: 1 } },
  }),
  gradient: (dy, { inputs: [a, b] }) => [mul(dy, b), mul(dy, a)],
});
/** Σ a · b along each row, `[rows, width]` twice → `[rows]`: reads both once, without storing the products. */
export function rowDot(a: Value, b: Value): Value {
  const rows = (x: Value): Value => {
    const [count, width] = dimsOf(x, 2);
    return reshape(x, [count, 1, width]);
  };
  return reshape(apply(RowDot, [rows(a), rows(b)], NONE)[0], [dimOf(a, 0)]);
}

/** The kernel works row by row and is not faster than Mul and Add for shorter rows. */
const SHORTEST_ROW = 16;

/** x + s · y for x and y of one shape and a scalar s: most of an optimiser's step, whose time is that of its passes. */
export function addScaled(x: Value, y: Value, s: Operand): Value {
  const row = x.shape.at(-1);
  if (typeof row !== 'number' || row < SHORTEST_ROW) return add(x, mul(y, s));
  const factor = typeof s === 'number' ? scalar(innermost([x, y]), s) : s;
  return apply(GatedAdd, [x, y, expand(factor, x.shape.with(-1, 1))], NONE)[0];
}
