// Turns principal components into dimensions of equal variance without changing distances.
//
// Experiments standardise every dimension. Applied to principal components that would whiten them: the last component,
// mostly noise, would weigh as much as the first. A probe on ISEAR loses a percentage point by it (docs/features.md).
// After a Hadamard transform every dimension carries the same share of all components, so that standardising scales
// all of them alike and a head sees the geometry it would see on the full embeddings.
import { float32, type Tensor } from 'mien-engine/base';

/** The largest power of two that divides `width`: a Hadamard transform's size. */
const blockSize = (width: number): number => width & -width;

/** Components dealt to blocks in turns, forth and back, so that all blocks carry about the same variance. */
function dealt(width: number, size: number): number[] {
  const blocks = width / size;
  return Array.from({ length: width }, (_, at) => {
    const [block, turn] = [Math.floor(at / size), at % size];
    return turn * blocks + (turn % 2 === 0 ? block : blocks - 1 - block);
  });
}

/**
 * An orthogonal transform `[n, k]` → `[n, k]` of coordinates sorted by falling variance: blocks of the largest power
 * of two that divides k, each a Hadamard transform (all dimensions of a block then have equal variance where the
 * coordinates are uncorrelated). For odd k nothing is mixed.
 */
export function mixComponents(values: Tensor<'float32'>): Tensor<'float32'> {
  const [n = 0, width = 0] = values.shape;
  const size = blockSize(width);
  const order = dealt(width, size);
  const scale = 1 / Math.sqrt(size);
  const mixed = new Float32Array(n * width);
  const row = new Float64Array(width);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < width; j++) row[j] = values.data[i * width + order[j]!]! * scale;
    for (let half = 1; half < size; half *= 2)
      for (let start = 0; start < width; start += 2 * half)
        for (let j = start; j < start + half; j++) {
          const [a, b] = [row[j]!, row[j + half]!];
          row[j] = a + b;
          row[j + half] = a - b;
        }
    mixed.set(row, i * width);
  }
  return float32(values.shape, mixed);
}
