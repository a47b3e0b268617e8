// Parses multipart/form-data: the same on every version of Node, bounded, and without silently dropping parts.
import { Dicer } from '@fastify/busboy';
import { parse as parseDisposition } from 'content-disposition';
import { parse as parseType } from 'content-type';
import { bytesOfBase64 } from '../recognizer/data-url.js';
import { decodeBytes } from './decode-text.js';
import { malformed, ServiceError } from './errors.js';

/** A part with a file name, or with the media type of an image, of audio or of bytes, is a file; all others are text. */
export interface FormPart {
  readonly name: string;
  readonly content: string | File;
}

/** Maximum size of a part's headers in bytes and lines; clients send two or three lines. */
const HEADER_BYTES = 16 * 1024;
const HEADER_LINES = 64;
const MAX_NAME = 256;

type Headers = Readonly<Record<string, readonly string[] | undefined>>;

interface RawPart {
  headers?: Headers;
  readonly pieces: Uint8Array<ArrayBuffer>[];
}

/**
 * The parts of a form, in order. The caller limits the size of the body.
 *
 * The parser is given the whole body at once: given pieces, it emits views of a buffer that it overwrites when a boundary
 * may begin at the end of a piece, before its streams have passed them on.
 * @throws ServiceError `malformed-body` if the body is not a form, is incomplete, or has an invalid part;
 *   `body-too-large` for more than `maxParts` parts; `unsupported-media-type` for a transfer encoding other than base64.
 */
export async function readMultipart(
  body: Uint8Array,
  { boundary, maxParts }: { readonly boundary: string | undefined; readonly maxParts: number },
): Promise<FormPart[]> {
  const parser = parserOf(boundary);
  const parts: RawPart[] = [];
  let tooMany = false;
  parser.on('part', (stream) => {
    const part: RawPart = { pieces: [] };
    if (parts.length < maxParts) parts.push(part);
    else tooMany = true;
    stream.on('header', (headers: Headers) => void (part.headers = headers));
    stream.on('data', (piece: Uint8Array<ArrayBuffer>) => void part.pieces.push(piece));
    // The parser emits it as well.
    stream.on('error', () => undefined);
  });
  const whole = await new Promise<boolean>((resolve) => {
    parser.on('finish', () => resolve(true));
    parser.on('error', () => resolve(false));
    parser.end(body);
  });
  if (tooMany) throw new ServiceError('body-too-large', `the form has more than ${maxParts} parts`);
  if (!whole)
    throw malformed(
      'the form is incomplete, or its parts are not separated by the boundary in its content type',
    );
  return parts.map(partOf);
}

function parserOf(boundary: string | undefined): Dicer {
  if (!boundary) throw malformed('the content type has no boundary');
  const limits = { maxHeaderPairs: HEADER_LINES, maxHeaderSize: HEADER_BYTES };
  try {
    return new Dicer({ boundary, ...limits });
  } catch (cause) {
    throw malformed('the boundary is too long', cause);
  }
}

function partOf({ headers, pieces }: RawPart, index: number): FormPart {
  const header = (name: string): string | undefined => {
    const value = headers?.[name]?.[0];
    // The parser returns bytes as Latin-1; browsers and curl send UTF-8.
    return value === undefined ? undefined : Buffer.from(value, 'latin1').toString();
  };
  const { type, parameters } = parseDisposition(header('content-disposition') ?? '', { multipart: true });
  const { name } = parameters;
  if (type !== 'form-data' || !name || name.length > MAX_NAME)
    throw malformed(
      `part ${index + 1} of the form needs a header Content-Disposition: form-data with a name of at most ${MAX_NAME} characters`,
    );
  const media = parseType(header('content-type') ?? '');
  const content = decoded(pieces, header('content-transfer-encoding'), name);
  const filename = parameters['filename'] ?? parameters['filename*'];
  if (filename === undefined && !/^(image\/|audio\/|application\/octet-stream$)/.test(media.type))
    return {
      name,
      content: decodeBytes(
        Buffer.concat(content),
        media.parameters['charset'] || undefined,
        `the part ${name}`,
      ),
    };
  return { name, content: new File(content, filename ?? '') };
}

/** RFC 7578 deprecates the header Content-Transfer-Encoding, but mail libraries still send it. */
function decoded(
  pieces: readonly Uint8Array<ArrayBuffer>[],
  encoding: string | undefined,
  name: string,
): Uint8Array<ArrayBuffer>[] {
  if (encoding === undefined || /^\s*(7bit|8bit|binary)?\s*$/i.test(encoding)) return [...pieces];
  if (!/^\s*base64\s*$/i.test(encoding))
    throw new ServiceError(
      'unsupported-media-type',
      `the part ${name} has the transfer encoding ${encoding.slice(0, 64)}; send bytes or base64`,
    );
  const bytes = bytesOfBase64(Buffer.concat(pieces).toString('latin1').replace(/\s/g, ''));
  if (!bytes) throw malformed(`the part ${name} is not base64, contrary to its header`);
  return [bytes];
}
