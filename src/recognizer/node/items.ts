// Items to recognise from where people keep them: a folder of images, a CSV or JSONL file, lines on standard input.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { MienError } from '../../base/errors.js';
import { fileError } from '../../base/files.js';
import { suggestion } from '../../base/names.js';
import type { Item } from '../types.js';

/** An item with what it is called where it came from. */
export interface NamedItem extends Item {
  readonly id: string;
}

/** An item with further columns of its row. */
export interface RowItem extends NamedItem {
  readonly values: Readonly<Record<string, string>>;
  /** Line (of CSV: where the record ends) in the file. */
  readonly row: number;
}

export interface ItemColumns {
  /** Columns (of JSONL: keys); those that are not named and not there are left out. */
  readonly text?: string | undefined;
  readonly image?: string | undefined;
  /** What names a row; its number by default. */
  readonly id?: string | undefined;
}

type Row = Readonly<Record<string, unknown>>;

const IMAGES = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif', '.heic', '.bmp']);
const DEFAULTS = { text: 'text', image: 'image', id: 'id' } as const;

/** The images of a folder and its subfolders, by name. @throws MienError `file` when it cannot be read. */
export async function* itemsOfFolder(folder: string): AsyncGenerator<NamedItem> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw fileError('read', folder, cause);
  });
  const names = entries
    .filter((entry) => entry.isFile() && IMAGES.has(extname(entry.name).toLowerCase()))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  if (names.length === 0) throw new MienError('data', 'holds no images', { file: folder });
  for (const image of names) yield { id: image, image };
}

/**
 * The rows of a CSV file, or of JSONL where the name does not end in `.csv`, read as they are needed. Image paths are
 * relative to the file's folder. `further` columns come along as `values`.
 * @throws MienError `usage` for a column that is not there, `data` with the row that cannot be read, `file`.
 */
export async function* itemsOfFile(
  file: string,
  columns: ItemColumns = {},
  further: readonly (string | undefined)[] = [],
): AsyncGenerator<RowItem> {
  const stream = createReadStream(file);
  const rows = extname(file).toLowerCase() === '.csv' ? csvRows(stream, file) : jsonRows(stream, file);
  const names = further.filter((name) => name !== undefined);
  yield* itemsOfRows(rows, columns, names, { file, folder: dirname(file) });
}

/** Lines as they come: JSON objects where the first one is, else texts. Image paths are relative to the working folder. */
export async function* itemsOfLines(stream: Readable, columns: ItemColumns = {}): AsyncGenerator<NamedItem> {
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  let isJson: boolean | undefined;
  let row = 0;
  for await (const line of lines) {
    row++;
    if (line.trim() === '') continue;
    isJson ??= line.trimStart().startsWith('{');
    if (isJson) {
      const values = objectOf(line, 'standard input', row);
      yield itemOf(values, columns, { row, file: 'standard input', folder: '.' });
    } else yield { id: String(row), text: line };
  }
}

async function* itemsOfRows(
  rows: AsyncIterable<{ values: Row; row: number }>,
  columns: ItemColumns,
  further: readonly string[],
  place: { file: string; folder: string },
): AsyncGenerator<RowItem> {
  let any = false;
  for await (const { values, row } of rows) {
    any = true;
    const item = itemOf(values, columns, { ...place, row });
    yield {
      ...item,
      row,
      values: Object.fromEntries(further.map((name) => [name, cell(values, name, { ...place, row })])),
    };
  }
  if (!any) throw new MienError('data', 'holds no rows', { file: place.file });
}

function cell(values: Row, name: string, { file, row }: { file: string; row: number }): string {
  if (!(name in values))
    throw new MienError('usage', `there is no column "${name}"`, {
      ...{ file, row, hint: suggestion(name, Object.keys(values)) },
    });
  return String(values[name] ?? '').trim();
}

function itemOf(
  values: Row,
  columns: ItemColumns,
  { file, folder, row }: { file: string; folder: string; row: number },
): NamedItem {
  for (const column of Object.values(columns)) if (column !== undefined) cell(values, column, { file, row });
  const value = (kind: keyof typeof DEFAULTS): string | undefined => {
    const found = values[columns[kind] ?? DEFAULTS[kind]];
    return found === undefined || found === null ? undefined : String(found);
  };
  const [text, image] = [value('text'), value('image')];
  if (text === undefined && image === undefined)
    throw new MienError('usage', 'has no column "text" and none "image"', {
      ...{ file, row, hint: `Name them; there are ${Object.keys(values).join(', ')}.` },
    });
  return {
    id: value('id') ?? String(row),
    ...(text === undefined ? {} : { text }),
    ...(image === undefined || image.trim() === '' ? {} : { image: pathOf(image.trim(), folder) }),
  };
}

const pathOf = (image: string, folder: string): string =>
  /^(data|file|https?):/i.test(image) ? image : resolve(folder, image);

async function* csvRows(stream: Readable, file: string): AsyncGenerator<{ values: Row; row: number }> {
  const parser = stream
    .on('error', (cause) => parser.destroy(fileError('read', file, cause)))
    .pipe(parse({ columns: true, bom: true, skip_empty_lines: true, info: true }));
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Row; info: { lines: number } }>)
      yield { values: record, row: info.lines };
  } catch (cause) {
    if (cause instanceof MienError) throw cause;
    throw new MienError('data', `cannot be read as CSV: ${(cause as Error).message}`, { file, cause });
  }
}

async function* jsonRows(stream: Readable, file: string): AsyncGenerator<{ values: Row; row: number }> {
  let failure: unknown;
  stream.on('error', (cause) => (failure = cause));
  let row = 0;
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      row++;
      if (line.trim() !== '') yield { values: objectOf(line, file, row), row };
    }
  } finally {
    stream.destroy();
  }
  if (failure) throw fileError('read', file, failure);
}

function objectOf(line: string, file: string, row: number): Row {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row;
  } catch {
    // Said below.
  }
  throw new MienError('data', 'is not a JSON object', {
    ...{ file, row, hint: 'A file that does not end in .csv is read as JSONL, one object a line.' },
  });
}
