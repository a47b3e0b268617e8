// Layers for training convolutional networks, in channel-major layout: `[channels, batch, height, width]`.
// There a pointwise convolution and both its gradients are single matrix products. With weights that change in every
// step, ONNX Runtime has no faster form of convolution.
import { float32, sizeOf } from '../base/tensor.js';
import { constant, staticShape, type Value } from '../graph/builder.js';
import { withGradient } from '../graph/custom-gradient.js';
import { channelAffine, channelMajorConv } from '../graph/ops/channel-major.js';
import type { Padding } from '../graph/ops/convolution.js';
import { minimum, mul, step, sub } from '../graph/ops/elementwise.js';
import { gemm, matmul } from '../graph/ops/linalg.js';
import { concat, pad, reshape, slice, transpose } from '../graph/ops/movement.js';
import { sum } from '../graph/ops/reduction.js';

/** `[batch, channels, …]` → `[channels, batch, …]`, and back. */
export const swapBatch = (x: Value): Value => transpose(x, [1, 0, ...x.shape.map((_, i) => i).slice(2)]);

const positionsOf = (x: Value): number => sizeOf(staticShape(x.shape.slice(1)));

/** 1×1 convolution: `[in, …]` with `[out, in, 1, 1]` gives `[out, …]`; `bias` `[out]`. */
export function pointwise(x: Value, weight: Value, bias?: Value): Value {
  const [outputs, inputs] = staticShape(weight.shape) as [number, number];
  const flat = reshape(x, [inputs, positionsOf(x)]);
  const product = gemm(
    reshape(weight, [outputs, inputs]),
    flat,
    bias ? { add: reshape(bias, [outputs, 1]) } : {},
  );
  return reshape(product, [outputs, ...x.shape.slice(1)]);
}

/**
 * PReLU with one slope a channel, `[channels, …]` with `[channels]`. Its factor, 1 or the slope, is computed once for both
 * directions: ONNX Runtime's own PRelu is several times slower than these passes together.
 */
export function channelPrelu(x: Value, slope: Value): Value {
  const factor = channelAffine(step(x), sub(1, slope), slope);
  return withGradient([x, slope], mul(x, factor), (dy) => [
    mul(dy, factor),
    sum(
      mul(dy, minimum(x, 0)),
      x.shape.slice(1).map((_, i) => i + 1),
    ),
  ]);
}

export interface SpatialOptions {
  readonly stride: number;
  readonly padding: Padding;
}

/** k×k convolution: `[in, n, h, w]` with `[out, in, k, k]` gives `[out, n, h', w']`. */
export const spatialConv = (x: Value, weight: Value, options: SpatialOptions): Value =>
  channelMajorConv(x, weight, options);

/** Largest `inputs · outputs` of one channel's map for which the whole map is one product. */
const WHOLE_MAP = 4096;

/**
 * Depthwise convolution: `[channels, n, h, w]` with a kernel `[channels, 1, k, k]` gives `[channels, n, h', w']`.
 *
 * Each channel's convolution is a product with a Toeplitz matrix, which is linear in the kernel and so itself a product
 * of the kernel with a constant. Of a small map the matrix takes all positions at once, `[channels, h·w, h'·w']`; of a
 * larger one, k rows at a time: `[channels, k·w, w']`.
 */
export function depthwiseConv(x: Value, weight: Value, { stride, padding }: SpatialOptions): Value {
  const [channels, batch, height, width] = staticShape(x.shape) as [number, number, number, number];
  const kernel = staticShape(weight.shape)[3]!;
  const [top, left, bottom, right] = padding;
  const steps = (size: number): number => Math.floor((size - kernel) / stride) + 1;
  const [rows, columns] = [steps(height + top + bottom), steps(width + left + right)];
  const elements = reshape(weight, [channels, kernel * kernel]);
  const toeplitz = (inner: number, outer: number, place: (i: number, j: number, visit: Visit) => void) => {
    const selection = new Float32Array(kernel * kernel * inner * outer);
    for (let i = 0; i < kernel; i++)
      for (let j = 0; j < kernel; j++)
        place(i, j, (from, to) => (selection[((i * kernel + j) * inner + from) * outer + to] = 1));
    const matrix = constant(x.graph, float32([kernel * kernel, inner * outer], selection));
    return reshape(gemm(elements, matrix), [channels, inner, outer]);
  };
  /** Pairs of input and output column that element j of a kernel row connects. */
  const across = (j: number, visit: Visit): void => {
    for (let to = 0; to < columns; to++) {
      const from = to * stride + j - left;
      if (from >= 0 && from < width) visit(from, to);
    }
  };

  if (height * width * rows * columns <= WHOLE_MAP) {
    const matrix = toeplitz(height * width, rows * columns, (i, j, visit) => {
      for (let y = 0; y < rows; y++) {
        const row = y * stride + i - top;
        if (row >= 0 && row < height) across(j, (from, to) => visit(row * width + from, y * columns + to));
      }
    });
    const y = matmul(reshape(x, [channels, batch, height * width]), matrix);
    return reshape(y, [channels, batch, rows, columns]);
  }
  const matrix = toeplitz(kernel * width, columns, (i, j, visit) =>
    across(j, (from, to) => visit(i * width + from, to)),
  );
  const padded = pad(x, 2, top, bottom);
  const bands = Array.from({ length: kernel }, (_, i) =>
    slice(padded, 2, i, i + (rows - 1) * stride + 1, stride),
  );
  const y = matmul(reshape(concat(bands, 3), [channels, batch * rows, kernel * width]), matrix);
  return reshape(y, [channels, batch, rows, columns]);
}

type Visit = (from: number, to: number) => void;
