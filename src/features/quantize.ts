// Numbers in a few bits: one codebook a dimension, fitted by Lloyd's algorithm, and codes packed without gaps.
// Source: Lloyd 1982, "Least squares quantization in PCM".
import { MienError } from '../base/errors.js';
import type { Tensor } from '../base/tensor.js';
import { float32 } from '../base/tensor.js';

/** Levels of each dimension in rising order, `[d, 2^bits]`. */
export type Codebook = Tensor<'float32'>;

const ROUNDS = 60;

/** The levels that quantise sorted values with the least squared error that Lloyd's rule finds from quantiles. */
function lloyd(sorted: Float32Array, levels: number): Float32Array {
  const n = sorted.length;
  const sums = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) sums[i + 1] = sums[i]! + sorted[i]!;
  let centres = Float64Array.from(
    { length: levels },
    (_, i) => sorted[Math.floor(((i + 0.5) * n) / levels)]!,
  );
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(levels);
    let start = 0;
    for (let i = 0; i < levels; i++) {
      const end =
        i + 1 === levels ? n : Math.max(start, firstAbove(sorted, (centres[i]! + centres[i + 1]!) / 2));
      next[i] = end > start ? (sums[end]! - sums[start]!) / (end - start) : centres[i]!;
      start = end;
    }
    const same = next.every((value, i) => value === centres[i]);
    centres = next;
    if (same) break;
  }
  return Float32Array.from(centres.sort());
}

/** Index of the first value above `limit`. */
function firstAbove(sorted: Float32Array, limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Fits a codebook of 2^bits levels a dimension to these rows of `[n, d]` matrices.
 * @throws MienError `config` when bits is not 1 … 8.
 */
export function fitCodebook(
  parts: readonly { readonly values: Tensor<'float32'>; readonly rows: readonly number[] }[],
  bits: number,
): Codebook {
  if (!Number.isInteger(bits) || bits < 1 || bits > 8)
    throw new MienError('config', `codes have 1 to 8 bits, not ${bits}`, { field: 'bits' });
  const width = parts[0]!.values.shape[1]!;
  const n = parts.reduce((sum, part) => sum + part.rows.length, 0);
  const levels = 2 ** bits;
  const codebook = new Float32Array(width * levels);
  const column = new Float32Array(n);
  for (let d = 0; d < width; d++) {
    let at = 0;
    for (const { values, rows } of parts)
      for (const row of rows) column[at++] = values.data[row * width + d]!;
    column.sort();
    codebook.set(lloyd(column, levels), d * levels);
  }
  return float32([width, levels], codebook);
}

/** Codes `[n, d]` of the nearest levels, packed row after row, lowest bit first, the last byte filled with zeros. */
export function quantize(values: Tensor<'float32'>, codebook: Codebook): Uint8Array {
  const [width = 0, levels = 1] = codebook.shape;
  const bits = Math.log2(levels);
  const limits = Float32Array.from({ length: width * (levels - 1) }, (_, at) => {
    const level = Math.floor(at / (levels - 1)) * levels + (at % (levels - 1));
    return (codebook.data[level]! + codebook.data[level + 1]!) / 2;
  });
  const packed = new Uint8Array(Math.ceil((values.data.length * bits) / 8));
  for (let i = 0; i < values.data.length; i++) {
    const start = (i % width) * (levels - 1);
    let [low, high] = [0, levels - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (limits[start + middle]! < values.data[i]!) low = middle + 1;
      else high = middle;
    }
    const bit = i * bits;
    const shifted = low << (bit & 7);
    packed[bit >>> 3]! |= shifted;
    if (shifted > 255) packed[(bit >>> 3) + 1]! |= shifted >>> 8;
  }
  return packed;
}

/**
 * The levels `[n, d]` that packed codes stand for.
 * @throws MienError `format` when there are not as many codes as n rows take.
 */
export function dequantize(packed: Uint8Array, n: number, codebook: Codebook): Tensor<'float32'> {
  const [width = 0, levels = 1] = codebook.shape;
  const bits = Math.log2(levels);
  const count = n * width;
  if (packed.length !== Math.ceil((count * bits) / 8))
    throw new MienError('format', `${packed.length} bytes do not hold ${n} × ${width} codes of ${bits} bits`);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const bit = i * bits;
    const word = packed[bit >>> 3]! | ((packed[(bit >>> 3) + 1] ?? 0) << 8);
    values[i] = codebook.data[(i % width) * levels + ((word >>> (bit & 7)) & (levels - 1))]!;
  }
  return float32([n, width], values);
}
