// Convolution in channel-major layout `[channels, batch, height, width]`, with gradients. In this layout a batch is one
// volume of depth `batch`, so that ONNX Runtime's Conv gathers columns block by block in the cache and multiplies once;
// both gradients are convolutions or matrix products of the same kind.
import { int64 } from '../../base/tensor.js';
import { apply, constant, formatShape, operator, type Binary, type Value } from '../graph.js';
import { kernelPositions, sizeAlong, sizesOf } from '../shapes.js';
import type { Padding } from './image.js';
import { gemm } from './linalg.js';
import { gather } from './lookup.js';
import { concat, pad, reshape, slice, transpose } from './movement.js';

interface ConvAttributes {
  readonly stride: number;
  readonly padding: Padding;
}

/** `[1, in, n, h, w]` with `[out, in, 1, k, l]` → `[1, out, n, h', w']`. */
const VolumeConv = operator<Binary, ConvAttributes>({
  name: 'VolumeConv',
  infer: ([x, weight], { stride, padding: [top, left, bottom, right] }) => {
    const [, channels, batch, height, width] = sizesOf(x, 5);
    const [outputs, inputs, , kernelHeight, kernelWidth] = sizesOf(weight, 5);
    if (channels !== inputs)
      throw new Error(`${channels} channels do not fit the kernel ${formatShape(weight.shape)}`);
    const size = [
      kernelPositions(height + top + bottom, kernelHeight, stride),
      kernelPositions(width + left + right, kernelWidth, stride),
    ];
    if (size.some((length) => length < 1)) throw new Error('the kernel is larger than the padded image');
    return [{ dtype: x.dtype, shape: [1, outputs, batch, ...size] }];
  },
  lower: (inputs, { stride, padding: [top, left, bottom, right] }) => ({
    type: 'Conv',
    inputs,
    attributes: {
      kernel_shape: sizesOf(inputs[1], 5).slice(2),
      strides: [1, stride, stride],
      pads: [0, top, left, 0, bottom, right],
    },
  }),
  gradient: (dy, { inputs: [x, weight], attributes }) => {
    const [image, kernel, slope] = [drop(x, 0), drop(weight, 2), drop(dy, 0)];
    return [
      reshape(imageGradient(slope, kernel, image, attributes), x.shape),
      reshape(kernelGradient(slope, kernel, image, attributes), weight.shape),
    ];
  },
});

/** Removes an axis of size 1. */
const drop = (x: Value, axis: number): Value => reshape(x, x.shape.toSpliced(axis, 1));

export interface ChannelMajorConvOptions {
  readonly stride?: number;
  readonly padding?: Padding;
}

/**
 * Cross-correlation of a batch in channel-major layout: `[in, n, h, w]` with a kernel `[out, in, k, l]` gives
 * `[out, n, h', w']`. All sizes are known.
 */
export function channelMajorConv(x: Value, weight: Value, options: ChannelMajorConvOptions = {}): Value {
  const { stride = 1, padding = [0, 0, 0, 0] } = options;
  const volume = reshape(x, [1, ...x.shape]);
  const kernel = reshape(weight, weight.shape.toSpliced(2, 0, 1));
  return drop(apply(VolumeConv, [volume, kernel], { stride, padding })[0], 0);
}

/**
 * One product of the output's gradient and the shifted input for every element of the kernel:
 * dW[o, c, i, j] = Σ dy[o, n, y, x] · x[c, n, s·y + i, s·x + j].
 */
function kernelGradient(dy: Value, weight: Value, x: Value, { stride, padding }: ConvAttributes): Value {
  const [outputs, inputs, height, width] = sizesOf(weight, 4);
  const [, batch, rows, columns] = sizesOf(dy, 4);
  const positions = batch * rows * columns;
  const flat = reshape(dy, [outputs, positions]);
  const [top, left, bottom, right] = padding;
  const padded = pad(pad(x, 2, top, bottom), 3, left, right);
  // Columns are shifted in the outer loop, since shifted rows are contiguous runs of memory. With a stride, the positions
  // of one remainder are taken at once, so that shifts are by whole positions.
  const phasesAlong = (value: Value, axis: number, taps: number): Value[] =>
    Array.from({ length: Math.min(stride, taps) }, (_, phase) =>
      slice(value, axis, phase, sizeAlong(value, axis), stride),
    );
  const shifted = (phased: readonly Value[], axis: number, tap: number, count: number): Value => {
    const start = Math.floor(tap / stride);
    return slice(phased[tap % stride]!, axis, start, start + count);
  };
  const planes = phasesAlong(padded, 3, width);
  const taps = height * width;
  const shifts = new Array<Value>(taps);
  for (let j = 0; j < width; j++) {
    const bands = phasesAlong(shifted(planes, 3, j, columns), 2, height);
    for (let i = 0; i < height; i++) {
      shifts[i * width + j] = reshape(shifted(bands, 2, i, rows), [inputs, positions]);
    }
  }
  // For few channels (of an image), one product with all shifted inputs instead of one product for each.
  if (inputs < FEW_CHANNELS) {
    const product = gemm(flat, concat(shifts, 0), { transB: true });
    return reshape(transpose(reshape(product, [outputs, taps, inputs]), [0, 2, 1]), weight.shape);
  }
  const products = shifts.map((moved) => {
    // The matrix product is faster with the wider operand on the right.
    const product =
      outputs < inputs ? transpose(gemm(moved, flat, { transB: true })) : gemm(flat, moved, { transB: true });
    return reshape(product, [outputs, inputs, 1]);
  });
  return reshape(concat(products, 2), weight.shape);
}

/** A product with fewer rows than this leaves most of a register idle. */
const FEW_CHANNELS = 8;

/** Along one axis, how positions `offset`, `offset + stride`, … of the input follow from the output's gradient. */
interface Phase {
  /** Elements of the kernel that meet these positions, last first. */
  readonly taps: readonly number[];
  /** Positions of the output's gradient that meet these, from `start` to `end`, and zeros before and after them. */
  readonly start: number;
  readonly end: number;
  readonly before: number;
  readonly after: number;
}

function phases(size: number, output: number, kernel: number, stride: number, padding: number): Phase[] {
  return Array.from({ length: Math.min(stride, size) }, (_, offset) => {
    const first = (offset + padding) % stride;
    const count = Math.ceil((kernel - first) / stride);
    const before = count - 1 - (offset + padding - first) / stride;
    const after = Math.ceil((size - offset) / stride) - output + count - 1 - before;
    return {
      taps: Array.from({ length: count }, (_, t) => first + stride * (count - 1 - t)),
      start: Math.max(-before, 0),
      end: output - Math.max(-after, 0),
      before: Math.max(before, 0),
      after: Math.max(after, 0),
    };
  });
}

/**
 * The transposed convolution. Input positions of one remainder modulo the stride meet only kernel elements of one
 * remainder, so that each of these stride² planes is a convolution of stride 1 with a part of the kernel, reversed.
 */
function imageGradient(dy: Value, weight: Value, x: Value, { stride, padding }: ConvAttributes): Value {
  const [outputs, inputs, kernelHeight, kernelWidth] = sizesOf(weight, 4);
  const [channels, batch, height, width] = sizesOf(x, 4);
  const [, , rows, columns] = sizesOf(dy, 4);
  if (Math.min(kernelHeight, kernelWidth) < stride)
    throw new Error(`a stride of ${stride} skips positions of the input`);
  const elements = transpose(reshape(weight, [outputs, inputs, kernelHeight * kernelWidth]), [2, 1, 0]);
  const [high, wide] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const bands = phases(height, rows, kernelHeight, stride, padding[0]).map((vertical) => {
    const planes = phases(width, columns, kernelWidth, stride, padding[1]).map((horizontal) => {
      const chosen = vertical.taps.flatMap((i) => horizontal.taps.map((j) => i * kernelWidth + j));
      const index = constant(weight.graph, int64([chosen.length], chosen));
      const part = transpose(gather(elements, index), [1, 2, 0]);
      const cropped = slice(slice(dy, 2, vertical.start, vertical.end), 3, horizontal.start, horizontal.end);
      const plane = channelMajorConv(
        cropped,
        reshape(part, [inputs, outputs, vertical.taps.length, horizontal.taps.length]),
        { padding: [vertical.before, horizontal.before, vertical.after, horizontal.after] },
      );
      const [, , planeHeight, planeWidth] = sizesOf(plane, 4);
      return pad(pad(plane, 2, 0, high - planeHeight), 3, 0, wide - planeWidth);
    });
    // The planes' columns in turn; two concatenations are faster than one transposition of all axes.
    const columnwise = concat(
      planes.map((plane) => reshape(plane, [...plane.shape, 1])),
      4,
    );
    return reshape(columnwise, [channels, batch, high, wide * planes.length]);
  });
  const rowwise = concat(bands, 3);
  const whole = reshape(rowwise, [channels, batch, high * bands.length, wide * Math.min(stride, width)]);
  return slice(slice(whole, 2, 0, height), 3, 0, width);
}
