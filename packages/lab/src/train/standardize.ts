// Brings every dimension of embeddings to mean 0 and deviation 1, by statistics of training items only.
import { constant, float16ToFloat32, float32, mul, sub, type Tensor, type Value } from 'mien-engine';
import type { StateTable } from '../features/store.js';

export interface Standardization {
  /** `[width]` */
  readonly mean: Float32Array;
  /** `[width]`: 1 / deviation; 1 where a dimension is constant. */
  readonly scale: Float32Array;
}

/** Below this deviation, relative to the largest, a dimension is taken as constant (MiniLM has one). */
const CONSTANT = 1e-6;

/** Statistics of the given rows of embeddings `[n, width]`, in float64. */
export function standardization(
  { shape, data }: Tensor<'float32'>,
  rows: ArrayLike<number>,
): Standardization {
  const width = shape[1]!;
  const count = Math.max(1, rows.length);
  const mean = new Float64Array(width);
  for (let i = 0; i < rows.length; i++)
    for (let d = 0, at = rows[i]! * width; d < width; d++, at++) mean[d]! += data[at]!;
  for (let d = 0; d < width; d++) mean[d]! /= count;
  const deviation = new Float64Array(width);
  for (let i = 0; i < rows.length; i++)
    for (let d = 0, at = rows[i]! * width; d < width; d++, at++)
      deviation[d]! += (data[at]! - mean[d]!) * (data[at]! - mean[d]!);
  for (let d = 0; d < width; d++) deviation[d] = Math.sqrt(deviation[d]! / count);
  const floor = CONSTANT * deviation.reduce((a, b) => Math.max(a, b), 0);
  return {
    mean: Float32Array.from(mean),
    scale: Float32Array.from(deviation, (value) => (value > floor ? 1 / value : 1)),
  };
}

/** Standardises rows of embeddings in place. */
export function standardizeInPlace(rows: Float32Array, { mean, scale }: Standardization): void {
  const width = mean.length;
  for (let at = 0; at < rows.length; at++) rows[at] = (rows[at]! - mean[at % width]!) * scale[at % width]!;
}

/** Statistics of all states of the given items; of each dimension, over tokens or regions. */
export function stateStandardization(
  { states, places }: StateTable,
  items: ArrayLike<number>,
): Standardization {
  const most = places.shape[1]!;
  const rows = Array.from(items, (item) =>
    Array.from(places.data.subarray(item * most, (item + 1) * most), Number),
  )
    .flat()
    .filter((row) => row >= 0);
  return standardization(float32(states.shape, float16ToFloat32(states.data)), rows);
}

/** (x − mean) · scale for rows `[..., width]`, as part of a graph. */
export function standardizeRows(rows: Value, { mean, scale }: Standardization): Value {
  const vector = (values: Float32Array) => constant(rows.graph, float32([1, values.length], values));
  return mul(sub(rows, vector(mean)), vector(scale));
}
