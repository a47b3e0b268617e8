// Somebody's own data: a CSV or JSONL file whose rows have a text, an image, or both, and a label.
import { readFile } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { MienError } from '../base/errors.js';
import { fileError } from '../base/files.js';
import { suggestion } from '../base/names.js';
import { normalizeText } from './cleaning.js';
import { kindOf, problems } from './reading.js';
import type { LoadOptions, Skipped, Split } from './types.js';

export interface TableOptions extends LoadOptions {
  /** Names of columns; at least one of `text` and `image`. */
  readonly text?: string | undefined;
  readonly image?: string | undefined;
  readonly label: string;
  /** Rows of one group (a writer, a person) stay in one split. */
  readonly group?: string | undefined;
  /** Holds `train`, `validation` or `test`; without it, rows are split at random. */
  readonly split?: string | undefined;
}

export interface TableRow {
  /** `row/00012`, the row's place in the file. */
  readonly id: string;
  readonly text?: string;
  readonly image?: { readonly kind: 'file'; readonly path: string };
  readonly label: string;
  readonly group: string;
  readonly split?: Split;
  readonly row: number;
}

export interface Table {
  readonly file: string;
  readonly rows: readonly TableRow[];
  /** Alphabetical. */
  readonly labels: readonly string[];
  readonly skipped: readonly Skipped[];
}

type Row = Readonly<Record<string, unknown>>;

/** A row with the line (CSV: the record) it stands in. */
interface Read {
  readonly values: Row;
  readonly row: number;
}

/** What people call the splits, in lower case. */
export const SPLIT_NAMES: Readonly<Record<string, Split>> = {
  ...{ train: 'train', training: 'train', test: 'test', testing: 'test' },
  ...{ validation: 'validation', valid: 'validation', val: 'validation', dev: 'validation' },
};

/**
 * Reads a table. Image paths are relative to its folder.
 * @throws MienError `data` that names the row of what is wrong (passed over with `skipInvalid`), `usage` for a column
 *   that is not there, `file` when the table cannot be read.
 */
export async function readTable(file: string, options: TableOptions): Promise<Table> {
  if (options.text === undefined && options.image === undefined)
    throw new MienError('usage', 'neither a column of texts nor one of images is named', {
      hint: 'Use --text COLUMN, --image COLUMN, or both.',
    });
  const content = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw fileError('read', file, cause);
  });
  const found = extname(file).toLowerCase() === '.csv' ? csvRows(content, file) : jsonRows(content, file);
  if (found.length === 0) throw new MienError('data', 'holds no rows', { file });
  checkColumns(file, found[0]!.values, options);
  const reporter = problems(options);
  const rows: TableRow[] = [];
  for (const { values, row } of found) {
    const made = await rowOf(file, values, row, options);
    if (typeof made === 'string') reporter.report({ file, row, message: made });
    else rows.push(made);
  }
  const labels = [...new Set(rows.map(({ label }) => label))].sort();
  if (labels.length < 2)
    throw new MienError('data', `has ${labels.length} different labels, at least two are needed`, {
      ...{ file, field: options.label },
    });
  return { file, rows, labels, skipped: reporter.skipped };
}

function csvRows(content: string, file: string): Read[] {
  try {
    const records = parse(content, {
      columns: true,
      bom: true,
      skip_empty_lines: true,
      info: true,
    }) as unknown as {
      record: Row;
      info: { lines: number };
    }[];
    return records.map(({ record, info }) => ({ values: record, row: info.lines }));
  } catch (cause) {
    throw new MienError('data', `cannot be read as CSV: ${(cause as Error).message}`, { file, cause });
  }
}

function jsonRows(content: string, file: string): Read[] {
  return content.split(/\r?\n/).flatMap((line, i): Read[] => {
    if (line.trim() === '') return [];
    try {
      const values: unknown = JSON.parse(line);
      if (typeof values === 'object' && values !== null) return [{ values: values as Row, row: i + 1 }];
    } catch {
      // Said below.
    }
    throw new MienError('data', 'is not a JSON object', {
      ...{ file, row: i + 1, hint: 'A file that does not end in .csv is read as JSONL, one object a line.' },
    });
  });
}

function checkColumns(file: string, first: Row, { text, image, label, group, split }: TableOptions): void {
  for (const column of [text, image, label, group, split])
    if (column !== undefined && !(column in first))
      throw new MienError('usage', `there is no column "${column}"`, {
        ...{ file, hint: suggestion(column, Object.keys(first)) },
      });
}

/** The row, or what is wrong with it. */
async function rowOf(
  file: string,
  values: Row,
  row: number,
  { text, image, label, group, split }: TableOptions,
): Promise<TableRow | string> {
  const value = (column: string): string => String(values[column] ?? '').trim();
  const named = value(label);
  if (named === '') return 'has no label';
  const words = text === undefined ? undefined : normalizeText(value(text));
  if (words === '') return 'has no text';
  let path: string | undefined;
  if (image !== undefined) {
    const given = value(image);
    if (given === '') return 'has no image';
    path = isAbsolute(given) ? given : join(dirname(file), given);
    if ((await kindOf(path)) !== 'file') return `names the image ${given}, which is not there`;
  }
  const part = split === undefined ? undefined : SPLIT_NAMES[value(split).toLowerCase()];
  if (split !== undefined && part === undefined)
    return `is of the split "${value(split)}"; expected train, validation or test`;
  return {
    id: `row/${String(row).padStart(6, '0')}`,
    ...(words === undefined ? {} : { text: words }),
    ...(path === undefined ? {} : { image: { kind: 'file', path } }),
    label: named,
    // Without groups, equal texts still stay together.
    group: group === undefined ? (words === undefined ? `row ${row}` : `text ${words}`) : value(group),
    ...(part === undefined ? {} : { split: part }),
    row,
  };
}
