// Convolution over time: of sound, spectrograms and other sequences.
import { constant, type Value } from '../graph/graph.js';
import { add } from '../graph/ops/elementwise.js';
import { conv2d } from '../graph/ops/image.js';
import { matmul } from '../graph/ops/linalg.js';
import { concat, pad, reshape, slice } from '../graph/ops/movement.js';
import { dimsOf, kernelPositions, sizesOf } from '../graph/shapes.js';

export interface Conv1dOptions {
  /** `[out]` */
  readonly bias?: Value;
  readonly stride?: number;
  /** Zeros added at either end. */
  readonly padding?: number;
}

/** Whether a value is the same in every run: a constant, or computed from constants, such as one stored as float16. */
const isFixed = ({ constant: tensor, node }: Value): boolean =>
  tensor !== undefined || (node !== undefined && node.inputs.every(isFixed));

/**
 * Cross-correlation over time (PyTorch's `nn.Conv1d`): `[n, in, length]` with a kernel `[out, in, k]` gives
 * `[n, out, ⌊(length + 2·padding − k) / stride⌋ + 1]`.
 *
 * With a kernel that is constant, or computed from constants, it is ONNX Runtime's convolution, and the length may be known only at run time. A kernel
 * that is trained gets a gradient: shifted slices and one matrix product, for known lengths.
 */
export function conv1d(
  x: Value,
  weight: Value,
  { bias, stride = 1, padding = 0 }: Conv1dOptions = {},
): Value {
  const [batch, inputs, length] = dimsOf(x, 3);
  const [outputs, inner, kernel] = sizesOf(weight, 3);
  if (!isFixed(weight)) {
    const [n, channels, frames] = sizesOf(x, 3);
    const padded = pad(x, 2, padding, padding);
    const count = kernelPositions(frames + 2 * padding, kernel, stride);
    const shifted = Array.from({ length: kernel }, (_, i) =>
      reshape(slice(padded, 2, i, i + (count - 1) * stride + 1, stride), [n, channels, 1, count]),
    );
    const columns = reshape(concat(shifted, 2), [n, channels * kernel, count]);
    const product = matmul(reshape(weight, [outputs, inner * kernel]), columns);
    return bias ? add(product, reshape(bias, [outputs, 1])) : product;
  }
  const image = reshape(x, [batch, inputs, 1, length]);
  const shape = [outputs, inner, 1, kernel];
  const flat = weight.constant
    ? constant(weight.graph, { ...weight.constant, shape })
    : reshape(weight, shape);
  const y = conv2d(image, flat, {
    stride,
    padding: [0, padding, 0, padding],
    ...(bias ? { bias } : {}),
  });
  return reshape(y, [batch, outputs, y.shape[3]!]);
}
