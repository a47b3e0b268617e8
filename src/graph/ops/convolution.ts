// Convolution and pooling over images laid out `[batch, channels, height, width]`.
import { sizeOf } from '../../base/tensor.js';
import { apply, formatShape, staticShape, type Value } from '../builder.js';
import { NONE, operator } from '../operator.js';
import { expectRank } from '../shapes.js';

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
});

export interface ConvOptions {
  readonly bias?: Value;
  readonly stride?: number;
  readonly padding?: Padding;
  /** Channels are convolved within so many groups; as many as channels make a depthwise convolution. */
  readonly groups?: number;
}

/** Cross-correlation: `[n, in, h, w]` with a kernel `[out, in / groups, kh, kw]` gives `[n, out, h', w']`. */
export function conv2d(x: Value, weight: Value, options: ConvOptions = {}): Value {
  const { bias, stride = 1, padding = [0, 0, 0, 0], groups = 1 } = options;
  return apply(Conv, bias ? [x, weight, bias] : [x, weight], { stride, padding, groups })[0]!;
}

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
});
/** Mean over height and width: `[n, c, h, w]` → `[n, c, 1, 1]`. */
export const globalAveragePool = (x: Value): Value => apply(GlobalAveragePool, [x], NONE)[0]!;
