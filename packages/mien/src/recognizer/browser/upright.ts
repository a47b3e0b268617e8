// Decodes image files upright: rotated by the browser, or here for formats that not every browser rotates.
import { MienError } from 'mien-engine/base';
import { context2d, newCanvas } from './canvas.js';
import { takeOrientation } from './webp.js';

/**
 * The image of a file, upright; `turned` if it was rotated here and browsers may show it otherwise.
 * @throws MienError `data` if the browser cannot decode it.
 */
export async function uprightBitmap(
  file: Blob,
): Promise<{ readonly bitmap: ImageBitmap; readonly turned: boolean }> {
  const { blob, orientation } = await takeOrientation(file).catch(undecodable);
  const lying = await createImageBitmap(blob, { imageOrientation: 'from-image' }).catch(undecodable);
  if (orientation === 1) return { bitmap: lying, turned: false };
  try {
    return { bitmap: await turned(lying, orientation), turned: true };
  } finally {
    lying.close();
  }
}

function undecodable(cause: unknown): never {
  throw new MienError('data', 'cannot be decoded as an image by this browser', { field: 'image', cause });
}

/**
 * The transform of a canvas for each orientation from 1 on: x = a·x + c·y + e, y = b·x + d·y + f, with e in widths and f in
 * heights of the upright image.
 */
const TRANSFORMS = [
  [1, 0, 0, 1, 0, 0],
  [-1, 0, 0, 1, 1, 0],
  [-1, 0, 0, -1, 1, 1],
  [1, 0, 0, -1, 0, 1],
  [0, 1, 1, 0, 0, 0],
  [0, 1, -1, 0, 1, 0],
  [0, -1, -1, 0, 1, 1],
  [0, -1, 1, 0, 0, 1],
] as const;

function turned(lying: ImageBitmap, orientation: number): Promise<ImageBitmap> {
  const sides = [lying.width, lying.height] as const;
  const [width, height] = orientation < 5 ? sides : ([sides[1], sides[0]] as const);
  const canvas = newCanvas(width, height);
  const context = context2d(canvas);
  const [a, b, c, d, e, f] = TRANSFORMS[orientation - 1]!;
  context.setTransform(a, b, c, d, e * width, f * height);
  context.drawImage(lying, 0, 0);
  return createImageBitmap(canvas);
}
