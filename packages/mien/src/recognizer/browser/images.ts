// Image sources in browsers: URLs, files, bytes, elements of a page, and pixels.
import { MienError, tagOf } from 'mien-engine/base';
import type { DecodedImage } from '../../encoders/encoder.js';
import { checkPixels } from '../../encoders/pixel-limit.js';
import { rgbOf } from '../pixels.js';
import { sourceOf, type Source } from '../source.js';
import type { ImageSource } from '../types.js';
import { context2d, newCanvas, type Canvas } from './canvas.js';
import { uprightBitmap } from './upright.js';

/** Anything that can be drawn on a canvas, in its upright size. */
export type Drawable =
  ImageBitmap | HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas | VideoFrame;

/** A URL, a Blob or File, the bytes of an image file, `ImageData` or other pixels, or an element of a page. */
export type BrowserImageSource = ImageSource | Drawable;

/**
 * A decoder of all kinds of sources. Images are rotated according to their EXIF orientation, and transparent ones are drawn
 * on white.
 * @throws MienError `data` if the browser cannot decode or fetch it, it is larger than `maxPixels`, or it is from another
 *   origin that does not allow reading it.
 */
export const browserDecoder =
  ({ maxPixels }: { readonly maxPixels?: number | undefined } = {}) =>
  async (given: unknown): Promise<DecodedImage> => {
    if (isDrawable(given)) return pixelsOf(await ready(given), maxPixels);
    const source = sourceOf(given);
    if ('pixels' in source) {
      checkPixels(source.pixels, maxPixels);
      return source.pixels;
    }
    const { bitmap } = await uprightBitmap(await blobOf(source));
    try {
      return pixelsOf(bitmap, maxPixels);
    } finally {
      bitmap.close();
    }
  };

/** By name, since workers have no `HTMLImageElement`, and other frames have a different one. */
const isDrawable = (given: unknown): given is Drawable =>
  /^(ImageBitmap|HTML(Image|Video|Canvas)Element|OffscreenCanvas|VideoFrame)$/.test(tagOf(given));

async function ready(source: Drawable): Promise<Drawable> {
  if ('decode' in source)
    await source.decode().catch((cause: unknown) => {
      throw unreadable('the image element has no image', cause);
    });
  return source;
}

async function blobOf(source: Exclude<Source, { pixels: unknown }>): Promise<Blob> {
  if ('blob' in source) return source.blob;
  if ('bytes' in source) return new Blob([source.bytes]);
  const file = source.address;
  const response = await fetch(file).catch((cause: unknown) => {
    throw new MienError('data', 'could not be fetched', { file, cause });
  });
  if (!response.ok) throw new MienError('data', `could not be fetched (status ${response.status})`, { file });
  return response.blob();
}

const unreadable = (message: string, cause: unknown): MienError =>
  new MienError('data', message, { field: 'image', cause });

function sizeOf(source: Drawable): readonly [width: number, height: number] {
  if ('naturalWidth' in source) return [source.naturalWidth, source.naturalHeight];
  if ('videoWidth' in source) return [source.videoWidth, source.videoHeight];
  if ('displayWidth' in source) return [source.displayWidth, source.displayHeight];
  return [source.width, source.height];
}

/** Reused for all images: the frames of a camera have the same size. */
let canvas: Canvas | undefined;

function pixelsOf(source: Drawable, maxPixels: number | undefined): DecodedImage {
  const [width, height] = sizeOf(source);
  if (width * height < 1) throw unreadable('has no pixels (yet)', undefined);
  checkPixels({ width, height }, maxPixels);
  canvas ??= newCanvas();
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = context2d(canvas);
  try {
    context.clearRect(0, 0, width, height);
    context.drawImage(source, 0, 0, width, height);
    return rgbOf(context.getImageData(0, 0, width, height));
  } catch (cause) {
    // A canvas cannot be read any more once an image of another origin was drawn on it.
    canvas = undefined;
    if ((cause as Error).name !== 'SecurityError') throw unreadable('cannot be drawn by this browser', cause);
    throw new MienError('data', 'its pixels cannot be read because it is from another origin', {
      field: 'image',
      cause,
      hint: 'Set the attribute crossorigin="anonymous" of the element.',
    });
  }
}
