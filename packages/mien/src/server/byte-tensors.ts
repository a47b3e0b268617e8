// Tensors of bytes as the Open Inference Protocol sends them outside of JSON: each element after its length.
// Source: Triton's binary tensor data extension, "BYTES": a 4-byte unsigned length, little-endian, then the bytes.

/** Bytes of an element's length. */
const LENGTH = 4;

/**
 * The elements of a tensor, as views of `bytes`.
 * @throws RangeError if an element ends beyond the tensor, or the tensor does not have exactly `count` elements.
 */
export function decodeByteTensor(bytes: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (elements.length === count) throw new RangeError(`has bytes after its ${count} elements`);
    const start = at + LENGTH;
    if (start > bytes.length) throw new RangeError(`ends within the length of element ${elements.length}`);
    const end = start + view.getUint32(at, true);
    if (end > bytes.length) throw new RangeError(`ends within element ${elements.length}`);
    elements.push(bytes.subarray(start, end));
    at = end;
  }
  if (elements.length < count) throw new RangeError(`has ${elements.length} elements, by its shape ${count}`);
  return elements;
}

/** Texts as the bytes of a tensor, in UTF-8. */
export function encodeByteTensor(texts: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  const elements = texts.map((text) => encoder.encode(text));
  const bytes = new Uint8Array(elements.reduce((sum, { length }) => sum + LENGTH + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const element of elements) {
    view.setUint32(at, element.length, true);
    bytes.set(element, at + LENGTH);
    at += LENGTH + element.length;
  }
  return bytes;
}

/** Numbers as the bytes of an FP32 tensor, little-endian. */
export function encodeFloatTensor(numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * numbers.length);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => view.setFloat32(4 * i, number, true));
  return bytes;
}
