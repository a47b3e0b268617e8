// Image sources in Node: paths, file, data and object URLs, bytes, Blobs and pixels.
import { fileURLToPath } from 'node:url';
import { MienError } from 'mien-engine/base';
import type { DecodedImage } from '../../encoders/encoder.js';
import { decodeImage } from '../../encoders/images.js';
import { checkPixels } from '../../encoders/pixel-limit.js';
import { sourceOf } from '../source.js';

export interface DecoderOptions {
  /** Images of more pixels are refused, files before they are decoded (default 50 million). */
  readonly maxPixels?: number | undefined;
  /** Whether paths and `file:` URLs are read (the default). */
  readonly files?: boolean | undefined;
}

/**
 * A decoder for every kind of source.
 * @throws MienError `data` when it is no image, truncated or too large; `file` when it cannot be read; `usage` when it
 *   would have to be fetched, or is a file where none are read.
 */
export const nodeDecoder =
  ({ maxPixels, files = true }: DecoderOptions = {}) =>
  async (given: unknown): Promise<DecodedImage> => {
    const source = await openSource(given);
    // The path is somebody else's, perhaps: it is not repeated.
    if (typeof source === 'string' && !files)
      throw new MienError('usage', 'images are not read from files here', {
        field: 'image',
        hint: 'Pass the bytes of the image; the recogniser was loaded with files: false.',
      });
    if (typeof source === 'string' || source instanceof Uint8Array) return decodeImage(source, { maxPixels });
    checkPixels(source, maxPixels);
    return source;
  };

/** The path of an image file, its bytes, or pixels: what can be sent to another process, and stays what it is there. */
export type OpenSource = string | Uint8Array | DecodedImage;

/** @throws MienError as the decoder does, for all that is known before the image is decoded. */
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
  // Nothing leaves this process: such a URL names a Blob of its own.
  if (url.protocol === 'blob:') return contentOf(await fetch(url).then((found) => found.blob(), revoked));
  throw new MienError('usage', `images are not fetched from the network (${url.protocol}//${url.host})`, {
    field: 'image',
    hint: 'Fetch it first and pass its bytes.',
  });
}

/** A Blob of a file can no longer be read when the file has changed. */
const contentOf = (blob: Blob): Promise<Uint8Array> =>
  blob.arrayBuffer().then(
    (bytes) => new Uint8Array(bytes),
    (cause: unknown) => {
      throw new MienError('data', 'is a Blob that cannot be read', { field: 'image', cause });
    },
  );

function revoked(cause: unknown): never {
  throw new MienError('data', 'is an object URL that names nothing any more', { field: 'image', cause });
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
    throw new MienError('data', 'is a file: URL that names no file of this computer', {
      field: 'image',
      cause,
      hint: 'Write file:///path/of/a/file.jpg, with %25 for a percent sign.',
    });
  }
}
