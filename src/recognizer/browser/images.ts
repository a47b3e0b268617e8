// Image sources in browsers: addresses, files, bytes, what a page shows, and pixels.
import { MienError } from '../../base/errors.js';
import type { DecodedImage } from '../../encoders/encoder.js';
import { isRawImage, rgbOf } from '../pixels.js';
import type { ImageSource } from '../types.js';

/** What can be drawn on a canvas, at the size in which it is shown upright. */
export type Drawable =
  ImageBitmap | HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas | VideoFrame;

/** An address, a Blob or File, the bytes of an image file, `ImageData` or other pixels, or what a page shows. */
export type BrowserImageSource = ImageSource | Drawable;

const MOST_PIXELS = 50_000_000;

/**
 * A decoder for every kind of source: turned upright as its EXIF orientation says, transparency on white.
 * @throws MienError `data` when it is no image that this browser reads, cannot be fetched, is larger than `maxPixels`,
 *   or comes from elsewhere without leave.
 */
export const browserDecoder =
  ({ maxPixels = MOST_PIXELS }: { readonly maxPixels?: number | undefined } = {}) =>
  async (source: BrowserImageSource): Promise<DecodedImage> => {
    if (isRawImage(source as ImageSource)) return rgbOf(source as Parameters<typeof rgbOf>[0]);
    const drawable = isDrawable(source)
      ? await ready(source)
      : await bitmapOf(await blobOf(source as Encoded));
    try {
      return pixelsOf(drawable, maxPixels);
    } finally {
      // What was opened here is closed here; what the caller opened is the caller's.
      if (drawable !== source) (drawable as ImageBitmap).close();
    }
  };

type Encoded = string | URL | Uint8Array | ArrayBuffer | Blob;

/** By name, since a worker has no `HTMLImageElement` to compare with, and a frame has one of its own. */
const isDrawable = (source: BrowserImageSource): source is Drawable =>
  /^(ImageBitmap|HTML(Image|Video|Canvas)Element|OffscreenCanvas|VideoFrame)$/.test(
    Object.prototype.toString.call(source).slice(8, -1),
  );

async function ready(source: Drawable): Promise<Drawable> {
  if ('decode' in source)
    await source.decode().catch((cause: unknown) => {
      throw unreadable('the image element shows no image', cause);
    });
  return source;
}

async function blobOf(source: Encoded): Promise<Blob> {
  if (source instanceof Blob) return source;
  if (typeof source !== 'string' && !(source instanceof URL)) return new Blob([source as BlobPart]);
  const response = await fetch(source).catch((cause: unknown) => {
    throw new MienError('data', 'could not be fetched', { file: shown(source), cause });
  });
  if (!response.ok)
    throw new MienError('data', `could not be fetched (status ${response.status})`, { file: shown(source) });
  return response.blob();
}

/** A data URL says nothing to a reader. */
const shown = (source: string | URL): string => String(source).slice(0, 80);

const bitmapOf = (blob: Blob): Promise<ImageBitmap> =>
  createImageBitmap(blob, { imageOrientation: 'from-image' }).catch((cause: unknown) => {
    throw unreadable('cannot be decoded as an image by this browser', cause);
  });

const unreadable = (message: string, cause: unknown): MienError =>
  new MienError('data', message, { field: 'image', cause });

function sizeOf(source: Drawable): readonly [width: number, height: number] {
  if ('naturalWidth' in source) return [source.naturalWidth, source.naturalHeight];
  if ('videoWidth' in source) return [source.videoWidth, source.videoHeight];
  if ('displayWidth' in source) return [source.displayWidth, source.displayHeight];
  return [source.width, source.height];
}

/** Kept from image to image: a camera's frames are all of one size. */
let canvas: OffscreenCanvas | HTMLCanvasElement | undefined;

function pixelsOf(source: Drawable, maxPixels: number): DecodedImage {
  const [width, height] = sizeOf(source);
  if (width * height < 1) throw unreadable('has no pixels (yet)', undefined);
  if (width * height > maxPixels)
    throw new MienError('data', `has ${width} × ${height} pixels, more than the ${maxPixels} that are read`, {
      ...{ field: 'image', hint: 'Make it smaller, or allow more with maxPixels.' },
    });
  canvas ??= newCanvas();
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D | null;
  if (!context) throw unreadable('cannot be drawn: this browser gives no canvas', undefined);
  context.clearRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  try {
    return rgbOf(context.getImageData(0, 0, width, height));
  } catch (cause) {
    if (cause instanceof MienError) throw cause;
    // A canvas that another site's picture was drawn on gives no pixels from then on.
    canvas = undefined;
    throw new MienError('data', 'its pixels may not be read: it comes from another site', {
      ...{ field: 'image', cause, hint: 'Give the element the attribute crossorigin="anonymous".' },
    });
  }
}

function newCanvas(): OffscreenCanvas | HTMLCanvasElement {
  if (typeof OffscreenCanvas !== 'undefined') return new OffscreenCanvas(1, 1);
  return document.createElement('canvas');
}
