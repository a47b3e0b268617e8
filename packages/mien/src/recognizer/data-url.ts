// Decodes data URLs and base64, the same in Node and in browsers: `fetch` of a data URL rejects base64url (`-` and `_`),
// and a page's Content-Security-Policy may forbid it altogether.
import { MienError } from 'mien-engine/base';

const SCHEME = /^\s*data:/i;

export const isDataUrl = (address: string): boolean => SCHEME.test(address);

/**
 * The bytes of base64 or base64url, with or without padding, with line breaks anywhere. Undefined when it is neither.
 */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const letters = text
    .replace(/[\t\n\f\r ]/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  // Removes padding, in a loop, since a regular expression would take quadratic time for a megabyte of `=`.
  let end = letters.length;
  while (letters[end - 1] === '=') end--;
  let binary: string;
  try {
    binary = atob(letters.slice(0, end));
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * The bytes of a data URL, base64 or percent-encoded.
 * @throws MienError `data` when it has no comma or invalid base64.
 * Source: the Fetch Standard, "data: URL processor".
 */
export function bytesOfDataUrl(address: string): Uint8Array<ArrayBuffer> {
  const start = SCHEME.exec(address)?.[0].length ?? 0;
  const comma = address.indexOf(',', start);
  if (comma < 0)
    throw new MienError('data', 'is a data URL without a comma', {
      field: 'image',
      hint: 'Put data:image/jpeg;base64, before the base64.',
    });
  const hash = address.indexOf('#', comma);
  const body = percentDecoded(address.slice(comma + 1, hash < 0 ? undefined : hash));
  if (!/;\s*base64\s*$/i.test(address.slice(start, comma))) return body;
  const bytes = bytesOfBase64(new TextDecoder('latin1').decode(body));
  if (!bytes) throw new MienError('data', 'is a data URL with invalid base64', { field: 'image' });
  return bytes;
}

/** The UTF-8 bytes of a text, with `%41` decoded as the byte 0x41. */
function percentDecoded(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  if (!text.includes('%')) return bytes;
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const digits = bytes[i] === 0x25 ? String.fromCharCode(...bytes.subarray(i + 1, i + 3)) : '';
    const isEncoded = /^[0-9a-f]{2}$/i.test(digits);
    bytes[length++] = isEncoded ? parseInt(digits, 16) : bytes[i]!;
    if (isEncoded) i += 2;
  }
  return bytes.slice(0, length);
}
