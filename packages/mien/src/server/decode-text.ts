// Bytes of a request as text: what is not text in its charset is refused, never read with marks in its place.
import { malformed } from './errors.js';

/**
 * Text in a charset, UTF-8 by default, without its byte order mark.
 * @param what - the bytes, as an error names them.
 * @throws ServiceError `malformed-body` when the charset is not known, or the bytes are not text in it.
 */
export function decodeBytes(bytes: ArrayBuffer | Uint8Array, charset = 'utf-8', what = 'the body'): string {
  const decoder = decoderOf(charset, what);
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw malformed(`${what} is not ${decoder.encoding}; send UTF-8`, cause);
  }
}

function decoderOf(charset: string, what: string) {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch (cause) {
    throw malformed(`${what} names the charset ${charset.slice(0, 64)}, which is not known`, cause);
  }
}
