// Convolution and pooling over images laid out `[batch, channels, height, width]`.
import { sizeOf } from '../../base/tensor.js';
import { apply, formatShape, staticShape, type Value } from '../builder.js';
import { NONE, operator } from '../operator.js';
import { expectRank } from '../shapes.js';
import { mul } from './elementwise.js';
import { expand } from './movement.js';
import { sum } from './reduction.js';

/** Zeros around an image: top, left, bottom, right. */
export type Padding = readonly [number, number, number, number];

interface ConvAttributes {
  readonly stride: number;
  readonly padding: Padding;
  readonly groups: number;
}

const Conv = operator<ConvAttributes>({
  name: 'Conv',
  infer: ([x, weight, bias], { stride, padding: [top, left, bottom, right], groups }) => {
    expectRank(x!, 4);
    expectRank(weight!, 4);
    const [batch, ...rest] = x!.shape;
    const [channels, height, width] = staticShape(rest) as [number, number, number];
    const [outputs, inner, kernelHeight, kernelWidth] = staticShape(weight!.shape) as [
      number,
      number,
      number,
      number,
    ];
    if (channels !== inner * groups || outputs % groups !== 0)
      throw new Error(
        `${channels} channels in ${groups} groups do not fit the kernel ${formatShape(weight!.shape)}`,
      );
    if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== outputs))
      throw new Error(`the bias ${formatShape(bias.shape)} must be [${outputs}]`);
    const steps = (length: number, kernel: number): number => Math.floor((length - kernel) / stride) + 1;
    const shape = [steps(height + top + bottom, kernelHeight), steps(width + left + right, kernelWidth)];
    if (shape.some((length) => length < 1)) throw new Error('the kernel is larger than the padded image');
    return [{ dtype: x!.dtype, shape: [batch!, outputs, ...shape] }];
  },
  lower: (inputs, { stride, padding, groups }) => ({
    type: 'Conv',
    inputs,
    attributes: {
      kernel_shape: staticShape(inputs[1]!.shape).slice(2),
      strides: [stride, stride],
      pads: padding,
      group: groups,
    },
  }),
  // That of the kernel is left to the channel-major form, which is fast enough to train with.
  gradient: (dy, { inputs: [x, weight, bias], attributes: { stride, padding, groups } }) => [
    convTranspose2d(dy, weight!, staticShape(x!.shape.slice(2)) as [number, number], {
      stride,
      padding,
      groups,
    }),
    undefined,
    bias && sum(dy, [0, 2, 3]),
  ],
});

export interface ConvOptions {
  readonly bias?: Value;
  readonly stride?: number;
  readonly padding?: Padding;
  /** Channels are convolved within so many groups; as many as channels make a depthwise convolution. */
  readonly groups?: number;
}

/**
 * Cross-correlation: `[n, in, h, w]` with a kernel `[out, in / groups, kh, kw]` gives `[n, out, h', w']`. Its gradient is
 * that of the image and of the bias, not of the kernel.
 */
export function conv2d(x: Value, weight: Value, options: ConvOptions = {}): Value {
  const { bias, stride = 1, padding = [0, 0, 0, 0], groups = 1 } = options;
  return apply(Conv, bias ? [x, weight, bias] : [x, weight], { stride, padding, groups })[0]!;
}

const ConvTranspose = operator<ConvAttributes & { readonly size: readonly [number, number] }>({
  name: 'ConvTranspose',
  infer: ([y, weight], { stride, padding: [top, left, bottom, right], groups, size }) => {
    expectRank(y!, 4);
    expectRank(weight!, 4);
    const [outputs, inner, ...kernel] = staticShape(weight!.shape);
    const [channels, ...positions] = staticShape(y!.shape.slice(1));
    if (channels !== outputs || channels! % groups !== 0)
      throw new Error(
        `${channels} channels in ${groups} groups do not fit the kernel ${formatShape(weight!.shape)}`,
      );
    const padded = [size[0] + top + bottom, size[1] + left + right];
    if (padded.some((length, i) => Math.floor((length - kernel[i]!) / stride) + 1 !== positions[i]))
      throw new Error(`no image of ${formatShape(size)} is convolved to ${formatShape(positions)}`);
    return [{ dtype: y!.dtype, shape: [y!.shape[0]!, inner! * groups, ...size] }];
  },
  lower: ([y, weight], { stride, padding, groups, size }) => {
    const kernel = staticShape(weight!.shape).slice(2);
    const positions = staticShape(y!.shape.slice(2));
    // What a stride left over below and at the right.
    const rest = size.map(
      (length, i) => length + padding[i]! + padding[i + 2]! - kernel[i]! - stride * (positions[i]! - 1),
    );
    return {
      type: 'ConvTranspose',
      inputs: [y, weight],
      attributes: {
        kernel_shape: kernel,
        strides: [stride, stride],
        pads: padding,
        group: groups,
        output_padding: rest,
      },
    };
  },
  gradient: (dy, { inputs: [, weight], attributes: { stride, padding, groups } }) => [
    conv2d(dy, weight!, { stride, padding, groups }),
    undefined,
  ],
});

/**
 * The transpose of `conv2d` as a linear map of images: `[n, out, h', w']` with the same kernel gives `[n, in, size[0],
 * size[1]]`. It is the gradient of a convolution's image, and that of a convolution is its own.
 */
export const convTranspose2d = (
  y: Value,
  weight: Value,
  size: readonly [number, number],
  { stride = 1, padding = [0, 0, 0, 0], groups = 1 }: Omit<ConvOptions, 'bias'> = {},
): Value => apply(ConvTranspose, [y, weight], { stride, padding, groups, size })[0]!;

/** PyTorch's padding for odd kernels, the same on all sides: an unstrided convolution keeps the size. */
export function symmetricPadding(kernel: number): Padding {
  const side = (kernel - 1) >> 1;
  return [side, side, side, side];
}

/** TensorFlow's "same" padding: the output has ⌈size / stride⌉ positions, and the odd zero goes below and right. */
export function samePadding(
  [height, width]: readonly [number, number],
  kernel: number,
  stride: number,
): Padding {
  const total = (size: number): number =>
    Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  const [vertical, horizontal] = [total(height), total(width)];
  return [vertical >> 1, horizontal >> 1, vertical - (vertical >> 1), horizontal - (horizontal >> 1)];
}

const GlobalAveragePool = operator({
  name: 'GlobalAveragePool',
  infer: ([x]) => {
    expectRank(x!, 4);
    if (sizeOf(staticShape(x!.shape.slice(2))) === 0) throw new Error('there is nothing to average');
    return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), 1, 1] }];
  },
  gradient: (dy, { inputs: [x] }) => [expand(mul(dy, 1 / sizeOf(staticShape(x!.shape.slice(2)))), x!.shape)],
});
/** Mean over height and width: `[n, c, h, w]` → `[n, c, 1, 1]`. */
export const globalAveragePool = (x: Value): Value => apply(GlobalAveragePool, [x], NONE)[0]!;
