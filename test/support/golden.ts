// The formula behind test/golden: weights and inputs that need not be stored, and how agreement is measured.
import { join } from 'node:path';
import { readSafetensorsFile } from 'mien-engine/node';
import { float32, sizeOf, type Tensor } from 'mien-engine/base';

export const goldenPath = (name: string): string => join(import.meta.dirname, '../golden', name);

/** The float32 tensors of a golden file. */
export async function readGolden(name: string): Promise<Record<string, Tensor<'float32'>>> {
  const { tensors } = await readSafetensorsFile(goldenPath(`${name}.safetensors`));
  return tensors as Record<string, Tensor<'float32'>>;
}

/** CRC-32 (as in zlib) of a text's UTF-8 bytes. */
function crc32(text: string): number {
  let crc = -1;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** `n` numbers in [−1, 1) that depend on nothing but the name; see test/golden/README.md. */
export function uniform(name: string, n: number): Float32Array {
  const seed = crc32(name);
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let x = Math.imul((i + seed) >>> 0, 0x9e3779b9);
    x ^= x >>> 16;
    x = Math.imul(x, 0x85ebca6b);
    x ^= x >>> 13;
    x = Math.imul(x, 0xc2b2ae35);
    x ^= x >>> 16;
    out[i] = (x >>> 0) / 2 ** 31 - 1;
  }
  return out;
}

/** An input tensor: `uniform` of its own name. */
export const goldenInput = (name: string, shape: readonly number[]): Tensor<'float32'> =>
  float32(shape, uniform(name, sizeOf(shape)));

/** A model's tensor by its name in the published checkpoint; all arithmetic in float32. */
export function goldenWeight(name: string, shape: readonly number[]): Tensor<'float32'> {
  const values = uniform(name, sizeOf(shape));
  const isBias =
    name.endsWith('running_mean') ||
    name.endsWith('bias') ||
    name.includes('.bias_') ||
    name.includes('embeddings.weight');
  const [offset, scale] = name.endsWith('running_var')
    ? [1, 0.2]
    : isBias
      ? [0, 0.1]
      : shape.length === 1
        ? [1, 0.1]
        : [0, Math.sqrt(6 / sizeOf(shape.slice(1)))];
  const factor = Math.fround(scale);
  for (let i = 0; i < values.length; i++) values[i] = offset + Math.fround(values[i]! * factor);
  return float32(shape, values);
}

/** The formula's weights for all of these names and shapes. */
export const goldenWeights = (
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, Tensor<'float32'>> =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, goldenWeight(name, shape)]));

/** The sum of every floating tensor, in float64 rounded to float32: `weights_checksum` of the golden files. */
export function weightsChecksum(tensors: Readonly<Record<string, Tensor>>): number {
  let sum = 0;
  for (const { dtype, data } of Object.values(tensors))
    if (dtype === 'float32') for (const value of data as Float32Array) sum += value;
  return Math.fround(sum);
}

/** Largest absolute difference, relative to the largest value expected. Lengths must agree; NaN counts as infinite. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return worst / largest;
}

/** Cosine of the angle between two vectors. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return dot / Math.sqrt(aa * bb);
}
