// Strict text decoding: UTF-8, or UTF-16 with a byte order mark. Invalid bytes are reported with their position and
// never turn into U+FFFD unnoticed.
import { MienError } from './errors.js';

/** The first invalid byte of a line. */
export interface BadByte {
  /** 1-based line. */
  readonly row: number;
  /** 1-based position in that line. */
  readonly byte: number;
  /** 0–255. */
  readonly value: number;
  readonly encoding: Encoding;
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

export interface Decoded {
  /** Without a byte order mark; invalid bytes are replaced by U+FFFD. */
  readonly text: string;
  /** At most one per line. */
  readonly bad: readonly BadByte[];
}

/** Message and hint of an error about a file's bytes. */
export interface Fault {
  readonly message: string;
  readonly hint?: string;
}

const MARKS: readonly (readonly [encoding: Encoding, mark: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** Files that users mistake for text files, by their first bytes. */
const FOREIGN: readonly (readonly [start: readonly number[], fault: Fault])[] = [
  [[0xff, 0xfe, 0, 0], { message: 'is UTF-32', hint: 'Convert it with `iconv -f UTF-32 -t UTF-8`.' }],
  [[0, 0, 0xfe, 0xff], { message: 'is UTF-32', hint: 'Convert it with `iconv -f UTF-32 -t UTF-8`.' }],
  [
    [0x50, 0x4b, 3, 4],
    {
      message: 'is a ZIP archive or a spreadsheet (.xlsx, .ods), not a text file',
      hint: 'Unpack it, or save the spreadsheet as “CSV UTF-8”.',
    },
  ],
  [
    [0xd0, 0xcf, 0x11, 0xe0],
    { message: 'is a spreadsheet (.xls), not a text file', hint: 'Save it as “CSV UTF-8”.' },
  ],
  [[0x1f, 0x8b], { message: 'is compressed (gzip)', hint: 'Unpack it first, with `gunzip`.' }],
];

/** Number of leading bytes checked to tell whether a file is text at all. */
const START = 16384;

/** Why bytes are not text at all, judged by the first of them; undefined if they may be. */
export function notText(bytes: Uint8Array): Fault | undefined {
  const start = bytes.subarray(0, START);
  for (const [mark, fault] of FOREIGN) if (startsWith(start, mark)) return fault;
  if (encodingOf(start).encoding !== 'utf-8' || !start.includes(0)) return undefined;
  return looksUtf16(start)
    ? {
        message: 'is UTF-16 without a byte order mark',
        hint: 'Expected UTF-8; convert it with `iconv -f UTF-16LE -t UTF-8`.',
      }
    : { message: 'is not a text file', hint: 'Expected UTF-8 text.' };
}

/** Message and hint for an invalid byte. */
export function badText({ byte, value, encoding }: BadByte): Fault {
  const place = `0x${value.toString(16).toUpperCase().padStart(2, '0')} at byte ${byte} of the row`;
  return encoding === 'utf-8'
    ? {
        message: `bytes that are not UTF-8 (${place}; probably Latin-1 or Windows-1252)`,
        hint: 'Expected UTF-8; convert the file with `iconv -f WINDOWS-1252 -t UTF-8`, or save it as “CSV UTF-8”.',
      }
    : {
        message: `bytes that are not UTF-16 (${place})`,
        hint: 'The file may be truncated; save it as UTF-8.',
      };
}

export const badTextError = (file: string, bad: BadByte, code?: 'data' | 'format'): MienError =>
  faultError(badText(bad), { file, row: bad.row }, code);

export const faultError = (
  { message, hint }: Fault,
  place: { file: string; row?: number },
  code: 'data' | 'format' = 'data',
): MienError => new MienError(code, message, { ...place, hint });

/** Decodes a whole text and lists its invalid bytes, for readers that can skip a row. */
export function decodeLines(bytes: Uint8Array): Decoded {
  const { encoding, skip } = encodingOf(bytes);
  return decodePiece(bytes.subarray(skip), encoding, 1);
}

/**
 * Decodes a whole text.
 * @param code of the error: `data`, or `format` for configuration files.
 * @throws MienError that names the row of the first invalid byte, or the kind of file if it is not text.
 */
export function decodeText(bytes: Uint8Array, file: string, code: 'data' | 'format' = 'data'): string {
  const fault = notText(bytes);
  if (fault) throw faultError(fault, { file }, code);
  const { text, bad } = decodeLines(bytes);
  if (bad[0]) throw badTextError(file, bad[0], code);
  return text;
}

/**
 * Decodes a text as it arrives, in parts of whole lines; the last line of the last part may lack its newline.
 * @throws MienError `data` if the bytes are not text at all.
 */
export async function* decodeParts(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Decoded, void, undefined> {
  let held: Uint8Array[] = [];
  let encoding: Encoding | undefined;
  let row = 1;
  const checkStart = (start: Uint8Array): void => {
    const fault = notText(start);
    if (fault) throw faultError(fault, { file });
  };
  const part = (bytes: Uint8Array): Decoded => {
    let content = bytes;
    if (encoding === undefined) {
      checkStart(bytes);
      const start = encodingOf(bytes);
      encoding = start.encoding;
      content = bytes.subarray(start.skip);
    }
    const decoded = decodePiece(content, encoding, row);
    row += linesIn(decoded.text);
    return decoded;
  };
  for await (const chunk of chunks) {
    // Checked before collecting a whole line: a binary file may have no lines.
    if (encoding === undefined && held.length === 0) checkStart(chunk);
    // Chunks of one long line are concatenated once, at its end.
    if (!chunk.includes(NEWLINE)) {
      held.push(chunk);
      continue;
    }
    const bytes = concat([...held, chunk]);
    const end = lastLineEnd(bytes, encoding ?? encodingOf(bytes).encoding);
    held = [bytes.subarray(end)];
    if (end > 0) yield part(bytes.subarray(0, end));
  }
  const rest = concat(held);
  if (rest.length > 0) yield part(rest);
}

const NEWLINE = 10;
const startsWith = (bytes: Uint8Array, mark: readonly number[]): boolean =>
  mark.every((byte, i) => bytes[i] === byte);

function encodingOf(bytes: Uint8Array): { encoding: Encoding; skip: number } {
  const [encoding, mark] = MARKS.find(([, mark]) => startsWith(bytes, mark)) ?? ['utf-8', []];
  return { encoding, skip: mark.length };
}

/** Whether every second byte is about 0, as in UTF-16 of mostly Latin text. */
function looksUtf16(bytes: Uint8Array): boolean {
  let zeros = 0;
  for (const byte of bytes) if (byte === 0) zeros++;
  return Math.abs(zeros / bytes.length - 0.5) < 0.15;
}

function decodePiece(bytes: Uint8Array, encoding: Encoding, firstRow: number): Decoded {
  try {
    return { text: strict(encoding).decode(bytes), bad: [] };
  } catch {
    return decodeBadLines(bytes, encoding, firstRow);
  }
}

const strict = (encoding: Encoding) => new TextDecoder(encoding, { fatal: true, ignoreBOM: true });

/** Decodes line by line, which is slow, to locate the invalid ones. */
function decodeBadLines(bytes: Uint8Array, encoding: Encoding, firstRow: number): Decoded {
  const bad: BadByte[] = [];
  const lenient = new TextDecoder(encoding, { ignoreBOM: true });
  let text = '';
  let row = firstRow;
  for (let start = 0; start < bytes.length; row++) {
    const end = lineEnd(bytes, start, encoding);
    const line = bytes.subarray(start, end);
    start = end;
    try {
      text += strict(encoding).decode(line);
    } catch {
      text += lenient.decode(line);
      const position = firstBad(line, encoding);
      bad.push({ row, byte: position + 1, value: line[position]!, encoding });
    }
  }
  return { text, bad };
}

/** Position of the first invalid sequence. */
function firstBad(line: Uint8Array, encoding: Encoding): number {
  const prefix = (length: number): string | undefined => {
    try {
      return strict(encoding).decode(line.subarray(0, length), { stream: true });
    } catch {
      return undefined;
    }
  };
  // In stream mode an incomplete sequence at the end is accepted, so that if a prefix is invalid, all longer ones are.
  let [good, bad] = [0, line.length + 1];
  let text = '';
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const decoded = middle <= line.length ? prefix(middle) : undefined;
    if (decoded === undefined) bad = middle;
    else [good, text] = [middle, decoded];
  }
  return encoding === 'utf-8' ? new TextEncoder().encode(text).length : 2 * text.length;
}

const isLineEnd = (bytes: Uint8Array, i: number, encoding: Encoding): boolean =>
  bytes[i] === NEWLINE &&
  (encoding === 'utf-8' ||
    (encoding === 'utf-16le' ? i % 2 === 0 && bytes[i + 1] === 0 : i % 2 === 1 && bytes[i - 1] === 0));

/** Bytes of a newline from its `\n` byte on. */
const newlineBytes = (encoding: Encoding): number => (encoding === 'utf-16le' ? 2 : 1);

/** Position after the next newline, or the end. */
function lineEnd(bytes: Uint8Array, start: number, encoding: Encoding): number {
  for (let i = bytes.indexOf(NEWLINE, start); i >= 0; i = bytes.indexOf(NEWLINE, i + 1))
    if (isLineEnd(bytes, i, encoding)) return i + newlineBytes(encoding);
  return bytes.length;
}

/** Position after the last newline, or 0. */
function lastLineEnd(bytes: Uint8Array, encoding: Encoding): number {
  for (let i = bytes.lastIndexOf(NEWLINE); i >= 0; i = i > 0 ? bytes.lastIndexOf(NEWLINE, i - 1) : -1)
    if (isLineEnd(bytes, i, encoding)) return i + newlineBytes(encoding);
  return 0;
}

function linesIn(text: string): number {
  let count = 0;
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) count++;
  return count;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const chunk of chunks) {
    all.set(chunk, position);
    position += chunk.length;
  }
  return all;
}
