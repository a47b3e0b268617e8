// Results of large inputs as a folder of parts: each is written whole or not at all, by one process or by many, so that an
// interrupted run loses and repeats no row, and the folder reads as one table.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { fileError, readJson, writeFileAtomic } from 'mien-engine/node';
import { checkData } from '../../base/check-data.js';
import { otherRun } from './predictions.js';

/** Readers of tables ignore names that begin with an underscore. */
const RUN_FILE = '_run.json';
const FORMAT = 'mien-results-1';

const runSchema = z.object({
  format: z.literal(FORMAT),
  /** Hash of the items, the model and the options. */
  fingerprint: z.string(),
  extension: z.enum(['csv', 'jsonl', 'parquet']),
  rowsPerPart: z.int().positive(),
  /** The tables that were read, in order. */
  tables: z.array(z.string()),
  /** Labels of the columns of probabilities. */
  labels: z.array(z.string()),
});
export type ResultRun = Omit<z.infer<typeof runSchema>, 'format'>;

const countSchema = z.object({ rows: z.int().nonnegative(), name: z.string() });

export interface ResultFolder {
  /** Whether the part is there. Parts are numbered from 0 within each table. */
  has(table: number, part: number): boolean;
  write(table: number, part: number, content: string | Uint8Array): Promise<void>;
  /** The number of a table's rows, if a run has read it to its end. */
  rows(table: number): number | undefined;
  /** Notes a table's number of rows, by which it is known whether parts are missing. */
  count(table: number, rows: number): Promise<void>;
}

const digits = (value: number, length: number): string => String(value).padStart(length, '0');
const partName = (table: number, part: number, extension: string): string =>
  `part-${digits(table, 5)}-${digits(part, 7)}.${extension}`;
const countName = (table: number): string => `_rows-${digits(table, 5)}.json`;

/**
 * Opens a folder for the results of a run, which may have been interrupted or may be shared by several processes.
 * @throws MienError `checkpoint` if the folder belongs to another run, `file` if it holds something else or cannot be
 *   written.
 */
export async function openResultFolder(
  dir: string,
  run: ResultRun,
  overwrite = false,
): Promise<ResultFolder> {
  await mkdir(dir, { recursive: true }).catch((cause: unknown) => {
    throw fileError('write', dir, cause);
  });
  let names = await namesIn(dir);
  if (names.includes(RUN_FILE)) {
    const earlier = await readRun(dir);
    if (earlier.fingerprint !== run.fingerprint) {
      if (!overwrite)
        throw otherRun(dir, 'Finish that run with its command, choose another folder, or use --overwrite.');
      for (const name of names.filter(isOurs)) await rm(join(dir, name), { force: true });
      names = [];
    }
  } else if (names.some((name) => !name.endsWith('.tmp')))
    throw new MienError('file', 'is a folder with other files', {
      file: dir,
      hint: 'Choose an empty or new folder for the results.',
    });
  await writeFileAtomic(join(dir, RUN_FILE), `${JSON.stringify({ format: FORMAT, ...run }, undefined, 2)}\n`);
  const there = new Set(names);
  const counts = new Map<number, number>();
  for (const table of run.tables.keys())
    if (there.has(countName(table))) counts.set(table, await readCount(dir, table));
  return {
    has: (table, part) => there.has(partName(table, part, run.extension)),
    async write(table, part, content) {
      const name = partName(table, part, run.extension);
      await writeFileAtomic(join(dir, name), content);
      there.add(name);
    },
    rows: (table) => counts.get(table),
    async count(table, rows) {
      const name = run.tables[table]!;
      await writeFileAtomic(join(dir, countName(table)), `${JSON.stringify({ name, rows })}\n`);
      counts.set(table, rows);
    },
  };
}

const isOurs = (name: string): boolean => /^(part-\d|_rows-\d|_run\.json$)/.test(name);

/**
 * The parts of a complete run, in the order of the rows.
 * @throws MienError `data` if parts are missing, `file` if the folder is not one of results.
 */
export async function completeParts(
  dir: string,
): Promise<{ readonly run: ResultRun; readonly rows: number; readonly files: readonly string[] }> {
  const names = new Set(await namesIn(dir));
  if (!names.has(RUN_FILE))
    throw new MienError('file', 'is not a folder of results', {
      file: dir,
      hint: `Expected one that mien predict --out FOLDER wrote, with ${RUN_FILE}.`,
    });
  const run = await readRun(dir);
  const files: string[] = [];
  const missing: string[] = [];
  let total = 0;
  for (const [table, name] of run.tables.entries()) {
    if (!names.has(countName(table))) {
      missing.push(name);
      continue;
    }
    const rows = await readCount(dir, table);
    total += rows;
    for (let part = 0; part * run.rowsPerPart < rows; part++) {
      const file = partName(table, part, run.extension);
      (names.has(file) ? files : missing).push(file);
    }
  }
  if (missing.length > 0)
    throw new MienError(
      'data',
      `is not complete: ${missing.length} parts or tables are missing, first ${missing[0]}`,
      {
        file: dir,
        hint: 'Run mien predict again with the same options; what is there is not computed again.',
      },
    );
  return { run, rows: total, files: files.map((name) => join(dir, name)) };
}

const namesIn = (dir: string): Promise<string[]> =>
  readdir(dir).catch((cause: unknown) => {
    throw fileError('read', dir, cause);
  });

const readRun = async (dir: string): Promise<ResultRun> => checked(join(dir, RUN_FILE), runSchema);
const readCount = async (dir: string, table: number): Promise<number> =>
  (await checked(join(dir, countName(table)), countSchema)).rows;

const checked = async <T extends z.ZodType>(file: string, schema: T): Promise<z.output<T>> =>
  checkData(schema, await readJson(file), { file, fault: 'was not written by this version' });
