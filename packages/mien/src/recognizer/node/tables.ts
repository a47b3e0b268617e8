// The tables that an input names: a file, a folder, or the files that match a pattern.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { openParquet } from '../../data/parquet.js';
import { itemsOfFile, itemsOfParquet, type ItemOptions, type RowItem } from './items.js';

const EXTENSIONS = new Set(['.csv', '.tsv', '.jsonl', '.ndjson', '.parquet']);

/** Files that Spark, DuckDB and pandas leave out as well. */
const isHidden = (name: string): boolean => /^[_.]/.test(name);

export interface TableFile {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/**
 * The tables that `input` names, by name: a file, a folder with tables, or files whose names match a pattern with `*` and
 * `?`, as in `posts/*.parquet`.
 * @throws MienError `file` if there are none, or one cannot be read.
 */
export async function tableFiles(input: string): Promise<readonly TableFile[]> {
  const stats = await stat(input).catch(() => undefined);
  if (stats?.isDirectory()) {
    const found = await inFolder(input, (name) => EXTENSIONS.has(extname(name).toLowerCase()));
    if (found.length > 0) return found;
    throw new MienError('file', 'is a folder without tables', {
      file: input,
      hint: `Tables are ${[...EXTENSIONS].join(', ')}. Use --image FOLDER to read the images of a folder.`,
    });
  }
  if (stats || !/[*?]/.test(basename(input))) return [await describe(input)];
  const pattern = new RegExp(
    `^${basename(input)
      .replace(/[\\^$.+()|{}[\]]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'su',
  );
  const found = await inFolder(dirname(input), (name) => pattern.test(name));
  if (found.length > 0) return found;
  throw new MienError('file', 'no file matches this pattern', {
    file: input,
    hint: '* and ? are understood in the last part of the path only.',
  });
}

async function inFolder(folder: string, isWanted: (name: string) => boolean): Promise<TableFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError('read', folder, cause);
  });
  const names = entries.flatMap((entry) =>
    !entry.isDirectory() && !isHidden(entry.name) && isWanted(entry.name) ? [entry.name] : [],
  );
  return Promise.all(names.sort().map((name) => describe(join(folder, name))));
}

async function describe(path: string): Promise<TableFile> {
  const { size, mtimeMs } = await stat(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  return { path, bytes: size, modified: mtimeMs };
}

export const isParquet = (path: string): boolean => extname(path).toLowerCase() === '.parquet';

async function* itemsOfTable(path: string, options: ItemOptions): AsyncGenerator<RowItem> {
  if (isParquet(path)) yield* itemsOfParquet(await openParquet(path), path, options);
  else yield* itemsOfFile(path, options);
}

/** The items of several tables; without a column of names, those of rows begin with their file's. @throws MienError as reading them. */
export async function* itemsOfTables(
  tables: readonly TableFile[],
  options: ItemOptions = {},
): AsyncGenerator<RowItem> {
  for (const { path } of tables)
    for await (const item of itemsOfTable(path, options)) yield tables.length > 1 ? within(path, item) : item;
}

/** The item of one of several tables: a name that is only its row is not unique among them. */
export const within = (path: string, item: RowItem): RowItem =>
  item.id === String(item.row) ? { ...item, id: `${basename(path)}:${item.id}` } : item;
