// Predictions for tables of any size: a folder of parts, shared among processes, or one file joined from them.
import { createReadStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { MienError } from 'mien-engine/base';
import { fileError, sha256, writeFileAtomic } from 'mien-engine/node';
import type { Progress } from '../base/progress.js';
import { encodeParquet, joinParquet, openParquet } from '../data/parquet.js';
import {
  itemsOfFile,
  itemsOfParquet,
  type ItemOptions,
  type NamedItem,
  type RowItem,
} from '../recognizer/node/items.js';
import { refuseExisting } from '../recognizer/node/predictions.js';
import { completeParts, openResultFolder, type ResultFolder } from '../recognizer/node/result-folder.js';
import { isParquet, type TableFile, within } from '../recognizer/node/tables.js';
import { counted, NO_ITEMS, type Outcome } from './outcome.js';
import { csvHeader, formatRows, parquetColumns, type FileFormat, type Predicted } from './predictions.js';
import type { JobShare } from './shard.js';

export interface PredictParts {
  readonly tables: readonly TableFile[];
  readonly dir: string;
  readonly format: FileFormat;
  readonly labels: readonly string[];
  /** States the model and the options that results depend on. */
  readonly request: unknown;
  readonly rowsPerPart: number;
  /** The share of the parts to compute; all if undefined. */
  readonly shard: JobShare | undefined;
  readonly overwrite: boolean;
  readonly items: ItemOptions;
  readonly predict: (items: readonly NamedItem[]) => AsyncIterable<readonly Predicted[]>;
  readonly progress: Progress;
}

/**
 * Recognises the rows of the tables, part by part; parts that are there already are kept. Where tables and options are the
 * same, any number of processes may share a folder: part p of table t is of the process (t + p) mod n.
 * @throws MienError `checkpoint` if the folder belongs to another run; what reading the tables and `predict` throw.
 */
export async function predictToFolder(options: PredictParts): Promise<Outcome> {
  const { tables, dir, format, labels, rowsPerPart, shard, overwrite, predict, progress } = options;
  // Machines see the same files under different paths and times.
  const files = tables.map(({ path, bytes }) => [basename(path), bytes]);
  const folder = await openResultFolder(
    dir,
    {
      fingerprint: sha256(JSON.stringify([files, format, rowsPerPart, options.request])),
      extension: format,
      rowsPerPart,
      tables: tables.map(({ path }) => basename(path)),
      labels: [...labels],
    },
    overwrite,
  );
  let outcome = NO_ITEMS;
  const isMine = (table: number, part: number): boolean =>
    !shard || (table + part) % shard.of === shard.index;
  for (const [table, { path }] of tables.entries()) {
    const isDue = (part: number): boolean => isMine(table, part) && !folder.has(table, part);
    const known = folder.rows(table);
    if (known !== undefined && !range(Math.ceil(known / rowsPerPart)).some(isDue)) {
      progress.skip(known);
      continue;
    }
    const parts = isParquet(path) ? partsOfParquet(path, options, isDue) : partsOfText(path, options, isDue);
    let rows = 0;
    for await (const { part, items, count } of parts) {
      rows += count;
      if (!items) {
        progress.skip(count);
        continue;
      }
      const predicted: Predicted[] = [];
      const named = tables.length > 1 ? items.map((item) => within(path, item)) : items;
      for await (const batch of predict(named)) predicted.push(...batch);
      await write(folder, { table, part }, predicted, options);
      outcome = counted(outcome, predicted);
    }
    await folder.count(table, rows);
  }
  return outcome;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

async function write(
  folder: ResultFolder,
  { table, part }: { readonly table: number; readonly part: number },
  rows: readonly Predicted[],
  { format, labels }: PredictParts,
): Promise<void> {
  const content =
    format === 'parquet'
      ? await encodeParquet(parquetColumns(rows, labels))
      : (format === 'csv' ? csvHeader(labels) : '') + formatRows(rows, format, labels);
  await folder.write(table, part, content);
}

/** A part of a table: its rows if they are due. */
interface TablePart {
  readonly part: number;
  readonly count: number;
  readonly items?: readonly RowItem[];
}

/** Of parts that are not due nothing is read. */
async function* partsOfParquet(
  path: string,
  { items, rowsPerPart }: PredictParts,
  isDue: (part: number) => boolean,
): AsyncGenerator<TablePart> {
  const table = await openParquet(path);
  for (const part of range(Math.ceil(table.rows / rowsPerPart))) {
    const start = part * rowsPerPart;
    const end = Math.min(table.rows, start + rowsPerPart);
    const count = end - start;
    yield isDue(part)
      ? { part, count, items: await collected(itemsOfParquet(table, path, { ...items, start, end })) }
      : { part, count };
  }
}

async function collected<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** Rows have no place that is known in advance: all are read, and those that are due are kept. */
async function* partsOfText(
  path: string,
  { items: options, rowsPerPart }: PredictParts,
  isDue: (part: number) => boolean,
): AsyncGenerator<TablePart> {
  let [part, count] = [0, 0];
  let items: RowItem[] = [];
  const take = (): TablePart => (isDue(part) ? { part, count, items } : { part, count });
  for await (const item of itemsOfFile(path, options)) {
    if (isDue(part)) items.push(item);
    if (++count < rowsPerPart) continue;
    yield take();
    [part, count, items] = [part + 1, 0, []];
  }
  if (count > 0) yield take();
}

/**
 * Joins the parts of a complete run into one file of the same format.
 * @throws MienError `data` if parts are missing, `usage` if the file has another format, `file` if it exists or cannot be
 *   written.
 */
export async function joinParts(dir: string, out: string, overwrite = false): Promise<number> {
  if (!overwrite) await refuseExisting(out);
  const { run, rows, files } = await completeParts(dir);
  const extension = extname(out).toLowerCase().slice(1);
  if (extension !== run.extension)
    throw new MienError('usage', `the parts are ${run.extension}, "${basename(out)}" is not`, {
      hint: `Choose a name that ends in .${run.extension}.`,
    });
  if (extension !== 'parquet') {
    await writeFileAtomic(out, joined(files, extension === 'csv' ? csvHeader(run.labels) : ''));
    return rows;
  }
  const temporary = `${out}.tmp`;
  await joinParquet(files, parquetColumns([], run.labels), temporary);
  await rename(temporary, out).catch(async (cause: unknown) => {
    await rm(temporary, { force: true });
    throw fileError('write', out, cause);
  });
  return rows;
}

/** The header once, then all parts without theirs. */
async function* joined(files: readonly string[], header: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(header);
  for (const file of files)
    for await (const chunk of createReadStream(file, { start: Buffer.byteLength(header) }))
      yield chunk as Uint8Array;
}
