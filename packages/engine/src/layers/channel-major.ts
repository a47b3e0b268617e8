// Layers for training convolutional networks, in channel-major layout: `[channels, batch, height, width]`. There a
// pointwise convolution and both its gradients are single matrix products. ONNX Runtime has no faster form of convolution
// for weights that change in every step.
import { float32, sizeOf } from '../base/tensor.js';
import { withGradient } from '../graph/gradient.js';
import { constant, staticShape, type Value } from '../graph/graph.js';
import { channelMajorConv } from '../graph/ops/channel-major.js';
import {
  add,
  div,
  minimum,
  mul,
  reciprocal,
  sigmoid,
  silu,
  sqrt,
  step,
  sub,
} from '../graph/ops/elementwise.js';
import { channelAffine, gatedAdd, rowDot } from '../graph/ops/fused.js';
import type { Padding } from '../graph/ops/image.js';
import { gemm, matmul } from '../graph/ops/linalg.js';
import { concat, pad, reshape, slice, transpose } from '../graph/ops/movement.js';
import { mean, sum } from '../graph/ops/reduction.js';
import { kernelPositions, sizeAlong, sizesOf } from '../graph/shapes.js';

/** `[batch, channels, …]` → `[channels, batch, …]`, and back. */
export const swapBatch = (x: Value): Value => transpose(x, [1, 0, ...x.shape.map((_, i) => i).slice(2)]);

/** 1×1 convolution: `[in, …]` with `[out, in, 1, 1]` gives `[out, …]`; `bias` `[out]`. */
export function pointwise(x: Value, weight: Value, bias?: Value): Value {
  const [outputs, inputs] = sizesOf(weight, 4);
  const [, ...positions] = staticShape(x.shape);
  const flat = reshape(x, [inputs, sizeOf(positions)]);
  const matrix = reshape(weight, [outputs, inputs]);
  const product = gemm(matrix, flat, bias ? { add: reshape(bias, [outputs, 1]) } : {});
  return reshape(product, [outputs, ...positions]);
}

/**
 * PReLU with one slope per channel, `[channels, …]` with `[channels]`. Its factor, 1 or the slope, is computed once for
 * forward and backward pass: ONNX Runtime's own PRelu is several times slower than these passes together.
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

/** Visits pairs of input and output positions that an element of the kernel connects. */
type Visit = (from: number, to: number) => void;

/** Largest number of elements of a channel's Toeplitz matrix for which the whole map is one product. */
const WHOLE_MAP = 4096;

/**
 * Depthwise convolution: `[channels, n, h, w]` with a kernel `[channels, 1, k, k]` gives `[channels, n, h', w']`.
 *
 * Each channel's convolution is a product with a Toeplitz matrix, which is linear in the kernel and so is itself a product
 * of the kernel and a constant. For a small map the matrix covers all positions at once, `[channels, h·w, h'·w']`; for a
 * larger one, k rows at a time: `[channels, k·w, w']`.
 */
export function depthwiseConv(x: Value, weight: Value, { stride, padding }: SpatialOptions): Value {
  const [channels, batch, height, width] = sizesOf(x, 4);
  const kernel = sizeAlong(weight, 3);
  const [top, left, bottom, right] = padding;
  const rows = kernelPositions(height + top + bottom, kernel, stride);
  const columns = kernelPositions(width + left + right, kernel, stride);
  const elements = reshape(weight, [channels, kernel * kernel]);
  const toeplitz = (inner: number, outer: number, pairs: (i: number, j: number, visit: Visit) => void) => {
    const selection = new Float32Array(kernel * kernel * inner * outer);
    for (let i = 0; i < kernel; i++)
      for (let j = 0; j < kernel; j++)
        pairs(i, j, (from, to) => (selection[((i * kernel + j) * inner + from) * outer + to] = 1));
    const matrix = constant(x.graph, float32([kernel * kernel, inner * outer], selection));
    return reshape(gemm(elements, matrix), [channels, inner, outer]);
  };
  /** Pairs of input and output columns that element j of a kernel row connects. */
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

export interface BatchNormOptions {
  readonly epsilon: number;
  /** Whether SiLU is applied to the result. */
  readonly silu: boolean;
}

export interface BatchNormResult {
  /** With the shape of x. */
  readonly y: Value;
  readonly statistics: BatchStatistics;
}

/** Statistics of each channel over batch and positions, `[channels]`. */
export interface BatchStatistics {
  readonly mean: Value;
  /** Divided by the number of elements, `count`, not by one less. */
  readonly variance: Value;
  readonly count: number;
}

/** The gradient of SiLU from its input and output: dy · s · (1 + x − y) with s = σ(x). */
export function siluGradient(dy: Value, x: Value, y: Value): Value {
  const part = mul(dy, sigmoid(x));
  return add(part, mul(part, sub(x, y)));
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015, algorithm 1) with the statistics of the batch, optionally followed by SiLU:
 * (x − mean) / sqrt(variance + ε) · scale + shift for each channel of `[channels, …]`; scale and shift are `[channels]`.
 * Its gradient is in closed form. With z the result before SiLU, N elements per channel, a = scale / sqrt(variance + ε)
 * and p = Σ dz · (x − mean) / sqrt(variance + ε):
 *
 *     dshift = Σ dz    dscale = p    dx = a · (dz − dshift / N − p / N · (x − mean) / sqrt(variance + ε))
 */
export function batchNorm(x: Value, scale: Value, shift: Value, options: BatchNormOptions): BatchNormResult {
  const channels = sizeAlong(scale, 0);
  const count = sizeOf(staticShape(x.shape)) / channels;
  const rows = reshape(x, [channels, count]);
  const average = mean(rows, [1]);
  // The mean of squares minus the square of the mean would cancel if the mean is large.
  const centred = sub(rows, reshape(average, [channels, 1]));
  const variance = mul(rowDot(centred, centred), 1 / count);
  const inverse = reciprocal(sqrt(add(variance, options.epsilon)));
  const factor = mul(scale, inverse);
  const z = channelAffine(centred, factor, shift);
  const y = options.silu ? silu(z) : z;

  const rule = (dy: Value): Value[] => {
    const dz = options.silu ? siluGradient(dy, z, y) : dy;
    const dShift = sum(dz, [1]);
    const dScale = mul(inverse, rowDot(dz, centred));
    const slope = mul(mul(factor, inverse), mul(dScale, -1 / count));
    const offset = mul(factor, mul(dShift, -1 / count));
    return [gatedAdd(channelAffine(centred, slope, offset), dz, factor), dScale, dShift];
  };
  return {
    y: reshape(withGradient([rows, scale, shift], y, rule), x.shape),
    statistics: { mean: average, variance, count },
  };
}

/**
 * Running averages after this batch, as in PyTorch's `nn.BatchNorm2d`: `momentum` of the batch's statistics, the variance
 * divided by one less than the number of elements, plus the rest of the previous averages.
 */
export function updateRunning(
  { mean: average, variance, count }: BatchStatistics,
  running: { readonly mean: Value; readonly variance: Value },
  momentum = 0.1,
): { mean: Value; variance: Value } {
  const blend = (before: Value, now: Value): Value => add(mul(before, 1 - momentum), mul(now, momentum));
  return {
    mean: blend(running.mean, average),
    variance: blend(running.variance, div(mul(variance, count), Math.max(count - 1, 1))),
  };
}
