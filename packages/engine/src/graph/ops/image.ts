// Images laid out `[batch, channels, height, width]`: convolution, pooling, resizing, sampling. All are part of the graph,
// so that every runtime computes the same pixels.
import { int64, sizeOf } from '../../base/tensor.js';
import {
  apply,
  formatShape,
  NONE,
  operator,
  staticShape,
  type Binary,
  type BinaryWithOptional,
  type Unary,
  type Value,
} from '../graph.js';
import { dimPositions, dimsOf, expectDType, sizeAlong, sizesOf } from '../shapes.js';
import { mul } from './elementwise.js';
import { expand } from './movement.js';
import { sum } from './reduction.js';

/** Height and width. */
export type ImageSize = readonly [number, number];

/** Zeros around an image: top, left, bottom, right. */
export type Padding = readonly [number, number, number, number];

interface ConvAttributes {
  readonly stride: number;
  readonly padding: Padding;
  readonly groups: number;
}

const Conv = operator<BinaryWithOptional, ConvAttributes>({
  name: 'Conv',
  infer: ([x, weight, bias], { stride, padding: [top, left, bottom, right], groups }) => {
    const [batch, , height, width] = dimsOf(x, 4);
    const channels = sizeAlong(x, 1);
    const [outputs, inner, kernelHeight, kernelWidth] = sizesOf(weight, 4);
    if (channels !== inner * groups || outputs % groups !== 0)
      throw new Error(
        `${channels} channels in ${groups} groups do not fit the kernel ${formatShape(weight.shape)}`,
      );
    if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== outputs))
      throw new Error(`the bias ${formatShape(bias.shape)} must be [${outputs}]`);
    const size = [
      dimPositions(height, top + bottom, kernelHeight, stride),
      dimPositions(width, left + right, kernelWidth, stride),
    ];
    if (size.some((length) => typeof length === 'number' && length < 1))
      throw new Error('the kernel is larger than the padded image');
    return [{ dtype: x.dtype, shape: [batch, outputs, ...size] }];
  },
  lower: (inputs, { stride, padding, groups }) => ({
    type: 'Conv',
    inputs,
    attributes: {
      kernel_shape: sizesOf(inputs[1], 4).slice(2),
      strides: [stride, stride],
      pads: padding,
      group: groups,
    },
  }),
  // Kernels are trained in channel-major layout, which is fast enough: here they have no gradient.
  gradient: (dy, { inputs: [x, weight, bias], attributes: { stride, padding, groups } }) => {
    const [, , height, width] = dimsOf(x, 4);
    return [
      convTranspose2d(dy, weight, staticShape([height, width]), { stride, padding, groups }),
      undefined,
      bias && sum(dy, [0, 2, 3]),
    ];
  },
  multiplyAdds: ({ inputs: [, weight], outputs: [y] }) =>
    sizeOf(staticShape(y.shape)) * sizeOf(staticShape(weight.shape.slice(1))),
});

export interface ConvOptions {
  readonly bias?: Value;
  readonly stride?: number;
  readonly padding?: Padding;
  /** Number of groups within which channels are convolved; as many as channels for a depthwise convolution. */
  readonly groups?: number;
}

/**
 * Cross-correlation: `[n, in, h, w]` with a kernel `[out, in / groups, kh, kw]` gives `[n, out, h', w']`. Height and width
 * may be known only at run time. It has gradients of the image (of known size) and the bias, not of the kernel.
 */
export function conv2d(x: Value, weight: Value, options: ConvOptions = {}): Value {
  const { bias, stride = 1, padding = [0, 0, 0, 0], groups = 1 } = options;
  return apply(Conv, bias ? [x, weight, bias] : [x, weight], { stride, padding, groups })[0];
}

interface TransposeAttributes extends ConvAttributes {
  /** Size of the result. */
  readonly size: ImageSize;
}

/** Rows and columns of the result that the kernel does not reach because of the stride. */
function unreached(y: Value, weight: Value, attributes: TransposeAttributes): ImageSize {
  const { stride, padding, size } = attributes;
  const [top, left, bottom, right] = padding;
  const [, , kernelHeight, kernelWidth] = sizesOf(weight, 4);
  return [
    size[0] + top + bottom - kernelHeight - stride * (sizeAlong(y, 2) - 1),
    size[1] + left + right - kernelWidth - stride * (sizeAlong(y, 3) - 1),
  ];
}

const ConvTranspose = operator<Binary, TransposeAttributes>({
  name: 'ConvTranspose',
  infer: ([y, weight], attributes) => {
    const { stride, groups, size } = attributes;
    const [batch] = dimsOf(y, 4);
    const [outputs, inner] = sizesOf(weight, 4);
    const channels = sizeAlong(y, 1);
    if (channels !== outputs || channels % groups !== 0)
      throw new Error(
        `${channels} channels in ${groups} groups do not fit the kernel ${formatShape(weight.shape)}`,
      );
    if (unreached(y, weight, attributes).some((length) => length < 0 || length >= stride))
      throw new Error(`no image of ${formatShape(size)} is convolved to ${formatShape(y.shape.slice(2))}`);
    return [{ dtype: y.dtype, shape: [batch, inner * groups, ...size] }];
  },
  lower: ([y, weight], attributes) => ({
    type: 'ConvTranspose',
    inputs: [y, weight],
    attributes: {
      kernel_shape: sizesOf(weight, 4).slice(2),
      strides: [attributes.stride, attributes.stride],
      pads: attributes.padding,
      group: attributes.groups,
      output_padding: unreached(y, weight, attributes),
    },
  }),
  gradient: (dy, { inputs: [, weight], attributes: { stride, padding, groups } }) => [
    conv2d(dy, weight, { stride, padding, groups }),
    undefined,
  ],
});

/**
 * The transpose of `conv2d` as a linear map of images: `[n, out, h', w']` with the same kernel gives `[n, in, size[0],
 * size[1]]`. Each is the gradient of the other with respect to the image.
 */
export const convTranspose2d = (
  y: Value,
  weight: Value,
  size: ImageSize,
  { stride = 1, padding = [0, 0, 0, 0], groups = 1 }: Omit<ConvOptions, 'bias'> = {},
): Value => apply(ConvTranspose, [y, weight], { stride, padding, groups, size })[0];

/** PyTorch's padding for odd kernels, equal on all sides: a convolution of stride 1 keeps the size. */
export function symmetricPadding(kernel: number): Padding {
  const side = (kernel - 1) >> 1;
  return [side, side, side, side];
}

/** TensorFlow's "same" padding: the output has ⌈size / stride⌉ positions; an odd zero goes below or right. */
export function samePadding([height, width]: ImageSize, kernel: number, stride: number): Padding {
  const total = (size: number): number =>
    Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  const [vertical, horizontal] = [total(height), total(width)];
  return [vertical >> 1, horizontal >> 1, vertical - (vertical >> 1), horizontal - (horizontal >> 1)];
}

const GlobalAveragePool = operator({
  name: 'GlobalAveragePool',
  infer: ([x]) => {
    const [batch, channels, height, width] = dimsOf(x, 4);
    if (sizeOf(staticShape([height, width])) === 0) throw new Error('there is nothing to average');
    return [{ dtype: x.dtype, shape: [batch, channels, 1, 1] }];
  },
  gradient: (dy, { inputs: [x] }) => [expand(mul(dy, 1 / sizeOf(staticShape(x.shape.slice(2)))), x.shape)],
});
/** Mean over height and width: `[n, c, h, w]` → `[n, c, 1, 1]`. */
export const globalAveragePool = (x: Value): Value => apply(GlobalAveragePool, [x], NONE)[0];

const Resize = operator<Unary, { readonly size: ImageSize }>({
  name: 'Resize',
  infer: ([x], { size }) => {
    const [batch, channels] = dimsOf(x, 4);
    expectDType(x, 'float32', 'uint8');
    return [{ dtype: x.dtype, shape: [batch, channels, ...size] }];
  },
  lower: ([x], { size }) => ({
    type: 'Resize',
    inputs: [x, undefined, undefined, int64([2], size)],
    attributes: {
      mode: 'cubic',
      antialias: 1,
      cubic_coeff_a: { float: -0.5 },
      exclude_outside: 1,
      coordinate_transformation_mode: 'half_pixel',
      axes: [2, 3],
    },
  }),
});
/**
 * Bicubic resizing with antialiasing, as PIL's `BICUBIC` (Keys' kernel, a = −0.5): `[n, c, h, w]` →
 * `[n, c, size[0], size[1]]`, float32 or 8-bit, for images of any size.
 */
export const resizeBicubic = (x: Value, size: ImageSize): Value => apply(Resize, [x], { size })[0];

const GridSample = operator<Binary>({
  name: 'GridSample',
  infer: ([x, grid]) => {
    const [batch, channels] = dimsOf(x, 4);
    const [grids, height, width, coordinates] = dimsOf(grid, 4);
    expectDType(x, 'float32');
    expectDType(grid, 'float32');
    if (grids !== batch || coordinates !== 2)
      throw new Error(`a grid ${formatShape(grid.shape)} does not fit images ${formatShape(x.shape)}`);
    return [{ dtype: x.dtype, shape: [batch, channels, height, width] }];
  },
  lower: (inputs) => ({
    type: 'GridSample',
    inputs,
    attributes: { mode: 'linear', padding_mode: 'border', align_corners: 0 },
  }),
});
/**
 * Samples images `[n, c, h, w]` at the points of a grid `[n, h', w', 2]` by bilinear interpolation, with border pixels
 * extended outwards: `[n, c, h', w']`. Points are (x, y) with −1 and 1 at the outer edges (PyTorch's `grid_sample` with
 * `align_corners=False`). It has no gradient.
 */
export const gridSample = (x: Value, grid: Value): Value => apply(GridSample, [x, grid], NONE)[0];
