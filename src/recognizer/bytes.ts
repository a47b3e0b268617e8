// Bytes in whatever holds them, from whatever realm: a frame, a test runner and a worker each have an `ArrayBuffer` of their own.
import { tagOf } from '../base/quote.js';

const BYTE_VIEWS = new Set(['Uint8Array', 'Uint8ClampedArray', 'DataView']);
const STORES = new Set(['ArrayBuffer', 'SharedArrayBuffer']);

/**
 * The bytes that a value is a view of or a store for, not copied; undefined where it is neither, or an array of larger
 * numbers. There are none where the store was transferred elsewhere.
 */
export function bytesIn(value: unknown): Uint8Array | undefined {
  const tag = tagOf(value);
  const isView = ArrayBuffer.isView(value);
  if (isView ? !BYTE_VIEWS.has(tag) : !STORES.has(tag)) return undefined;
  try {
    return isView
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value as ArrayBuffer);
  } catch {
    return new Uint8Array(0);
  }
}

/** The same bytes in memory of fixed length that no other thread writes to; copied where they are not. */
export function steadyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const steady = tagOf(buffer) === 'ArrayBuffer' && !(buffer as { resizable?: boolean }).resizable;
  return steady ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
}
