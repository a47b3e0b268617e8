// CSV as its text arrives: records, and which character separates their fields.
import { readFile } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse, type Options } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import { MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { foldName } from './columns.js';

export interface CsvRecord {
  readonly record: readonly string[];
  /** The line in which the record ends, and how many records there have been. */
  readonly info: { readonly lines: number; readonly records: number };
  /** The record's own text, with the option `raw`. */
  readonly raw?: string;
}

/** Bytes of one record, beyond which a quotation mark was left open. */
const LARGEST_RECORD = 2 ** 26;

/** Quotation marks within a field stand for themselves, and a space may stand before one that opens a field. */
const READING: Options = {
  info: true,
  ltrim: true,
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
  record_delimiter: '\n',
  max_record_size: LARGEST_RECORD,
};

/**
 * Records in their order, of whatever length; blank ones are passed over.
 * @param texts with `\n` for line ends.
 * @throws CsvError where the text is no CSV, and what `texts` throws.
 */
export async function* csvRecords(
  texts: AsyncIterable<string> | Iterable<string>,
  options: Options = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  // An error of the parser's would overtake the records before it, so it is kept back until they are given.
  let failure: (CsvError & { records?: number }) | undefined;
  const parser = parse({
    ...READING,
    ...options,
    skip_records_with_error: true,
    on_skip: (error) => {
      failure ??= error;
      return undefined;
    },
  });
  // What goes wrong in the source ends the parser with it, and the loop throws that.
  pipeline(Readable.from(texts), parser, () => undefined);
  for await (const { record, ...rest } of parser as AsyncIterable<CsvRecord>) {
    if (failure && rest.info.records > (failure.records ?? 0)) break;
    // Spreadsheets leave rows of nothing but separators.
    if (record.length === 1 || record.some((field) => field.trim() !== ''))
      yield { ...rest, record: record.map(closed) };
  }
  if (failure) throw failure;
}

/** A field in quotation marks with spaces behind, as a space before them is passed over as well. */
const closed = (field: string): string =>
  field.startsWith('"') ? field.replace(/^"([^"]*)"\s+$/, '$1') : field;

const DELIMITERS = [',', ';', '\t', '|'];
/** Records that are looked at to find the delimiter. */
const SAMPLE = 50;

export interface Delimited {
  readonly delimiter: string;
  /** Fields of the first record. */
  readonly names: readonly string[];
  /** How many of the names are wanted. */
  readonly known: number;
  /** Share of further records that have as many fields; 1 where there are none. */
  readonly even: number;
}

/**
 * How a CSV is delimited: by the character that gives the header most of the wanted names, then most records the
 * header's length, then most names. One column where none divides the header. (csv-parse's own guess takes any
 * character that is frequent, letters too, and breaks at the first one beyond ASCII.)
 * @param start whole lines, the header's first.
 * @param delimiters those that come into question.
 */
export async function delimited(
  start: string,
  wanted: readonly string[],
  delimiters: readonly string[] = DELIMITERS,
): Promise<Delimited> {
  const sought = new Set(wanted.map(foldName));
  const found: Delimited[] = [];
  for (const delimiter of delimiters) {
    const records = await firstRecords(start, delimiter);
    const [names = [], ...others] = records;
    const alike = others.filter(({ length }) => length === names.length).length;
    found.push({
      delimiter,
      names,
      known: names.filter((name) => sought.has(foldName(name))).length,
      even: others.length === 0 ? 1 : alike / others.length,
    });
  }
  const divided = found.filter(({ names }) => names.length > 1);
  const [best = found[0]!] = divided.sort(
    (a, b) => b.known - a.known || b.even - a.even || b.names.length - a.names.length,
  );
  return best;
}

/** Those of a text that may be cut off within a record. */
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
 * Whether a record came about by a quotation mark that was opened and never closed, so that it has swallowed the lines
 * after it up to the next mark.
 */
export async function isRunaway({ record, raw }: CsvRecord, delimiter: string): Promise<boolean> {
  if (!record.some((field) => field.startsWith('"') && field.includes('\n'))) return false;
  try {
    for await (const _ of csvRecords([raw!], { delimiter, relax_quotes: false }));
    return false;
  } catch (cause) {
    if (cause instanceof CsvError) return true;
    throw cause;
  }
}

/**
 * A small CSV file as a whole, its first row naming the columns; for tables that mien itself ships.
 * @throws MienError `file` when it cannot be read, `data` when it is not CSV.
 */
export async function readRecords(file: string): Promise<{ record: Record<string, string>; row: number }[]> {
  const content = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw fileError('read', file, cause);
  });
  try {
    const read = parseWhole(content, { columns: true, bom: true, skip_empty_lines: true, info: true });
    return (read as unknown as { record: Record<string, string>; info: { lines: number } }[]).map(
      ({ record, info }) => ({ record, row: info.lines }),
    );
  } catch (cause) {
    throw new MienError('data', `cannot be read as CSV: ${(cause as Error).message}`, { file, cause });
  }
}
