// Resizing and sampling of images in the graph, so that every runtime gives the same pixels.
import { apply, formatShape, type Value } from '../builder.js';
import { NONE, operator } from '../operator.js';
import { expectDType, expectRank } from '../shapes.js';
import { int64 } from '../../base/tensor.js';

const Resize = operator<{ size: readonly [number, number] }>({
  name: 'Resize',
  infer: ([x], { size }) => {
    expectRank(x!, 4);
    expectDType(x!, 'float32', 'uint8');
    return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), ...size] }];
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
 * Bicubic resizing with antialiasing, as PIL's `BICUBIC` does it (Keys' kernel, a = −0.5):
 * `[n, c, h, w]` → `[n, c, size[0], size[1]]`, float32 or 8-bit, of images of any size.
 */
export const resizeBicubic = (x: Value, size: readonly [number, number]): Value =>
  apply(Resize, [x], { size })[0]!;

const GridSample = operator({
  name: 'GridSample',
  infer: ([x, grid]) => {
    expectRank(x!, 4);
    expectRank(grid!, 4);
    expectDType(x!, 'float32');
    expectDType(grid!, 'float32');
    if (grid!.shape[0] !== x!.shape[0] || grid!.shape[3] !== 2)
      throw new Error(`a grid ${formatShape(grid!.shape)} does not fit images ${formatShape(x!.shape)}`);
    return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), grid!.shape[1]!, grid!.shape[2]!] }];
  },
  lower: (inputs) => ({
    type: 'GridSample',
    inputs,
    attributes: { mode: 'linear', padding_mode: 'border', align_corners: 0 },
  }),
});
/**
 * Values of images `[n, c, h, w]` at the places of a grid `[n, h', w', 2]`, between pixels by bilinear interpolation,
 * outside those of the border: `[n, c, h', w']`. Places are (x, y) with −1 and 1 at the outer edges (PyTorch's
 * `grid_sample` with `align_corners=False`). It has no gradient.
 */
export const gridSample = (x: Value, grid: Value): Value => apply(GridSample, [x, grid], NONE)[0]!;
