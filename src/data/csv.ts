// Records of a CSV as its text arrives.
import { pipeline, Readable } from 'node:stream';
import { parse, type Options } from 'csv-parse';

export interface CsvRecord {
  readonly record: readonly string[];
  /** `lines`: the line in which the record ends. */
  readonly info: { readonly lines: number };
  /** The record's own text, with the option `raw`. */
  readonly raw?: string;
}

/**
 * Records in their order, of whatever length.
 * @throws CsvError where the text is no CSV, and what `texts` throws.
 */
export async function* csvRecords(
  texts: AsyncIterable<string>,
  options: Options = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  const parser = parse({ relax_column_count: true, info: true, ...options });
  // What goes wrong in the source ends the parser with it, and the loop throws that.
  pipeline(Readable.from(texts), parser, () => undefined);
  yield* parser as AsyncIterable<CsvRecord>;
}
