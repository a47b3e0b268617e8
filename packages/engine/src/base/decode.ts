// Text from bytes, strictly: UTF-8, or UTF-16 with a byte order mark. Bytes that are neither are reported with their
// place; they never turn into U+FFFD unnoticed.
import { MienError } from './errors.js';

/** The first byte of a line that is not text. */
export interface BadByte {
  /** 1-based line. */
  readonly row: number;
  /** 1-based place in that line. */
  readonly byte: number;
  /** 0–255. */
  readonly value: number;
  /** What the text is in. */
  readonly encoding: Encoding;
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

export interface Decoded {
  /** Without a byte order mark; bad bytes stand in it as U+FFFD. */
  readonly text: string;
  /** At most one a line. */
  readonly bad: readonly BadByte[];
}

/** What an error says of a file's bytes. */
export interface Fault {
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

const MARKS: readonly (readonly [encoding: Encoding, mark: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** Files that are taken for tables, by their first bytes. */
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

/** Bytes in which a file that is not text gives itself away. */
const START = 16384;

/** Why bytes are no text at all, by the first of them; undefined where they may be. */
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

/** What is wrong with a bad byte, and what to do. */
export function badText({ byte, value, encoding }: BadByte): Fault {
  const place = `0x${value.toString(16).toUpperCase().padStart(2, '0')} at byte ${byte} of the row`;
  return encoding === 'utf-8'
    ? {
        message: `bytes that are not UTF-8 (${place}; Latin-1 or Windows-1252, it seems)`,
        hint: 'Expected UTF-8; convert the file with `iconv -f WINDOWS-1252 -t UTF-8`, or save it as “CSV UTF-8”.',
      }
    : { message: `bytes that are not UTF-16 (${place})`, hint: 'Is the file cut off? Save it as UTF-8.' };
}

export const badTextError = (file: string, bad: BadByte, code?: 'data' | 'format'): MienError =>
  faultError(badText(bad), { file, row: bad.row }, code);

/** The error that a fault is. */
export const faultError = (
  { message, hint }: Fault,
  place: { file: string; row?: number },
  code: 'data' | 'format' = 'data',
): MienError => new MienError(code, message, { ...place, hint });

/** A whole text with its bad bytes, for readers that can pass over a row. */
export function decodeLines(bytes: Uint8Array): Decoded {
  const { encoding, skip } = encodingOf(bytes);
  return decodePiece(bytes.subarray(skip), encoding, 1);
}

/**
 * A whole text.
 * @param code of the error: `data`, or `format` for files of settings.
 * @throws MienError that names the row of the first bad byte, or what the file is instead of a text.
 */
export function decodeText(bytes: Uint8Array, file: string, code: 'data' | 'format' = 'data'): string {
  const foreign = notText(bytes);
  if (foreign) throw faultError(foreign, { file }, code);
  const { text, bad } = decodeLines(bytes);
  if (bad[0]) throw badTextError(file, bad[0], code);
  return text;
}

/**
 * A text as it arrives, in parts of whole lines; the last line of the last part may not be ended.
 * @throws MienError `data` where the bytes are no text at all.
 */
export async function* decodeParts(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Decoded, void, undefined> {
  let held: Uint8Array[] = [];
  let encoding: Encoding | undefined;
  let row = 1;
  const refuse = (start: Uint8Array): void => {
    const foreign = notText(start);
    if (foreign) throw faultError(foreign, { file });
  };
  const part = (bytes: Uint8Array): Decoded => {
    let content = bytes;
    if (encoding === undefined) {
      refuse(bytes);
      const found = encodingOf(bytes);
      encoding = found.encoding;
      content = bytes.subarray(found.skip);
    }
    const decoded = decodePiece(content, encoding, row);
    row += linesIn(decoded.text);
    return decoded;
  };
  for await (const chunk of chunks) {
    // What is no text may have no lines either: it is not put together first.
    if (encoding === undefined && held.length === 0) refuse(chunk);
    // A line that goes on from chunk to chunk is put together once, at its end.
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
  const found = MARKS.find(([, mark]) => startsWith(bytes, mark));
  return found ? { encoding: found[0], skip: found[1].length } : { encoding: 'utf-8', skip: 0 };
}

/** UTF-16 of mostly Latin text without a mark: every second byte is 0. */
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

/** Line by line, which is slow, to find those that are not text. */
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
      const place = firstBad(line, encoding);
      bad.push({ row, byte: place + 1, value: line[place]!, encoding });
    }
  }
  return { text, bad };
}

/** Where the first sequence that is not text begins. */
function firstBad(line: Uint8Array, encoding: Encoding): number {
  const read = (length: number): string | undefined => {
    try {
      return strict(encoding).decode(line.subarray(0, length), { stream: true });
    } catch {
      return undefined;
    }
  };
  // A stream takes an incomplete sequence at its end, so that once it refuses, it refuses all that is longer.
  let [good, wrong] = [0, line.length + 1];
  while (wrong - good > 1) {
    const middle = (good + wrong) >> 1;
    if (middle <= line.length && read(middle) !== undefined) good = middle;
    else wrong = middle;
  }
  const text = read(good)!;
  return encoding === 'utf-8' ? new TextEncoder().encode(text).length : 2 * text.length;
}

const isLineEnd = (bytes: Uint8Array, i: number, encoding: Encoding): boolean =>
  bytes[i] === NEWLINE &&
  (encoding === 'utf-8' ||
    (encoding === 'utf-16le' ? i % 2 === 0 && bytes[i + 1] === 0 : i % 2 === 1 && bytes[i - 1] === 0));

/** Bytes of a newline that follow its `\n` byte. */
const after = (encoding: Encoding): number => (encoding === 'utf-16le' ? 2 : 1);

/** Behind the next newline, or at the end. */
function lineEnd(bytes: Uint8Array, start: number, encoding: Encoding): number {
  for (let i = bytes.indexOf(NEWLINE, start); i >= 0; i = bytes.indexOf(NEWLINE, i + 1))
    if (isLineEnd(bytes, i, encoding)) return i + after(encoding);
  return bytes.length;
}

/** Behind the last newline, or 0. */
function lastLineEnd(bytes: Uint8Array, encoding: Encoding): number {
  for (let i = bytes.lastIndexOf(NEWLINE); i >= 0; i = i > 0 ? bytes.lastIndexOf(NEWLINE, i - 1) : -1)
    if (isLineEnd(bytes, i, encoding)) return i + after(encoding);
  return 0;
}

function linesIn(text: string): number {
  let count = 0;
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) count++;
  return count;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const chunk of chunks) {
    all.set(chunk, place);
    place += chunk.length;
  }
  return all;
}
