// Image sources in Node: paths, file, data and object URLs, bytes, Blobs and pixels.
import { fileURLToPath } from 'node:url';
import { MienError } from 'mien-engine/base';
import type { DecodedImage } from '../../encoders/encoder.js';
import { decodeImage } from '../../encoders/images.js';
import { checkPixels } from '../../encoders/pixel-limit.js';
import { sourceOf } from '../source.js';

export interface DecoderOptions {
  /** Images with more pixels are rejected, files before they are decoded (default 50 million). */
  readonly maxPixels?: number | undefined;
  /** Whether paths and `file:` URLs are accepted (the default). */
  readonly files?: boolean | undefined;
}

/**
 * A decoder of all kinds of sources.
 * @throws MienError `data` if it is not an image, truncated or too large; `file` if it cannot be read; `usage` if it would
 *   have to be fetched, or is a file and `files` is false.
 */
export const nodeDecoder =
  ({ maxPixels, files = true }: DecoderOptions = {}) =>
  async (given: unknown): Promise<DecodedImage> => {
    const source = await openSource(given);
    // The path may be another user's and is not quoted.
    if (typeof source === 'string' && !files)
      throw new MienError('usage', 'images are not read from files', {
        field: 'image',
        hint: 'Pass the bytes of the image; the recogniser was loaded with files: false.',
      });
    if (typeof source === 'string' || source instanceof Uint8Array) return decodeImage(source, { maxPixels });
    checkPixels(source, maxPixels);
    return source;
  };

/** The path of an image file, its bytes, or pixels: can be sent to another process. */
export type OpenSource = string | Uint8Array | DecodedImage;

/** @throws MienError as the decoder does before decoding. */
export async function openSource(given: unknown): Promise<OpenSource> {
  const source = sourceOf(given);
  if ('pixels' in source) return source.pixels;
  if ('bytes' in source) return source.bytes;
  if ('blob' in source) return contentOf(source.blob);
  const { address } = source;
  const [, scheme] = /^\s*(file|blob|https?):/i.exec(address) ?? [];
  if (scheme === undefined && typeof given === 'string') return address;
  const url = urlOf(address);
  if (url.protocol === 'file:') return pathOf(url);
  // Without network access: object URLs are of Blobs in this process.
  if (url.protocol === 'blob:') return contentOf(await fetch(url).then((found) => found.blob(), revoked));
  throw new MienError('usage', `images are not fetched from the network (${url.protocol}//${url.host})`, {
    field: 'image',
    hint: 'Fetch it first and pass its bytes.',
  });
}

/** A Blob of a file cannot be read any more after the file has changed. */
const contentOf = (blob: Blob): Promise<Uint8Array> =>
  blob.arrayBuffer().then(
    (bytes) => new Uint8Array(bytes),
    (cause: unknown) => {
      throw new MienError('data', 'is a Blob that cannot be read', { field: 'image', cause });
    },
  );

function revoked(cause: unknown): never {
  throw new MienError('data', 'is an object URL that has been revoked', { field: 'image', cause });
}

function urlOf(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new MienError('data', 'is not a URL', { field: 'image', cause });
  }
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new MienError('data', 'is a file: URL, but not of a local file', {
      field: 'image',
      cause,
      hint: 'Write file:///path/of/a/file.jpg, with %25 for a percent sign.',
    });
  }
}
