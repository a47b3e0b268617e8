// Bytes in any buffer, view or Blob, of any realm: iframes and the contexts of test runners have an `ArrayBuffer` of their own.
import { tagOf } from 'mien-engine/base';

const BYTE_VIEWS = new Set(['Uint8Array', 'Uint8ClampedArray', 'DataView']);
const STORES = new Set(['ArrayBuffer', 'SharedArrayBuffer']);

/**
 * The bytes of a byte array or a buffer, not copied; undefined for anything else, including arrays of wider numbers.
 * Empty when the buffer was transferred.
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

/** The same bytes; copied if their memory is shared with other threads or resizable. */
export function steadyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const isSteady = tagOf(buffer) === 'ArrayBuffer' && !(buffer as { resizable?: boolean }).resizable;
  return isSteady ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
}

/** By name, since a Blob from an iframe or a test runner belongs to another realm. */
export const isBlob = (value: unknown): value is Blob =>
  /^(Blob|File)$/.test(tagOf(value)) && typeof (value as Blob).arrayBuffer === 'function';
