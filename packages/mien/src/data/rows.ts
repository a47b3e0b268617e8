// Rows of a table as people keep them, read as they arrive: CSV, whatever separates its columns, or JSONL, recognised
// by content; on standard input also plain lines of text.
import { extname } from 'node:path';
import { CsvError } from 'csv-parse';
import { badText, decodeParts, type Fault, faultError, MienError } from 'mien-engine/base';
import { foldName, sameNames } from './columns.js';
import { csvRecords, delimited, isRunaway } from './csv.js';

/** A row that could be read. */
export interface Row {
  /** 1-based line in which it begins. */
  readonly row: number;
  /** By folded name (`foldName`); of CSV all are strings. */
  readonly cells: ReadonlyMap<string, unknown>;
  readonly fault?: undefined;
}

/** A row that could not be read; those after it can. */
export interface BadRow {
  readonly row: number;
  readonly fault: Fault;
  /** Bytes that are not text: the rest of the file is hardly any better. */
  readonly undecodable?: true;
}

export interface RowsOptions {
  /** What to call the source in errors. */
  readonly file: string;
  /** Columns that are looked for, by which the header is known. */
  readonly wanted: readonly string[];
  /** Is given the columns as they are written, of JSONL the first row's keys, to refuse them. */
  readonly check: (names: readonly string[]) => void;
  /** Whether what is neither CSV nor JSONL is read as lines of text, each a row with the cell `text`. */
  readonly lines?: boolean;
}

const TEXT = 'text';
const JSON_LINES = new Set(['.jsonl', '.ndjson']);
/** What Excel writes, and reads, in the first line to say what separates the columns. */
const SEPARATOR = /^(\s*)"?sep=(.)"?[^\S\n]*(\n|$)/i;

/**
 * The rows of a table. Its first lines say what it is: JSONL begins with `{`; else the first row names the columns, which
 * commas, semicolons, tabs or vertical bars separate, or what a line `sep=` before it names.
 * @throws MienError `data` that says what the bytes are instead of a table, which two columns have one name, where a
 *   quotation mark is not closed, or that there are no rows; what `check` and `chunks` throw.
 */
export async function* rowsOf(
  chunks: AsyncIterable<Uint8Array>,
  { file, wanted, check, lines = false }: RowsOptions,
): AsyncGenerator<Row | BadRow, void, undefined> {
  const parts = decodeParts(chunks, file);
  const faults: Faults = new Map();
  const next = async (): Promise<string | undefined> => {
    const { value } = await parts.next();
    for (const one of value?.bad ?? []) faults.set(one.row, badText(one));
    return value?.text.replaceAll('\r\n', '\n');
  };
  try {
    let start = await next();
    // After blank lines, or a line `sep=`, the header may still be on its way.
    for (let more = start; more !== undefined && start!.replace(SEPARATOR, '').trim() === '';)
      if ((more = await next()) !== undefined) start += more;
    if (start === undefined || start.trim() === '') {
      if (lines) return;
      throw noRows(file);
    }
    const first = start.trimStart();
    if (first.startsWith('{') || JSON_LINES.has(extname(file).toLowerCase()))
      return yield* jsonRows(all(start, next), faults, check);
    if (/^\[\s*(\{|$)/.test(first))
      throw new MienError('data', 'is one JSON list, not a table', {
        file,
        hint: 'Expected one object a line; `jq -c ".[]"` makes that of it.',
      });
    const mark = SEPARATOR.exec(start)?.[2];
    const header = newlines(start.replace(SEPARATOR, '$1$3'));
    const { delimiter, names, known, even } = await delimited(
      header,
      wanted,
      mark === undefined ? undefined : [mark],
    );
    // A text that opens with “Text, …” is refused row by row; a table that is read as texts would not be noticed.
    const isHeader = known > 0 && (even >= 0.5 || names.every((name) => /^\S*$/.test(name.trim())));
    if (lines && mark === undefined && !isHeader) return yield* textRows(all(start, next), faults);
    checkNames(names, file);
    check(names);
    yield* csvRows(all(header, next), faults, { file, delimiter, names });
  } finally {
    await parts.return();
  }
}

const noRows = (file: string): MienError => new MienError('data', 'holds no rows', { file });

/** What is wrong with lines, by their number; noted as they are read. */
type Faults = Map<number, Fault>;

async function* all(
  start: string,
  next: () => Promise<string | undefined>,
): AsyncGenerator<string, void, undefined> {
  for (let text: string | undefined = start; text !== undefined; text = await next()) yield text;
}

function checkNames(names: readonly string[], file: string): void {
  const same = sameNames(names);
  if (same)
    throw new MienError('data', `has two columns of one name, "${same[0]}" and "${same[1]}"`, {
      file,
      hint: 'Capitals and spaces around a name do not count; rename one of them.',
    });
}

const NOT_CLOSED: Fault = {
  message: 'a quotation mark opens a field here and is not closed',
  hint: 'Close it, or double it ("") where it is a part of a text.',
};

async function* csvRows(
  texts: AsyncGenerator<string>,
  faults: Faults,
  { file, delimiter, names }: { file: string; delimiter: string; names: readonly string[] },
): AsyncGenerator<Row | BadRow, void, undefined> {
  const keys = names.map(foldName);
  let isHeader = true;
  let any = false;
  let end = 0;
  try {
    for await (const read of csvRecords(texts, { delimiter, raw: true })) {
      const { record, info } = read;
      end = info.lines;
      const row = end - record.reduce((sum, field) => sum + field.split('\n').length - 1, 0);
      if (await isRunaway(read, delimiter)) throw faultError(NOT_CLOSED, { file, row });
      const fault = faultWithin(faults, row, end);
      if (isHeader && fault) throw faultError(fault, { file, row });
      if (!isHeader) yield fault ? { row, fault, undecodable: true } : csvRow(record, row, keys, delimiter);
      any ||= !isHeader;
      isHeader = false;
    }
    if (!any) throw noRows(file);
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const open = ['CSV_QUOTE_NOT_CLOSED', 'CSV_MAX_RECORD_SIZE'].includes(cause.code);
    const fault = open ? NOT_CLOSED : { message: `cannot be read as CSV: ${cause.message}` };
    throw faultError(fault, { file, row: end + 1 });
  }
}

/** With those of old Macs, where there are no others; such a text is a single part. */
const newlines = (text: string): string => (text.includes('\n') ? text : text.replaceAll('\r', '\n'));

function csvRow(
  record: readonly string[],
  row: number,
  keys: readonly string[],
  delimiter: string,
): Row | BadRow {
  // Spreadsheets end rows in empty fields.
  const surplus = record.slice(keys.length).some((field) => field.trim() !== '');
  if (!surplus && record.length >= keys.length)
    return { row, cells: new Map(keys.map((key, i) => [key, record[i]])) };
  const fields = `${record.length} ${record.length === 1 ? 'field' : 'fields'}`;
  return {
    row,
    fault: {
      message: `has ${fields}, where the header names ${keys.length} ${keys.length === 1 ? 'column' : 'columns'}`,
      hint: `Put a text that holds ${JSON.stringify(delimiter)} in quotation marks.`,
    },
  };
}

/** The first fault in some lines; those before are forgotten. */
function faultWithin(faults: Faults, first: number, last: number): Fault | undefined {
  for (const [line, fault] of faults) {
    if (line > last) return undefined;
    faults.delete(line);
    if (line >= first) return fault;
  }
  return undefined;
}

async function* numbered(
  texts: AsyncGenerator<string>,
  faults: Faults,
): AsyncGenerator<{ line: string; row: number; fault: Fault | undefined }> {
  let row = 0;
  for await (const text of texts) {
    // Nothing else ends a line: U+2028 and its like are characters of a text.
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) {
      row++;
      if (line.trim() !== '') yield { line, row, fault: faultWithin(faults, row, row) };
    }
  }
}

async function* textRows(
  texts: AsyncGenerator<string>,
  faults: Faults,
): AsyncGenerator<Row | BadRow, void, undefined> {
  for await (const { line, row, fault } of numbered(texts, faults))
    yield fault ? { row, fault, undecodable: true } : { row, cells: new Map([[TEXT, line]]) };
}

async function* jsonRows(
  texts: AsyncGenerator<string>,
  faults: Faults,
  check: RowsOptions['check'],
): AsyncGenerator<Row | BadRow, void, undefined> {
  let isFirst = true;
  for await (const { line, row, fault } of numbered(texts, faults)) {
    if (fault) {
      yield { row, fault, undecodable: true };
      continue;
    }
    const read = objectOf(line);
    const keys = 'value' in read ? Object.keys(read.value) : [];
    const same = sameNames(keys);
    if (!('value' in read)) yield { row, fault: read };
    else if (same) yield { row, fault: { message: `has both "${same[0]}" and "${same[1]}"` } };
    else {
      if (isFirst) check(keys);
      isFirst = false;
      const cells = Object.entries(read.value).map(([key, value]): [string, unknown] => [
        foldName(key),
        value,
      ]);
      yield { row, cells: new Map(cells) };
    }
  }
}

const ONE_A_LINE = 'Expected one JSON object a line; `jq -c .` makes that of other JSON.';

function objectOf(line: string): { readonly value: object } | Fault {
  let value: unknown;
  try {
    // `trim` removes a byte order mark too, which stands within a file that was put together of several.
    value = JSON.parse(line.trim());
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    return { message: `is not JSON (${reason!})`, hint: ONE_A_LINE };
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { value }
    : { message: 'is not a JSON object', hint: ONE_A_LINE };
}
