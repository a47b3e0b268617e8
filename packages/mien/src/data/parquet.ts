// Reads and writes Parquet tables, by the optional packages hyparquet, hyparquet-writer and hyparquet-compressors.
import { defined, MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { foldName, sameNames } from './columns.js';
import type { Row } from './rows.js';

/** An open Parquet file. */
export interface ParquetTable {
  /** Number of rows. */
  readonly rows: number;
  /** Names of the top-level columns, as written. */
  readonly names: readonly string[];
  /**
   * Rows from `start` to `end` (exclusive), from 0, with the cells of these columns only. Memory is bounded by the largest
   * row group.
   * @throws MienError `data` if they cannot be decoded.
   */
  read(start: number, end: number, columns: readonly string[]): AsyncGenerator<Row, void, undefined>;
}

/** @throws MienError `usage` if the package is not installed. */
const load = <T>(name: string, module: Promise<T>): Promise<T> =>
  module.catch((cause: unknown) => {
    throw new MienError('usage', `Parquet needs the package ${name}, which cannot be loaded`, {
      hint: 'npm install hyparquet hyparquet-writer hyparquet-compressors',
      cause,
    });
  });

/**
 * Opens a Parquet file (any codec that hyparquet-compressors knows).
 * @throws MienError `data` if it is not a Parquet file, `file` if it cannot be read, `usage` if a package is missing.
 */
export async function openParquet(file: string): Promise<ParquetTable> {
  const [{ asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] =
    await Promise.all([
      load('hyparquet', import('hyparquet')),
      load('hyparquet-compressors', import('hyparquet-compressors')),
    ]);
  const buffer = await asyncBufferFromFile(file).catch((cause: unknown) => {
    throw fileError('read', file, cause);
  });
  const metadata = await parquetMetadataAsync(buffer).catch((cause: unknown) => {
    throw undecodable(file, cause);
  });
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  const same = sameNames(names);
  if (same)
    throw new MienError('data', `has two columns with the same name, "${same[0]}" and "${same[1]}"`, {
      file,
      hint: 'Case and surrounding spaces are ignored; rename one of them.',
    });
  const groups: { readonly start: number; readonly end: number }[] = [];
  for (const { num_rows: count } of metadata.row_groups) {
    const start = groups.at(-1)?.end ?? 0;
    groups.push({ start, end: start + Number(count) });
  }
  return {
    rows: Number(metadata.num_rows),
    names,
    async *read(from, to, columns) {
      const wanted = new Set(columns.map(foldName));
      const kept = names.filter((name) => wanted.has(foldName(name)));
      for (const group of groups) {
        const [rowStart, rowEnd] = [Math.max(from, group.start), Math.min(to, group.end)];
        if (rowStart >= rowEnd) continue;
        const rows = await parquetReadObjects({
          file: buffer,
          metadata,
          columns: kept,
          rowStart,
          rowEnd,
          compressors,
        }).catch((cause: unknown) => {
          throw undecodable(file, cause, rowStart + 1);
        });
        for (const [i, cells] of rows.entries())
          yield {
            row: rowStart + i + 1,
            cells: new Map(kept.map((name) => [foldName(name), cellOf(cells[name])])),
          };
      }
    },
  };
}

const undecodable = (file: string, cause: unknown, row?: number): MienError =>
  new MienError('data', 'is not a Parquet file that can be read', {
    file,
    ...defined({ row }),
    hint: `${cause instanceof Error ? cause.message : String(cause)}. Write it again with another codec, or as CSV.`,
    cause,
  });

/** 64-bit numbers and times as text, so that they can name a row. */
function cellOf(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  return value ?? undefined;
}

/** A column to write; null and undefined are missing values. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: 'STRING' | 'DOUBLE' | 'BOOLEAN';
  readonly data: readonly unknown[];
}

/**
 * A Parquet file, compressed with Snappy.
 * @throws MienError `usage` if hyparquet-writer is not installed.
 */
export async function encodeParquet(columns: readonly ParquetColumn[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await load('hyparquet-writer', import('hyparquet-writer'));
  return new Uint8Array(parquetWriteBuffer({ columnData: writable(columns) }));
}

/**
 * Joins Parquet files with the same columns into one, a row group at a time.
 * @throws MienError as `openParquet`; `file` if it cannot be written.
 */
export async function joinParquet(
  files: readonly string[],
  columns: readonly ParquetColumn[],
  out: string,
): Promise<void> {
  const { fileWriter, ParquetWriter, schemaFromColumnData } = await load(
    'hyparquet-writer',
    import('hyparquet-writer'),
  );
  const writer = new ParquetWriter({
    writer: fileWriter(out),
    schema: schemaFromColumnData({ columnData: writable(columns) }),
  });
  for (const file of files) {
    const table = await openParquet(file);
    const data = new Map(columns.map(({ name }) => [name, [] as unknown[]]));
    for await (const { cells } of table.read(0, table.rows, table.names))
      for (const [name, values] of data) values.push(cells.get(foldName(name)) ?? null);
    await writer.write({
      columnData: writable(columns.map((column) => ({ ...column, data: data.get(column.name)! }))),
      rowGroupSize: table.rows,
    });
  }
  await writer.finish();
}

const writable = (columns: readonly ParquetColumn[]) =>
  columns.map(({ name, type, data }) => ({ name, type, data: [...data], nullable: true }));
