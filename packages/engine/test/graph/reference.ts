// Plain float64 implementations with which the tests compare operators, written for clarity and not for speed.
import { sizeOf } from '../../src/base/tensor.js';

export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** An array whose elements are computed from their indices. */
export function tabulate(shape: readonly number[], element: (index: readonly number[]) => number): NdArray {
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = element(unravel(i, shape));
  return { shape, data };
}

function unravel(position: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const dim of shape.toReversed()) {
    index.unshift(position % dim);
    position = Math.floor(position / dim);
  }
  return index;
}

/** The element at an index of a shape that the array broadcasts to. */
export function at(x: NdArray, index: readonly number[]): number {
  const skipped = index.length - x.shape.length;
  let position = 0;
  x.shape.forEach((dim, axis) => (position = position * dim + (dim === 1 ? 0 : index[skipped + axis]!)));
  return x.data[position]!;
}

export function broadcast(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    shapes.reduce((size, shape) => Math.max(size, shape[shape.length - rank + i] ?? 1), 1),
  );
}

/** `f` applied element-wise, with broadcasting. */
export const zip = (f: (...elements: number[]) => number, ...arrays: readonly NdArray[]): NdArray =>
  tabulate(broadcast(...arrays.map(({ shape }) => shape)), (index) =>
    f(...arrays.map((array) => at(array, index))),
  );

/** Folds the elements along `axes`. */
export function reduce(
  x: NdArray,
  axes: readonly number[],
  keepDims: boolean,
  fold: (elements: readonly number[]) => number,
): NdArray {
  const kept = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const groups = Array.from({ length: sizeOf(kept) }, (): number[] => []);
  const position = tabulate(kept, () => 0);
  position.data.forEach((_, i) => (position.data[i] = i));
  x.data.forEach((element, i) => groups[at(position, unravel(i, x.shape))]!.push(element));
  return {
    shape: keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis)),
    data: Float64Array.from(groups, fold),
  };
}

export const total = (elements: Iterable<number>): number => {
  let sum = 0;
  for (const element of elements) sum += element;
  return sum;
};

/** Products of the matrices in the last two axes, leading axes broadcast. */
export function matrixProduct(a: NdArray, b: NdArray): NdArray {
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const inner = a.shape.at(-1)!;
  return tabulate([...batch, a.shape.at(-2)!, b.shape.at(-1)!], (index) => {
    const [lead, row, column] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!];
    return total(
      Array.from({ length: inner }, (_, k) => at(a, [...lead, row, k]) * at(b, [...lead, k, column])),
    );
  });
}

export const transposed = (x: NdArray, order: readonly number[]): NdArray =>
  tabulate(
    order.map((axis) => x.shape[axis]!),
    (index) =>
      at(
        x,
        x.shape.map((_, axis) => index[order.indexOf(axis)]!),
      ),
  );

/** The error function by its series, accurate to float64 for |x| < 5. */
export function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Cross-correlation of images `[n, in, h, w]` with a kernel `[out, in / groups, k, l]`. */
export function correlation(
  x: NdArray,
  weight: NdArray,
  options: { stride: number; padding: readonly [number, number, number, number]; groups?: number },
): NdArray {
  const { stride, padding, groups = 1 } = options;
  const [top, left, bottom, right] = padding;
  const [batch, channels, rows, columns] = x.shape as [number, number, number, number];
  const [outputs, inner, height, width] = weight.shape as [number, number, number, number];
  const positions = (size: number, kernel: number) => Math.floor((size - kernel) / stride) + 1;
  const shape = [
    batch,
    outputs,
    positions(rows + top + bottom, height),
    positions(columns + left + right, width),
  ];
  // Explicit loops, since finite differences evaluate this thousands of times.
  return tabulate(shape, ([n, channel, row, column]) => {
    const first = n! * channels + Math.floor(channel! / (outputs / groups)) * inner;
    let sum = 0;
    for (let c = 0; c < inner; c++)
      for (let i = 0; i < height; i++)
        for (let j = 0; j < width; j++) {
          const [y, z] = [row! * stride + i - top, column! * stride + j - left];
          if (y < 0 || z < 0 || y >= rows || z >= columns) continue;
          const element = weight.data[((channel! * inner + c) * height + i) * width + j]!;
          sum += element * x.data[((first + c) * rows + y) * columns + z]!;
        }
    return sum;
  });
}

/** The transpose of `correlation`: distributes every element of `y` over the part of the image it was summed from. */
export function spread(
  y: NdArray,
  weight: NdArray,
  shape: readonly number[],
  options: { stride: number; padding: readonly [number, number, number, number]; groups: number },
): NdArray {
  const { stride, padding, groups } = options;
  const [, channels, rows, columns] = shape as [number, number, number, number];
  const [outputs, inner, height, width] = weight.shape as [number, number, number, number];
  const [batch, , down, across] = y.shape as [number, number, number, number];
  const data = new Float64Array(batch * channels * rows * columns);
  let element = 0;
  for (let n = 0; n < batch; n++)
    for (let channel = 0; channel < outputs; channel++)
      for (let row = 0; row < down; row++)
        for (let column = 0; column < across; column++) {
          const value = y.data[element++]!;
          const first = n * channels + Math.floor(channel / (outputs / groups)) * inner;
          for (let c = 0; c < inner; c++)
            for (let i = 0; i < height; i++)
              for (let j = 0; j < width; j++) {
                const [v, h] = [row * stride + i - padding[0], column * stride + j - padding[1]];
                if (v < 0 || h < 0 || v >= rows || h >= columns) continue;
                const at = ((first + c) * rows + v) * columns + h;
                data[at]! += value * weight.data[((channel * inner + c) * height + i) * width + j]!;
              }
        }
  return { shape, data };
}
