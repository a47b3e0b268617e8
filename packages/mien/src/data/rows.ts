// Streams the rows of a table: CSV with any delimiter or JSONL, recognised by content; from standard input also plain
// lines of text.
import { extname } from 'node:path';
import { CsvError } from 'csv-parse';
import { badText, decodeParts, type Fault, faultError, MienError } from 'mien-engine/base';
import { foldName, sameNames } from './columns.js';
import { csvRecords, detectDialect, isRunaway } from './csv.js';

/** A row that could be read. */
export interface Row {
  /** 1-based line in which it begins. */
  readonly row: number;
  /** By folded name (`foldName`); in CSV all are strings. */
  readonly cells: ReadonlyMap<string, unknown>;
  readonly fault?: undefined;
}

/** A row that could not be read; reading continues after it. */
export interface BadRow {
  readonly row: number;
  readonly fault: Fault;
  /** Its bytes are not text, so that the rest of the file is unlikely to be. */
  readonly undecodable?: true;
}

export interface RowsOptions {
  /** Name of the source in errors. */
  readonly file: string;
  /** Expected columns, by which the header is recognised. */
  readonly wanted: readonly string[];
  /** Called with the column names as written (in JSONL the first row's keys); throws to reject them. */
  readonly check: (names: readonly string[]) => void;
  /** Whether input that is neither CSV nor JSONL is read as lines of text, each a row with the cell `text`. */
  readonly lines?: boolean;
}

const TEXT = 'text';
const JSON_LINES = new Set(['.jsonl', '.ndjson']);
/** The first line in which Excel declares the delimiter. */
const SEPARATOR = /^(\s*)"?sep=(.)"?[^\S\n]*(\n|$)/i;

/**
 * The rows of a table, whose format its first lines tell: JSONL begins with `{`; in CSV the first row names the columns,
 * delimited by commas, semicolons, tabs or vertical bars, or by what a line `sep=` before it declares.
 * @throws MienError `data` when the bytes are not a table, two columns have the same name, a quotation mark is not
 *   closed, or there are no rows; what `check` and `chunks` throw.
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
    // After blank lines or a line `sep=`, the header may be in a later part.
    while (start?.replace(SEPARATOR, '').trim() === '') {
      const more = await next();
      if (more === undefined) break;
      start += more;
    }
    if (start === undefined || start.trim() === '') {
      if (lines) return;
      throw noRows(file);
    }
    const first = start.trimStart();
    if (first.startsWith('{') || JSON_LINES.has(extname(file).toLowerCase()))
      return yield* jsonRows(partsFrom(start, next), faults, check);
    if (/^\[\s*(\{|$)/.test(first))
      throw new MienError('data', 'is a JSON array, not a table', {
        file,
        hint: 'Expected one object per line; convert it with `jq -c ".[]"`.',
      });
    const declared = SEPARATOR.exec(start)?.[2];
    const header = withNewlines(start.replace(SEPARATOR, '$1$3'));
    const { delimiter, names, known, even } = await detectDialect(
      header,
      wanted,
      declared === undefined ? undefined : [declared],
    );
    // A text that begins with “Text, …” then fails row by row; a table read as texts would go unnoticed.
    const isHeader = known > 0 && (even >= 0.5 || names.every((name) => /^\S*$/.test(name.trim())));
    if (lines && declared === undefined && !isHeader) return yield* textRows(partsFrom(start, next), faults);
    checkNames(names, file);
    check(names);
    yield* csvRows(partsFrom(header, next), faults, { file, delimiter, names });
  } finally {
    await parts.return();
  }
}

const noRows = (file: string): MienError => new MienError('data', 'holds no rows', { file });

/** Faults of lines read so far, by line number. */
type Faults = Map<number, Fault>;

async function* partsFrom(
  start: string,
  next: () => Promise<string | undefined>,
): AsyncGenerator<string, void, undefined> {
  for (let text: string | undefined = start; text !== undefined; text = await next()) yield text;
}

function checkNames(names: readonly string[], file: string): void {
  const same = sameNames(names);
  if (same)
    throw new MienError('data', `has two columns with the same name, "${same[0]}" and "${same[1]}"`, {
      file,
      hint: 'Case and surrounding spaces are ignored; rename one of them.',
    });
}

const NOT_CLOSED: Fault = {
  message: 'a quotation mark opens a field here and is not closed',
  hint: 'Close it, or double it ("") if it is part of the text.',
};

async function* csvRows(
  texts: AsyncGenerator<string>,
  faults: Faults,
  { file, delimiter, names }: { file: string; delimiter: string; names: readonly string[] },
): AsyncGenerator<Row | BadRow, void, undefined> {
  const keys = names.map(foldName);
  let isHeader = true;
  let hasRows = false;
  let end = 0;
  try {
    for await (const csvRecord of csvRecords(texts, { delimiter, raw: true })) {
      const { record, info } = csvRecord;
      end = info.lines;
      const row = end - record.reduce((sum, field) => sum + field.split('\n').length - 1, 0);
      if (await isRunaway(csvRecord, delimiter)) throw faultError(NOT_CLOSED, { file, row });
      const fault = faultWithin(faults, row, end);
      if (isHeader && fault) throw faultError(fault, { file, row });
      if (!isHeader) yield fault ? { row, fault, undecodable: true } : csvRow(record, row, keys, delimiter);
      hasRows ||= !isHeader;
      isHeader = false;
    }
    if (!hasRows) throw noRows(file);
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const isOpen = ['CSV_QUOTE_NOT_CLOSED', 'CSV_MAX_RECORD_SIZE'].includes(cause.code);
    const fault = isOpen ? NOT_CLOSED : { message: `cannot be read as CSV: ${cause.message}` };
    throw faultError(fault, { file, row: end + 1 });
  }
}

/** With the line ends of old Macs replaced where there are no others; such a text is a single part. */
const withNewlines = (text: string): string => (text.includes('\n') ? text : text.replaceAll('\r', '\n'));

function csvRow(
  record: readonly string[],
  row: number,
  keys: readonly string[],
  delimiter: string,
): Row | BadRow {
  // Spreadsheets pad rows with empty fields.
  const hasSurplus = record.slice(keys.length).some((field) => field.trim() !== '');
  if (!hasSurplus && record.length >= keys.length)
    return { row, cells: new Map(keys.map((key, i) => [key, record[i]])) };
  const fields = `${record.length} ${record.length === 1 ? 'field' : 'fields'}`;
  const columns = `${keys.length} ${keys.length === 1 ? 'column' : 'columns'}`;
  return {
    row,
    fault: {
      message: `has ${fields}, but the header names ${columns}`,
      hint: `Put a text that contains ${JSON.stringify(delimiter)} in quotation marks.`,
    },
  };
}

/** The first fault within these lines; earlier ones are discarded. */
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
    // Only line feeds end a line: U+2028 and the like are part of the text.
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
    const parsed = parseObject(line);
    if (!('value' in parsed)) {
      yield { row, fault: parsed };
      continue;
    }
    const keys = Object.keys(parsed.value);
    const same = sameNames(keys);
    if (same) {
      yield { row, fault: { message: `has both "${same[0]}" and "${same[1]}"` } };
      continue;
    }
    if (isFirst) check(keys);
    isFirst = false;
    const cells = Object.entries(parsed.value).map(
      ([key, value]: [string, unknown]) => [foldName(key), value] as const,
    );
    yield { row, cells: new Map(cells) };
  }
}

const JSONL_HINT = 'Expected one JSON object per line; convert other JSON with `jq -c .`.';

function parseObject(line: string): { readonly value: object } | Fault {
  let value: unknown;
  try {
    // `trim` also removes a byte order mark, which a file concatenated from several may contain.
    value = JSON.parse(line.trim());
  } catch (cause) {
    const [reason = ''] = (cause as Error).message.split('\n');
    return { message: `is not JSON (${reason})`, hint: JSONL_HINT };
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { value }
    : { message: 'is not a JSON object', hint: JSONL_HINT };
}
