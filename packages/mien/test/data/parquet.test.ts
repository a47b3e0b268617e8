// Parquet tables: any range of rows, over row groups; what is not such a file.
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeParquet, joinParquet, openParquet } from '../../src/data/parquet.js';
import { itemsOfParquet } from '../../src/recognizer/node/items.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-parquet-'));
});
afterAll(() => rm(root, { recursive: true }));

const collected = async <T>(rows: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
};

test('reads any range of rows from any row groups', async () => {
  const texts = Array.from({ length: 23 }, (_, i) => (i % 7 === 3 ? null : `text ${i}`));
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 30 }),
    fc.nat(23),
    fc.nat(23),
    async (rowGroupSize, a, b) => {
      const file = join(root, `groups-${rowGroupSize}.parquet`);
      parquetWriteFile({
        filename: file,
        columnData: [
          { name: 'other', data: texts.map((_, i) => i), type: 'INT32' },
          { name: ' Text', data: texts, type: 'STRING' },
        ],
        rowGroupSize,
      });
      const table = await openParquet(file);
      expect(table.names).toEqual(['other', ' Text']);
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      const rows = await collected(table.read(start, end, ['text']));
      expect(rows.map(({ row }) => row)).toEqual(rows.map((_, i) => start + i + 1));
      expect(rows.map(({ cells }) => cells.get('text') ?? null)).toEqual(texts.slice(start, end));
      expect([...(rows[0]?.cells.keys() ?? [])]).toEqual(rows.length > 0 ? ['text'] : []);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test('names rows by 64-bit numbers and reports a cell that is not a text', async () => {
  const file = join(root, 'items.parquet');
  parquetWriteFile({
    filename: file,
    columnData: [
      { name: 'id', data: [9007199254740993n, 2n], type: 'INT64' },
      { name: 'text', data: ['well', { a: 1 }], type: 'JSON' },
    ],
  });
  const items = await collected(itemsOfParquet(await openParquet(file), file));
  expect(items).toMatchObject([
    { id: '9007199254740993', text: 'well' },
    { id: '2', invalid: { code: 'invalid-item', message: 'the text is an object, not a string' } },
  ]);
});

test('paths of images and recordings are relative to the file', async () => {
  const file = join(root, 'paths.parquet');
  parquetWriteFile({
    filename: file,
    columnData: [
      { name: 'Image', data: ['a.png', null], type: 'STRING' },
      { name: 'audio', data: [null, ' clips/b.wav'], type: 'STRING' },
    ],
  });
  const items = await collected(itemsOfParquet(await openParquet(file), file));
  expect(items.map(({ image, audio }) => ({ image, audio }))).toEqual([
    { image: join(root, 'a.png'), audio: undefined },
    { image: undefined, audio: join(root, 'clips', 'b.wav') },
  ]);
});

test('joins files, with missing values, and rejects what is not Parquet or cut off', async () => {
  const column = (data: readonly unknown[]) => [{ name: 'p', type: 'DOUBLE' as const, data }];
  const [a, b, out] = ['a', 'b', 'out'].map((name) => join(root, `${name}.parquet`)) as [
    string,
    string,
    string,
  ];
  await writeFile(a, await encodeParquet(column([1, undefined])));
  await writeFile(b, await encodeParquet(column([3])));
  await joinParquet([a, b], column([]), out);
  const joined = await openParquet(out);
  const cells = await collected(joined.read(0, joined.rows, joined.names));
  expect(cells.map((row) => row.cells.get('p'))).toEqual([1, undefined, 3]);

  await truncate(a, 20);
  await writeFile(b, 'text\nI am glad\n');
  for (const file of [a, b])
    await expect(openParquet(file)).rejects.toMatchObject({ code: 'data', place: { file } });
  await expect(openParquet(join(root, 'none.parquet'))).rejects.toMatchObject({ code: 'file' });
});
