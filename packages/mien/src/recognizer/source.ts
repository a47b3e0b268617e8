// Classifies whatever a caller passes as an image, the same in Node and in browsers.
import { describeType, MienError, tagOf } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';
import { bytesIn, isBlob, steadyBytes } from '../base/bytes.js';
import { bytesOfDataUrl, isDataUrl } from './data-url.js';
import { rgbOf } from './pixels.js';

/** Pixels, the bytes of an image file, a Blob of one, or its location: a path (Node) or a URL. */
export type Source =
  | { readonly pixels: DecodedImage }
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly blob: Blob }
  | { readonly address: string };

/**
 * Classifies an image source. Promises, streams and the bodies of responses are rejected instead of awaited: they may
 * never end, and would keep the other items of a batch waiting.
 * @throws MienError `data` that names the kind of value when it is not an image; whatever its getters throw.
 */
export function sourceOf(value: unknown): Source {
  if (typeof value === 'string' || tagOf(value) === 'URL') {
    const address = String(value);
    if (address.trim() === '')
      throw new MienError('data', 'is an empty string, neither a path nor a URL', { field: 'image' });
    return isDataUrl(address) ? fromBytes(bytesOfDataUrl(address)) : { address };
  }
  const bytes = bytesIn(value);
  if (bytes) return fromBytes(steadyBytes(bytes));
  if (isBlob(value)) {
    checkNotEmpty(value.size);
    return { blob: value };
  }
  if (typeof value === 'object' && value !== null && 'width' in value && 'height' in value && 'data' in value)
    return { pixels: rgbOf(value) };
  throw new MienError('data', `${describeType(value)} is not an image`, {
    field: 'image',
    hint: adviceFor(value),
  });
}

function checkNotEmpty(length: number): void {
  if (length === 0)
    throw new MienError('data', 'contains no bytes', {
      field: 'image',
      hint: 'A buffer is empty after it was transferred, for instance to a worker.',
    });
}

function fromBytes(bytes: Uint8Array<ArrayBuffer>): Source {
  checkNotEmpty(bytes.length);
  return { bytes };
}

function adviceFor(value: unknown): string {
  const has = (method: string): boolean =>
    typeof (value as Readonly<Record<string, unknown>> | null | undefined)?.[method] === 'function';
  if (has('then')) return 'Await it: image: await …';
  if (has('blob')) return 'Pass its content: image: await response.blob().';
  if (has('getReader')) return 'Read it completely: image: await new Response(stream).blob().';
  if (has('pipe')) return 'Read it completely: image: Buffer.concat(await stream.toArray()).';
  return 'Pass the bytes of an image file, a Blob, a data URL, or pixels as { width, height, data }.';
}
