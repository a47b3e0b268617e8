// Integer arithmetic for inference: activations are quantised at run time, weights beforehand. There are no gradients.
import { sizeOf, tensor, type Tensor } from '../../base/tensor.js';
import {
  apply,
  constant,
  formatShape,
  NONE,
  operator,
  type Graph,
  type Ternary,
  type Unary,
  type Value,
} from '../graph.js';
import { dimsOf, expectDType } from '../shapes.js';
import { add, cast, mul } from './elementwise.js';
import { gather } from './lookup.js';
import { reshape, transpose } from './movement.js';

const DynamicQuantizeLinear = operator<Unary, typeof NONE, [Value, Value, Value]>({
  name: 'DynamicQuantizeLinear',
  infer: ([x]) => {
    expectDType(x, 'float32');
    return [
      { dtype: 'uint8', shape: x.shape },
      { dtype: 'float32', shape: [] },
      { dtype: 'uint8', shape: [] },
    ];
  },
});

const MatMulInteger = operator<Ternary>({
  name: 'MatMulInteger',
  infer: ([a, b, zero]) => {
    expectDType(a, 'uint8');
    expectDType(b, 'int8');
    expectDType(zero, 'uint8');
    const [inner, outputs] = dimsOf(b, 2);
    if (a.shape.at(-1) !== inner)
      throw new Error(`cannot multiply ${formatShape(a.shape)} by ${formatShape(b.shape)}`);
    return [{ dtype: 'int32', shape: a.shape.with(-1, outputs) }];
  },
});

/** A matrix in integers: `values[i, j] · scales[j]`, or `· scales[i]` for a table of rows. */
export interface QuantizedMatrix {
  readonly values: Tensor<'int8'>;
  readonly scales: Tensor<'float32'>;
}

/**
 * Seven bits: processors that add two products of 8-bit numbers in 16 bits (x86 without VNNI) can hold 2 · 255 · 63 but
 * not 2 · 255 · 127, with which runtimes would disagree.
 */
const WEIGHT_LIMIT = 63;
/** Eight bits: rows of a table are looked up, not multiplied. */
const ROW_LIMIT = 127;

/** Rounds values to multiples of their scale; `scaleOf` gives the index of an element's scale. */
function quantize(
  { shape, data }: Tensor<'float32'>,
  limit: number,
  count: number,
  scaleOf: (index: number) => number,
): { values: Int8Array; scales: Float32Array } {
  const largest = new Float32Array(count);
  for (let i = 0; i < data.length; i++)
    largest[scaleOf(i)] = Math.max(largest[scaleOf(i)]!, Math.abs(data[i]!));
  const scales = largest.map((value) => (value > 0 ? value / limit : 1));
  const values = new Int8Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) values[i] = Math.round(data[i]! / scales[scaleOf(i)]!);
  return { values, scales };
}

/** A linear layer's weight `[out, in]` as `[in, out]` in seven bits, with one scale per output. */
export function quantizeWeight(weight: Tensor<'float32'>): QuantizedMatrix {
  const [outputs, inputs] = weight.shape as [number, number];
  const { values, scales } = quantize(weight, WEIGHT_LIMIT, outputs, (i) => Math.floor(i / inputs));
  const transposed = new Int8Array(values.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) transposed[i * outputs + o] = values[o * inputs + i]!;
  return {
    values: tensor('int8', [inputs, outputs], transposed),
    scales: tensor('float32', [outputs], scales),
  };
}

/** A table `[rows, width]` in eight bits, with one scale per row. */
export function quantizeRows(table: Tensor<'float32'>): QuantizedMatrix {
  const [rows, width] = table.shape as [number, number];
  const { values, scales } = quantize(table, ROW_LIMIT, rows, (i) => Math.floor(i / width));
  return {
    values: tensor('int8', [rows, width], values),
    scales: tensor('float32', [rows, 1], scales),
  };
}

/**
 * x · W + b, or x · W without a bias, in integers: x `[..., in]` is quantised to 8 bits over its range at run time, products
 * are accumulated in 32 bits. ONNX Runtime fuses the operators into one.
 */
export function quantizedLinear(x: Value, weight: QuantizedMatrix, bias?: Value): Value {
  return quantizedProduct(x, quantizedConstant(x.graph, weight), bias);
}

/** A quantised matrix in a graph, once for all places that use it. */
export interface QuantizedConstant {
  /** int8 `[in, out]` */
  readonly values: Value;
  /** `[out]` */
  readonly scales: Value;
}

export const quantizedConstant = (graph: Graph, { values, scales }: QuantizedMatrix): QuantizedConstant => ({
  values: constant(graph, values),
  scales: constant(graph, scales),
});

/** As `quantizedLinear`, with a matrix that is in the graph. */
export function quantizedProduct(x: Value, { values, scales }: QuantizedConstant, bias?: Value): Value {
  const [quantised, scale, zero] = apply(DynamicQuantizeLinear, [x], NONE);
  const product = cast(apply(MatMulInteger, [quantised, values, zero], NONE)[0], 'float32');
  const scaled = mul(product, mul(scale, scales));
  return bias ? add(scaled, bias) : scaled;
}

/** Rows of a quantised table by index: `[...indices]` → `[...indices, width]`. */
export function quantizedRows(graph: Graph, table: QuantizedMatrix, indices: Value): Value {
  const rows = cast(gather(constant(graph, table.values), indices), 'float32');
  return mul(rows, gather(constant(graph, table.scales), indices));
}

/**
 * Columns of a quantised matrix `[in, out]` by index, `[...indices]` → `[...indices, in]`: rows of the table `[out, in]`
 * that a model both looks up and multiplies by.
 */
export function quantizedColumns({ values, scales }: QuantizedConstant, indices: Value): Value {
  const columns = gather(values, indices, 1);
  const order = columns.shape.map((_, i) => (i + 1) % columns.shape.length);
  const factors = gather(scales, indices);
  return mul(cast(transpose(columns, order), 'float32'), reshape(factors, [...factors.shape, 1]));
}
