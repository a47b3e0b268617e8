// Reads a user's own data: a table (CSV or JSONL) whose rows have a text, an image, or both, and a label.
import { dirname, isAbsolute, join } from 'node:path';
import { defined, type Fault, MienError } from 'mien-engine/base';
import { readChunks } from 'mien-engine/node';
import {
  cellName,
  cellText,
  checkColumn,
  foldName,
  isWrong,
  kindOf,
  type DataSetOptions,
  normalizeText,
  problems,
  type Row,
  rowsOf,
  type Skipped,
  type Split,
} from 'mien/parts/data';

export interface TableOptions extends DataSetOptions {
  /** Column names; at least one of `text` and `image` is required. */
  readonly text?: string | undefined;
  readonly image?: string | undefined;
  readonly label: string;
  /** Column of a group (a writer, a person) whose rows stay in one split. */
  readonly group?: string | undefined;
  /** Column with `train`, `validation` or `test`; without it, rows are split at random. */
  readonly split?: string | undefined;
}

interface TableRow {
  /** `row/000012`, after the row's position in the file. */
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

/** Common names of the splits, in lower case. */
export const SPLIT_NAMES: Readonly<Record<string, Split>> = {
  train: 'train',
  training: 'train',
  test: 'test',
  testing: 'test',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
};

/**
 * Reads a table. Image paths are relative to its folder.
 * @throws MienError `data` with the invalid row (skipped with `skipInvalid`), `usage` for a missing column, `file` if the
 *   table cannot be read
 */
export async function readTable(file: string, options: TableOptions): Promise<Table> {
  if (options.text === undefined && options.image === undefined)
    throw new MienError('usage', 'neither a column of texts nor one of images is given', {
      hint: 'Use --text COLUMN, --image COLUMN, or both.',
    });
  const { text, image, label, group, split } = options;
  const wanted = [text, image, label, group, split].filter((name) => name !== undefined);
  const check = (names: readonly string[]): void => wanted.forEach((name) => checkColumn(file, names, name));
  const reporter = problems(options);
  const rows: TableRow[] = [];
  for await (const read of rowsOf(readChunks(file), { file, wanted, check })) {
    const made = read.fault ?? (await rowOf(file, read, options));
    if ('message' in made) reporter.report({ file, row: read.row, ...made });
    else rows.push(made);
  }
  const labels = [...new Set(rows.map(({ label }) => label))].sort();
  if (labels.length < 2)
    throw new MienError('data', `has ${labels.length} different labels; at least two are needed`, {
      file,
      field: options.label,
    });
  return { file, rows, labels, skipped: reporter.skipped };
}

/** The row, or a message if it is invalid. */
async function rowOf(
  file: string,
  { row, cells }: Row,
  { text, image, label, group, split }: TableOptions,
): Promise<TableRow | Pick<Fault, 'message'>> {
  let wrong: string | undefined;
  const value = (column: string, read: typeof cellText = cellName): string => {
    const cell = read(cells.get(foldName(column)));
    if (isWrong(cell)) wrong ??= `${column} is ${cell.wrong}`;
    return isWrong(cell) ? '' : (cell ?? '').trim();
  };
  const named = value(label);
  const words = text === undefined ? undefined : normalizeText(value(text, cellText));
  const given = image === undefined ? undefined : value(image, (cell) => cellText(cell, []));
  const of = group === undefined ? undefined : value(group);
  const place = split === undefined ? undefined : value(split);
  if (wrong !== undefined) return { message: wrong };
  if (named === '') return { message: 'has no label' };
  if (words === '') return { message: 'has no text' };
  if (given === '') return { message: 'has no image' };
  const path = given === undefined || isAbsolute(given) ? given : join(dirname(file), given);
  if (path !== undefined && (await kindOf(path)) !== 'file')
    return { message: `refers to the image ${given!}, which does not exist` };
  const part = place === undefined ? undefined : SPLIT_NAMES[place.toLowerCase()];
  if (place !== undefined && part === undefined)
    return { message: `has unknown split "${place}"; expected train, validation or test` };
  return {
    id: `row/${String(row).padStart(6, '0')}`,
    ...defined({ text: words }),
    ...defined({ image: path === undefined ? undefined : { kind: 'file' as const, path } }),
    label: named,
    // Without groups, equal texts stay in one split.
    group: of ?? (words === undefined ? `row ${row}` : `text ${words}`),
    ...defined({ split: part }),
    row,
  };
}
