// Decodes bytes of a request as text; invalid bytes are an error and are never replaced.
import { malformed } from './errors.js';

/**
 * Decodes text in a charset (UTF-8 by default); a byte order mark is dropped.
 * @param what the name of the bytes in errors
 * @throws ServiceError `malformed-body` for an unknown charset, or if the bytes are not valid in it.
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
    throw malformed(`${what} has the unknown charset ${charset.slice(0, 64)}`, cause);
  }
}
