// Quantisation to a few bits per dimension: bits are allocated to the dimensions where they reduce the error most, each
// dimension has a codebook fitted by Lloyd's algorithm, and codes are packed without gaps.
// Source: Lloyd 1982, "Least squares quantization in PCM".
import { float32, MienError, type Tensor } from 'mien-engine/base';

export interface Codebook {
  /** Bits of each dimension's codes, `[d]`, 1 to 8. */
  readonly bits: Uint8Array;
  /** Concatenated levels of the dimensions, 2^bits each, in ascending order. */
  readonly levels: Float32Array;
}

/**
 * Squared error of quantising a normal distribution of variance 1 with 0 to 8 bits.
 * Source: Max 1960, "Quantizing for minimum distortion", table 1; above five bits 2.72 · 4^−bits.
 */
const REMAINING = [1, 0.3634, 0.1175, 0.03454, 0.009497, 0.002499, 6.4e-4, 1.6e-4, 4.1e-5];

/**
 * Allocates `budget` bits per item to dimensions with these variances: one each, then one by one where the squared error
 * decreases most.
 * @throws MienError `config` if the budget is below one or above eight bits per dimension
 */
export function allocateBits(variances: ArrayLike<number>, budget: number): Uint8Array {
  const width = variances.length;
  if (!Number.isInteger(budget) || budget < width || budget > 8 * width)
    throw new MienError(
      'config',
      `${budget} bits per item are not 1 to 8 bits for each of ${width} components`,
      {
        field: 'bits',
      },
    );
  const bits = new Uint8Array(width).fill(1);
  const gainOf = (i: number): number =>
    bits[i]! < 8 ? variances[i]! * (REMAINING[bits[i]!]! - REMAINING[bits[i]! + 1]!) : -1;
  const gains = Float64Array.from({ length: width }, (_, i) => gainOf(i));
  for (let spent = width; spent < budget; spent++) {
    let best = 0;
    for (let i = 1; i < width; i++) if (gains[i]! > gains[best]!) best = i;
    bits[best]!++;
    gains[best] = gainOf(best);
  }
  return bits;
}

/** Offset of each dimension's levels, and number of bits per row. */
function layout({ bits }: Pick<Codebook, 'bits'>): { starts: Int32Array; rowBits: number } {
  const starts = new Int32Array(bits.length);
  let [levels, rowBits] = [0, 0];
  bits.forEach((count, d) => {
    starts[d] = levels;
    levels += 2 ** count;
    rowBits += count;
  });
  return { starts, rowBits };
}

const ROUNDS = 60;

/** Levels for sorted values by Lloyd's algorithm, starting from quantiles. */
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

/** Fits a codebook with the given bits per dimension to rows of `[n, d]` matrices. */
export function fitCodebook(
  parts: readonly { readonly values: Tensor<'float32'>; readonly rows: readonly number[] }[],
  bits: Uint8Array,
): Codebook {
  const width = bits.length;
  const column = new Float32Array(parts.reduce((sum, part) => sum + part.rows.length, 0));
  const levels = new Float32Array(bits.reduce((sum, count) => sum + 2 ** count, 0));
  const { starts } = layout({ bits });
  for (let d = 0; d < width; d++) {
    let at = 0;
    for (const { values, rows } of parts)
      for (const row of rows) column[at++] = values.data[row * width + d]!;
    levels.set(lloyd(column.sort(), 2 ** bits[d]!), starts[d]!);
  }
  return { bits, levels };
}

/** Codes of the nearest levels of `[n, d]`, packed in order, lowest bit first; the last byte is padded with zeros. */
export function quantize(values: Tensor<'float32'>, codebook: Codebook): Uint8Array {
  const [n = 0, width = 0] = values.shape;
  const { bits, levels } = codebook;
  const { starts, rowBits } = layout(codebook);
  const packed = new Uint8Array(Math.ceil((n * rowBits) / 8));
  let bit = 0;
  for (let i = 0; i < values.data.length; i++) {
    const d = i % width;
    const start = starts[d]!;
    const value = values.data[i]!;
    let [low, high] = [0, 2 ** bits[d]! - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((levels[start + middle]! + levels[start + middle + 1]!) / 2 < value) low = middle + 1;
      else high = middle;
    }
    const shifted = low << (bit & 7);
    packed[bit >>> 3]! |= shifted;
    if (shifted > 255) packed[(bit >>> 3) + 1]! |= shifted >>> 8;
    bit += bits[d]!;
  }
  return packed;
}

/**
 * The levels `[n, d]` of packed codes.
 * @throws MienError `format` if the number of codes does not match n rows, or the codebook is inconsistent
 */
export function dequantize(packed: Uint8Array, n: number, codebook: Codebook): Tensor<'float32'> {
  const { bits, levels } = codebook;
  const { starts, rowBits } = layout(codebook);
  const width = bits.length;
  if (
    bits.some((count) => count < 1 || count > 8) ||
    levels.length !== bits.reduce((sum, count) => sum + 2 ** count, 0)
  )
    throw new MienError('format', `${levels.length} levels do not match the bits of ${width} components`);
  if (packed.length !== Math.ceil((n * rowBits) / 8))
    throw new MienError('format', `${packed.length} bytes do not match ${n} rows of ${rowBits} bits`);
  const values = new Float32Array(n * width);
  const masks = Int32Array.from(bits, (count) => 2 ** count - 1);
  // A code may reach into the next byte, of which the last one has none.
  const padded = new Uint8Array(packed.length + 1);
  padded.set(packed);
  for (let row = 0, at = 0, bit = 0; row < n; row++)
    for (let d = 0; d < width; d++, at++) {
      const word = padded[bit >>> 3]! | (padded[(bit >>> 3) + 1]! << 8);
      values[at] = levels[starts[d]! + ((word >>> (bit & 7)) & masks[d]!)]!;
      bit += bits[d]!;
    }
  return float32([n, width], values);
}
