// Resizing of images in the graph, so that every runtime gives the same pixels.
import { apply, type Value } from '../builder.js';
import { operator } from '../operator.js';
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
