// A frame is a square over an image, at any angle and of any size; cutting it out gives its pixels upright.
import type { Point } from './face.js';
import { resampleRegion, type AnyImage, type FloatImage } from './resample.js';

export interface CropFrame {
  /** In pixels of the image. */
  readonly centre: Point;
  /** In pixels of the image. */
  readonly side: number;
  /** Unit vector along its upper side: (1, 0) when upright. */
  readonly across: Point;
}

export const uprightFrame = (centre: Point, side: number): CropFrame => ({
  centre,
  side,
  across: { x: 1, y: 0 },
});

/** The point in the image of a point in the frame, given in sides of the frame from its upper left corner. */
export function fromFrame({ centre, side, across }: CropFrame, { x, y }: Point): Point {
  const [right, down] = [(x - 0.5) * side, (y - 0.5) * side];
  return {
    x: centre.x + right * across.x - down * across.y,
    y: centre.y + right * across.y + down * across.x,
  };
}

/** Samples per output pixel along each axis when a rotated frame is shrunk. */
const OVERSAMPLING = 2;

/**
 * The frame's content as `size` × `size` pixels, bilinear and antialiased. Beyond the image the border is repeated, or
 * every value is `fill`.
 */
export function cutOut(image: AnyImage, frame: CropFrame, size: number, fill?: number): FloatImage {
  const { centre, side, across } = frame;
  if (across.x === 1) {
    const corner = { x: centre.x - side / 2, y: centre.y - side / 2 };
    return resampleRegion(image, { ...corner, width: side, height: side }, size, size, fill);
  }
  const scale = side / size;
  if (scale <= OVERSAMPLING) return sampleFrame(image, frame, size, scale <= 1 ? 1 : OVERSAMPLING, fill);
  // Shrunk upright first, so that neighbouring samples are neighbouring pixels.
  const half = (side / 2) * (Math.abs(across.x) + Math.abs(across.y)) + scale;
  const pixels = Math.ceil((2 * half * OVERSAMPLING) / scale);
  const around = { x: centre.x - half, y: centre.y - half, width: 2 * half, height: 2 * half };
  const shrunk = resampleRegion(image, around, pixels, pixels, fill);
  const inside: CropFrame = {
    centre: { x: pixels / 2, y: pixels / 2 },
    side: (side * pixels) / (2 * half),
    across,
  };
  return sampleFrame(shrunk, inside, size, OVERSAMPLING);
}

/** Each output pixel is the mean of `samples` × `samples` values, bilinear between pixels. */
function sampleFrame(
  { width, height, data }: AnyImage,
  frame: CropFrame,
  size: number,
  samples: number,
  fill?: number,
): FloatImage {
  const out = new Float32Array(size * size * 3);
  const origin = fromFrame(frame, { x: 0, y: 0 });
  const step = frame.side / (size * samples);
  const [dx, dy] = [frame.across.x * step, frame.across.y * step];
  const share = 1 / (samples * samples);

  const add = (to: number, column: number, row: number, weight: number): void => {
    const x = column < 0 ? 0 : column >= width ? width - 1 : column;
    const y = row < 0 ? 0 : row >= height ? height - 1 : row;
    const at = 3 * (y * width + x);
    const isOutside = fill !== undefined && (x !== column || y !== row);
    out[to]! += weight * (isOutside ? fill : data[at]!);
    out[to + 1]! += weight * (isOutside ? fill : data[at + 1]!);
    out[to + 2]! += weight * (isOutside ? fill : data[at + 2]!);
  };
  for (let v = 0; v < size * samples; v++)
    for (let u = 0; u < size * samples; u++) {
      const x = origin.x + (u + 0.5) * dx - (v + 0.5) * dy - 0.5;
      const y = origin.y + (u + 0.5) * dy + (v + 0.5) * dx - 0.5;
      const [column, row] = [Math.floor(x), Math.floor(y)];
      const [right, below] = [x - column, y - row];
      const to = 3 * (Math.floor(v / samples) * size + Math.floor(u / samples));
      add(to, column, row, share * (1 - right) * (1 - below));
      add(to, column + 1, row, share * right * (1 - below));
      add(to, column, row + 1, share * (1 - right) * below);
      add(to, column + 1, row + 1, share * right * below);
    }
  return { width: size, height: size, data: out };
}
