// What somebody gave as an image, told apart by what it is; the same in Node and in browsers.
import { kindOf, MienError, tagOf } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';
import { bytesIn, steadyBytes } from './bytes.js';
import { bytesOfDataUrl, isDataUrl } from './data-url.js';
import { rgbOf } from './pixels.js';

/** Pixels, the bytes of a file, a Blob that has them, or where they are: a path (Node) or a URL. */
export type Source =
  | { readonly pixels: DecodedImage }
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly blob: Blob }
  | { readonly address: string };

/**
 * Tells a source by what it is. Nothing is waited for: what may never end, such as a stream or the body of a response,
 * would keep the items beside it from their answers.
 * @throws MienError `data` that names what it was given where that is no image; whatever its getters throw.
 */
export function sourceOf(given: unknown): Source {
  if (typeof given === 'string' || tagOf(given) === 'URL') {
    const address = String(given);
    if (address.trim() === '')
      throw new MienError('data', 'is an empty text, no path and no address', { field: 'image' });
    return isDataUrl(address) ? ofBytes(bytesOfDataUrl(address)) : { address };
  }
  const bytes = bytesIn(given);
  if (bytes) return ofBytes(steadyBytes(bytes));
  if (isBlob(given)) {
    checkFilled(given.size);
    return { blob: given };
  }
  if (typeof given === 'object' && given !== null && 'width' in given && 'height' in given && 'data' in given)
    return { pixels: rgbOf(given) };
  throw new MienError('data', `${kindOf(given)} is no image`, { field: 'image', hint: adviceFor(given) });
}

function checkFilled(length: number): void {
  if (length === 0)
    throw new MienError('data', 'holds no bytes', {
      field: 'image',
      hint: 'A buffer that was transferred elsewhere is empty.',
    });
}

function ofBytes(bytes: Uint8Array<ArrayBuffer>): Source {
  checkFilled(bytes.length);
  return { bytes };
}

/** By name: a Blob of a frame or a test runner is of another realm. */
export const isBlob = (given: unknown): given is Blob =>
  /^(Blob|File)$/.test(tagOf(given)) && typeof (given as Blob).arrayBuffer === 'function';

function adviceFor(given: unknown): string {
  const has = (method: string): boolean =>
    typeof (given as Readonly<Record<string, unknown>> | null | undefined)?.[method] === 'function';
  if (has('then')) return 'Wait for it: image: await …';
  if (has('blob')) return 'Pass its content: image: await response.blob().';
  if (has('getReader')) return 'Read it to its end: image: await new Response(stream).blob().';
  if (has('pipe')) return 'Read it to its end: image: Buffer.concat(await stream.toArray()).';
  return 'Pass the bytes of an image file, a Blob, a data URL, or { width, height, data } with its pixels.';
}
