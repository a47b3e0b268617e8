// Reads items from a folder of images, a table, or lines on standard input.
import { dirname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { defined, faultError, MienError } from 'mien-engine/base';
import { fileError, readChunks } from 'mien-engine/node';
import {
  cellName,
  cellText,
  checkColumn,
  foldName,
  isWrong,
  lookalike,
  type WrongCell,
} from '../../data/columns.js';
import { imagesIn } from '../../data/reading.js';
import type { ParquetTable } from '../../data/parquet.js';
import { rowsOf, type BadRow, type Row } from '../../data/rows.js';
import type { Failure, Item } from '../types.js';

/** An item with its name in its source. */
export interface NamedItem extends Item {
  readonly id: string;
  /** Why its row is invalid; then it has no input. */
  readonly invalid?: Failure['error'];
}

/** An item with further columns of its row. */
export interface RowItem extends NamedItem {
  readonly values: Readonly<Record<string, string>>;
  /** Line in which the row begins, from 1. */
  readonly row: number;
}

interface ItemColumns {
  /** Names of columns (keys of JSONL); columns without a name here are optional. */
  readonly text?: string | undefined;
  readonly image?: string | undefined;
  readonly audio?: string | undefined;
  /** Column with the names of rows; by default their line numbers. */
  readonly id?: string | undefined;
}

export interface ItemOptions {
  readonly columns?: ItemColumns;
  /** Columns to return as `values`. */
  readonly further?: readonly (string | undefined)[];
  /** Called for a column that is not read but has a similar name. */
  readonly warn?: ((message: string) => void) | undefined;
}

const DEFAULTS = { text: 'text', image: 'image', audio: 'audio', id: 'id' } as const;
type Kind = keyof typeof DEFAULTS;
/** Columns of which a table needs one. */
const INPUTS = ['text', 'image', 'audio'] as const;

/** The images of a folder and its subfolders, by name. @throws MienError `file` when it cannot be read. */
export async function* itemsOfFolder(folder: string): AsyncGenerator<NamedItem> {
  const images = await imagesIn(folder);
  if (images.length === 0) throw new MienError('data', 'holds no images', { file: folder });
  for (const image of images) yield { id: image, image };
}

/**
 * The rows of a table (CSV or JSONL, `rowsOf`), read as needed. Paths of images and recordings are relative to the file's folder. An invalid
 * row is an item with an error (`invalid`).
 * @throws MienError `usage` for a missing column, `data` if the file is not a table or not text, `file` if it cannot be
 *   read.
 */
export const itemsOfFile = (file: string, options: ItemOptions = {}): AsyncGenerator<RowItem> =>
  items(readChunks(file), { file, folder: dirname(file), lines: false }, options);

/**
 * The rows of a table on standard input, or its lines as texts if it is not a table. Paths of images and recordings are
 * relative to the working folder.
 */
export const itemsOfLines = (stream: Readable, options: ItemOptions = {}): AsyncGenerator<RowItem> =>
  items(chunksOf(stream), { file: STANDARD_INPUT, folder: '.', lines: !isNamed(options) }, options);

/**
 * The rows of a Parquet file from `start` to `end`, from 0, as `itemsOfFile` has those of other tables.
 * @throws MienError `usage` for a missing column, `data` or `file` as reading the table does.
 */
export async function* itemsOfParquet(
  table: ParquetTable,
  file: string,
  {
    start = 0,
    end = table.rows,
    ...options
  }: ItemOptions & { readonly start?: number; readonly end?: number } = {},
): AsyncGenerator<RowItem> {
  const { others, nameOf, wanted, check, notice } = reading(file, options);
  check(table.names);
  notice(table.names.map(foldName));
  for await (const row of table.read(start, end, wanted))
    yield {
      ...itemOf(row, nameOf, dirname(file)),
      row: row.row,
      values: valuesOf(row, others, file),
    };
}

const STANDARD_INPUT = 'standard input';

async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream)
      yield typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
  } catch (cause) {
    throw fileError('read', STANDARD_INPUT, cause);
  }
}

/** Whether columns are named, so that the input is a table. */
const isNamed = ({ columns = {}, further = [] }: ItemOptions): boolean =>
  [...Object.values(columns), ...further].some((name) => name !== undefined);

interface Source {
  readonly file: string;
  /** Base of relative paths. */
  readonly folder: string;
  /** Whether input that is not a table is read as lines of text. */
  readonly lines: boolean;
}

/** What the columns contain. */
const PLURALS = { text: 'texts', image: 'images', audio: 'recordings', id: 'names' } as const;

/** How the rows of a table become items. */
function reading(file: string, { columns = {}, further = [], warn }: ItemOptions) {
  const others = further.filter((name) => name !== undefined);
  const nameOf = (kind: Kind): string => columns[kind] ?? DEFAULTS[kind];
  const wanted = [...INPUTS.map(nameOf), nameOf('id'), ...others];
  const check = (names: readonly string[]): void => {
    for (const name of [...Object.values(columns), ...others])
      if (name !== undefined) checkColumn(file, names, name);
    const there = names.map(foldName);
    if (!INPUTS.some((kind) => there.includes(foldName(nameOf(kind)))))
      throw new MienError('usage', 'has no column "text", none "image" and none "audio"', {
        file,
        hint: namesHint(names),
      });
  };
  const unnamed = INPUTS.filter((kind) => columns[kind] === undefined);
  const notice = noticing(unnamed, (name, kind) =>
    warn?.(`${file}: the column "${name}" is not read; name it if it contains the ${PLURALS[kind]}`),
  );
  return { others, nameOf, wanted, check, notice };
}

async function* items(
  chunks: AsyncIterable<Uint8Array>,
  { file, folder, lines }: Source,
  options: ItemOptions,
): AsyncGenerator<RowItem> {
  const { others, nameOf, wanted, check, notice } = reading(file, options);
  // A file whose first rows are all invalid is not a table: they are held back until a valid one.
  let held: BadRow[] | undefined = [];
  for await (const read of rowsOf(chunks, { file, wanted, check, lines })) {
    const { row } = read;
    if (!read.fault) {
      for (const bad of held ?? []) yield badItem(bad);
      held = undefined;
      notice([...read.cells.keys()]);
      yield { ...itemOf(read, nameOf, folder), row, values: valuesOf(read, others, file) };
    } else if (read.undecodable) throw faultError(read.fault, { file, row });
    else if (!held) yield badItem(read);
    else if (held.push(read) === MAX_HELD) break;
  }
  if (held?.[0]) throw faultError(held[0].fault, { file, row: held[0].row });
}

const namesHint = (names: readonly string[]): string =>
  `Name them; the columns are ${names.map((name) => name.trim()).join(', ')}.` +
  (names.length > 1 ? '' : ' Lines of text without a header are read from standard input: --input -');

const MAX_HELD = 20;

const badItem = ({ row, fault }: BadRow): RowItem => ({
  id: String(row),
  row,
  values: {},
  invalid: invalid(fault.message),
});

const invalid = (message: string): Failure['error'] => ({ code: 'invalid-item', message });

/** Reports, once each, names that are similar to those of missing columns. */
function noticing(kinds: readonly Kind[], report: (name: string, kind: Kind) => void) {
  const seen = new Set<string>();
  return (names: readonly string[]): void => {
    if (names.every((name) => seen.has(name))) return;
    for (const kind of kinds) {
      const like = lookalike(names, DEFAULTS[kind]);
      if (like !== undefined && !seen.has(like)) report(like.trim(), kind);
    }
    for (const name of names) seen.add(name);
  };
}

function valuesOf({ row, cells }: Row, names: readonly string[], file: string): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const cell = cellName(cells.get(foldName(name)));
      if (isWrong(cell)) throw faultError({ message: `${name} is ${cell.wrong}, not a name` }, { file, row });
      return [name, cell?.trim() ?? ''];
    }),
  );
}

/** The item of a row, or why the row is invalid. */
function itemOf({ row, cells }: Row, nameOf: (kind: Kind) => string, folder: string): NamedItem {
  const cell = (kind: Kind): unknown => cells.get(foldName(nameOf(kind)));
  const id = cellName(cell('id'));
  const text = cellText(cell('text'));
  const image = cellText(cell('image'), []);
  const audio = cellText(cell('audio'), []);
  const named = isWrong(id) || !id?.trim() ? String(row) : id;
  const wrong = Object.entries({ text, image, audio, id }).find(([, found]) => isWrong(found));
  if (wrong || isWrong(id) || isWrong(text) || isWrong(image) || isWrong(audio)) {
    const [kind, found] = wrong as [Kind, WrongCell];
    return { id: named, invalid: invalid(`the ${kind} is ${found.wrong}, not a string`) };
  }
  return {
    id: named,
    ...defined({ text, image: pathOf(image, folder), audio: pathOf(audio, folder) }),
  };
}

/** An address as it is, a path relative to the folder; undefined for an empty cell. */
function pathOf(cell: string | undefined, folder: string): string | undefined {
  const path = cell?.trim();
  return !path || /^(data|file|https?):/i.test(path) ? path || undefined : resolve(folder, path);
}
