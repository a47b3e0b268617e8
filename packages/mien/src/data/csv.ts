// Streaming CSV: records, and which character delimits their fields.
import { readFile } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse, type Options } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import { MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { foldName } from './columns.js';

export interface CsvRecord {
  readonly record: readonly string[];
  /** The line in which the record ends, and the number of records so far. */
  readonly info: { readonly lines: number; readonly records: number };
  /** The record's text, with the option `raw`. */
  readonly raw?: string;
}

/** Bytes. A larger record means that a quotation mark was left open. */
const MAX_RECORD_SIZE = 2 ** 26;

/** Quotation marks within a field are literal, and spaces may precede one that opens a field. */
const PARSING: Options = {
  info: true,
  ltrim: true,
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
  record_delimiter: '\n',
  max_record_size: MAX_RECORD_SIZE,
};

/**
 * Records in order, with any number of fields; blank ones are skipped.
 * @param texts with `\n` as line ends
 * @throws CsvError when the text is not CSV, and what `texts` throws.
 */
export async function* csvRecords(
  texts: AsyncIterable<string> | Iterable<string>,
  options: Options = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  // The parser would throw before yielding the records that precede an error, so the error is held back.
  let failure: (CsvError & { records?: number }) | undefined;
  const parser = parse({
    ...PARSING,
    ...options,
    skip_records_with_error: true,
    on_skip: (error) => {
      failure ??= error;
      return undefined;
    },
  });
  // An error of the source destroys the parser with it, and the loop throws it.
  pipeline(Readable.from(texts), parser, () => undefined);
  for await (const { record, ...rest } of parser as AsyncIterable<CsvRecord>) {
    if (failure && rest.info.records > (failure.records ?? 0)) break;
    // Spreadsheets leave rows of nothing but delimiters.
    if (record.length === 1 || record.some((field) => field.trim() !== ''))
      yield { ...rest, record: record.map(withoutQuotes) };
  }
  if (failure) throw failure;
}

/** Unquotes a field with spaces after the closing mark, which the parser leaves as it is. */
const withoutQuotes = (field: string): string =>
  field.startsWith('"') ? field.replace(/^"([^"]*)"\s+$/, '$1') : field;

const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Records from which the delimiter is detected. */
const SAMPLE = 50;

interface Dialect {
  readonly delimiter: string;
  /** Fields of the first record. */
  readonly names: readonly string[];
  /** Number of names that are expected. */
  readonly known: number;
  /** Share of further records with as many fields as the first; 1 where there are none. */
  readonly even: number;
}

/**
 * Detects the delimiter: the character that gives the header most of the expected names, then most records the header's
 * length, then most names; with none that divides the header, there is one column. (csv-parse's own detection accepts
 * any frequent character, letters too, and fails at the first one beyond ASCII.)
 * @param start whole lines, the header first
 * @param delimiters candidates
 */
export async function detectDialect(
  start: string,
  expected: readonly string[],
  delimiters: readonly [string, ...string[]] = DELIMITERS,
): Promise<Dialect> {
  const folded = new Set(expected.map(foldName));
  const dialectWith = async (delimiter: string): Promise<Dialect> => {
    const [names = [], ...others] = await firstRecords(start, delimiter);
    const sameLength = others.filter(({ length }) => length === names.length).length;
    return {
      delimiter,
      names,
      known: names.filter((name) => folded.has(foldName(name))).length,
      even: others.length === 0 ? 1 : sameLength / others.length,
    };
  };
  const [first, ...rest] = delimiters;
  let best = await dialectWith(first);
  for (const delimiter of rest) {
    const other = await dialectWith(delimiter);
    if (isBetter(other, best)) best = other;
  }
  return best;
}

function isBetter(a: Dialect, b: Dialect): boolean {
  if (a.names.length < 2 || b.names.length < 2) return a.names.length > 1;
  return (a.known - b.known || a.even - b.even || a.names.length - b.names.length) > 0;
}

/** The records of a text that may end within one. */
async function firstRecords(start: string, delimiter: string): Promise<readonly (readonly string[])[]> {
  const records: (readonly string[])[] = [];
  try {
    for await (const { record } of csvRecords([start], { delimiter, to: SAMPLE })) records.push(record);
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
  }
  return records;
}

/**
 * Whether a record, read with the option `raw`, has an unclosed quotation mark and so has swallowed the lines up to the
 * next mark.
 */
export async function isRunaway({ record, raw = '' }: CsvRecord, delimiter: string): Promise<boolean> {
  if (!record.some((field) => field.startsWith('"') && field.includes('\n'))) return false;
  try {
    for await (const _ of csvRecords([raw], { delimiter, relax_quotes: false }));
    return false;
  } catch (cause) {
    if (cause instanceof CsvError) return true;
    throw cause;
  }
}

/**
 * Reads a small CSV file whose first row names the columns; for tables that mien ships.
 * @throws MienError `file` when it cannot be read, `data` when it is not CSV.
 */
export async function readRecords(file: string): Promise<{ record: Record<string, string>; row: number }[]> {
  const content = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw fileError('read', file, cause);
  });
  try {
    const records = parseWhole(content, { columns: true, bom: true, skip_empty_lines: true, info: true });
    return (records as unknown as { record: Record<string, string>; info: { lines: number } }[]).map(
      ({ record, info }) => ({ record, row: info.lines }),
    );
  } catch (cause) {
    throw new MienError('data', `cannot be read as CSV: ${(cause as Error).message}`, { file, cause });
  }
}
