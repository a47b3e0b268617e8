// Image sources in Node: paths, file and data URLs, bytes, Blobs and pixels.
import { fileURLToPath } from 'node:url';
import { MienError } from '../../base/errors.js';
import type { DecodedImage } from '../../encoders/encoder.js';
import { decodeImage } from '../../encoders/images.js';
import { isRawImage, rgbOf } from '../pixels.js';
import type { ImageSource } from '../types.js';

export interface DecoderOptions {
  /** Images of more pixels are refused before they are decoded. */
  readonly maxPixels?: number | undefined;
  /** Whether paths and `file:` URLs are read (the default). */
  readonly files?: boolean | undefined;
}

/**
 * A decoder for every kind of source.
 * @throws MienError `data` when it is no image, truncated or too large; `file` when it cannot be read; `usage` when it
 *   would have to be fetched, is a file where none are read, or is no source at all.
 */
export const nodeDecoder =
  ({ maxPixels, files = true }: DecoderOptions = {}) =>
  async (source: ImageSource): Promise<DecodedImage> => {
    if (isRawImage(source)) return rgbOf(source);
    const image = await encoded(source);
    // The path is somebody else's, perhaps: it is not repeated.
    if (typeof image === 'string' && !files)
      throw new MienError('usage', 'images are not read from files here', {
        ...{
          field: 'image',
          hint: 'Pass the bytes of the image; the recogniser was loaded with files: false.',
        },
      });
    return decodeImage(image, maxPixels === undefined ? {} : { maxPixels });
  };

/** A path or bytes. */
export async function encoded(source: Exclude<ImageSource, { data: unknown }>): Promise<string | Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  const url =
    source instanceof URL ? source : /^(data|file|https?):/i.test(source) ? urlOf(source) : undefined;
  if (url === undefined) return source as string;
  if (url.protocol === 'file:') return fileURLToPath(url);
  if (url.protocol === 'data:') return bytesOfDataUrl(url);
  throw new MienError('usage', `images are not fetched from the network (${url.protocol}//${url.host})`, {
    hint: 'Fetch it first and pass its bytes.',
  });
}

function urlOf(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new MienError('data', 'is not a URL', { field: 'image', cause });
  }
}

function bytesOfDataUrl({ pathname }: URL): Uint8Array {
  const comma = pathname.indexOf(',');
  if (comma < 0 || !/;base64$/i.test(pathname.slice(0, comma)))
    throw new MienError('data', 'is a data URL that is not base64', { field: 'image' });
  return Buffer.from(pathname.slice(comma + 1), 'base64');
}
