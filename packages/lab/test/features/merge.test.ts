// Parts of a store: n machines give the bytes of one, and a merge refuses whatever is missing, foreign or damaged.
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { faceEmbedder } from '../../src/features/embed.js';
import { fillStore } from '../../src/features/fill.js';
import type { Part } from '../../src/features/format.js';
import { mergeParts } from '../../src/features/merge.js';
import { openStore } from '../../src/features/store.js';
import { fakeFaceEncoder, folderBytes, rawDecode, someFaces } from './fakes.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-merge-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function fill(dir: string, part?: Part, { count = 300, id = 'fake/face' } = {}) {
  const encoder = fakeFaceEncoder({ id });
  const embedder = faceEmbedder(encoder, { shardSize: 32, batchSize: 6, decode: rawDecode });
  const common = { dir, set: 'fer2013', embedder, items: someFaces(count) };
  return fillStore(part === undefined ? common : { ...common, part });
}

const fillParts = (dir: (index: number) => string, of: number) =>
  Promise.all(Array.from({ length: of }, (_, index) => fill(dir(index), { index, of })));

test.each([1, 3, 4, 20])('%i parts in one folder merge into the store of a single machine', async (of) => {
  const results = await fillParts(() => join(root, 'shared'), of);
  expect(results.reduce((sum, result) => sum + result.computed, 0)).toBe(300);
  await fill(join(root, 'one'));
  expect(await mergeParts(join(root, 'shared'))).toMatchObject({ items: 300, parts: of, shards: 10 });
  expect(await folderBytes(join(root, 'shared'))).toEqual(await folderBytes(join(root, 'one')));
});

test('parts in separate folders are merged by copying', async () => {
  const dirs = [0, 1, 2].map((index) => join(root, `machine-${index}`));
  await fillParts((index) => dirs[index]!, 3);
  const before = await folderBytes(dirs[1]!);
  await mergeParts(join(root, 'whole'), dirs);
  await fill(join(root, 'one'));
  expect(await folderBytes(join(root, 'whole'))).toEqual(await folderBytes(join(root, 'one')));
  expect(await folderBytes(dirs[1]!)).toEqual(before);
});

test('running a part again changes nothing; parts are not a store until they are merged', async () => {
  const part = { index: 1, of: 3 };
  await fill(root, part);
  expect(await fill(root, part)).toMatchObject({ computed: 0, unchanged: true });
  await expect(openStore(root)).rejects.toThrow(/no feature store[^]*merge/);
});

test('a merged store is updated to a changed list through its parts', async () => {
  await fillParts(() => root, 3);
  await mergeParts(root);
  const more = await Promise.all([0, 1, 2].map((index) => fill(root, { index, of: 3 }, { count: 310 })));
  expect(more.reduce((sum, result) => sum + result.computed, 0)).toBe(10);
  await mergeParts(root);
  await fill(join(root, 'one'), undefined, { count: 310 });
  expect(await folderBytesExcept(root, 'one')).toEqual(await folderBytes(join(root, 'one')));
});

async function folderBytesExcept(dir: string, folder: string): Promise<Record<string, string>> {
  const other = await mkdtemp(join(tmpdir(), 'mien-copy-'));
  for (const name of await readdir(dir))
    if (name !== folder) await writeFile(join(other, name), await readFile(join(dir, name)));
  const bytes = await folderBytes(other);
  await rm(other, { recursive: true });
  return bytes;
}

test('a merge rejects missing, unfinished and inconsistent parts, and changes nothing', async () => {
  await fill(root, { index: 0, of: 3 });
  await fill(root, { index: 2, of: 3 });
  await expect(mergeParts(root)).rejects.toThrow(/of 3 parts, 1 are missing: 1[^]*--shard 1\/3/);

  await fill(root, { index: 1, of: 3 }, { count: 299 });
  const bytes = await folderBytes(root);
  await expect(mergeParts(root)).rejects.toThrow(/another list of items/);
  expect(await folderBytes(root)).toEqual(bytes);

  const other = join(root, 'other');
  await fill(other, { index: 1, of: 3 }, { id: 'other/face' });
  await expect(mergeParts(join(root, 'x'), [other, root])).rejects.toThrow(
    /encoder "fake\/face" instead of "other\/face"/,
  );

  await fill(root, { index: 1, of: 3 });
  await fill(root, { index: 1, of: 4 });
  await expect(mergeParts(root)).rejects.toThrow(/one of 4 parts, others are one of 3/);
  await expect(mergeParts(other, [join(root, 'nowhere')])).rejects.toMatchObject({ code: 'file' });
});

test('a merge rejects a damaged or missing shard and an unfinished part', async () => {
  await fillParts(() => root, 2);
  const names = await readdir(root);
  const shard = join(
    root,
    names.find((name) => name.startsWith('shard-00003'))!,
  );
  const bytes = await readFile(shard);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(shard, bytes);
  await expect(mergeParts(root)).rejects.toMatchObject({ code: 'store', place: { file: shard } });
  await rm(shard);
  await expect(mergeParts(root)).rejects.toMatchObject({ place: { file: shard } });

  expect(await fill(root, { index: 1, of: 2 })).toMatchObject({ computed: 32 });
  const part = join(root, 'part-00001-of-00002.json');
  const manifest = await readFile(part, 'utf8');
  await writeFile(part, manifest.replace('"complete": true', '"complete": false'));
  await expect(mergeParts(root)).rejects.toThrow(/part 1\/2 is not finished/);
  await writeFile(part, manifest);
  expect(await mergeParts(root)).toMatchObject({ items: 300 });
});

test('parts are not merged into the store of another encoder', async () => {
  await fill(join(root, 'store'), undefined, { id: 'other/face' });
  await fillParts(() => join(root, 'parts'), 2);
  const bytes = await folderBytes(join(root, 'store'));
  await expect(mergeParts(join(root, 'store'), [join(root, 'parts')])).rejects.toThrow(/other\/face/);
  expect(await folderBytes(join(root, 'store'))).toEqual(bytes);
});
