// The feature store's promises: nothing is computed twice, changes cost themselves, damage is found, parts make a whole.
import { mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import fc from 'fast-check';
import { sha256 } from 'mien-engine/node';
import { readSafetensors } from 'mien-engine/base';
import { faceEmbedder, textEmbedder } from '../../src/features/embed.js';
import type { EmbedderOptions, StoreFace, StoreText } from '../../src/features/embed.js';
import { fillStore } from '../../src/features/fill.js';
import type { FillResult } from '../../src/features/fill.js';
import { openStore, readShards } from '../../src/features/store.js';
import type { FakeOptions } from './fakes.js';
import {
  faceBytes,
  fakeFaceEncoder,
  fakeTextEncoder,
  folderBytes,
  rawDecode,
  someFaces,
  someTexts,
} from './fakes.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-store-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const small: EmbedderOptions = { shardSize: 32, batchSize: 5 };

async function fillTexts(
  dir: string,
  items: readonly StoreText[],
  options: EmbedderOptions & FakeOptions = {},
): Promise<FillResult & { encoded: number }> {
  const encoder = fakeTextEncoder(options);
  const embedder = textEmbedder(encoder, { ...small, ...options });
  const result = await fillStore({ dir, set: 'isear', embedder, items });
  return { ...result, encoded: encoder.encoded };
}

async function fillFaces(
  dir: string,
  items: readonly StoreFace[],
  options: EmbedderOptions & FakeOptions = {},
) {
  const encoder = fakeFaceEncoder(options);
  const embedder = faceEmbedder(encoder, { ...small, ...options, decode: rawDecode });
  const result = await fillStore({ dir, set: 'fer2013', embedder, items });
  return { ...result, encoded: encoder.encoded };
}

const changed = (items: readonly StoreText[], index: number, text: string): StoreText[] =>
  items.map((item, i) => (i === index ? { ...item, text } : item));

test('rows are in item order, each as if its item were encoded alone', async () => {
  const items = someTexts(101);
  await fillTexts(root, items);
  const store = await openStore(root);
  expect(store.ids).toEqual(items.map((item) => item.id));
  expect(store.embeddings.shape).toEqual([101, 8]);
  const encoder = fakeTextEncoder();
  for (const [i, item] of items.entries()) {
    const alone = await encoder.encode([encoder.tokenize(item.text).ids]);
    expect(store.embeddings.data.slice(i * 8, i * 8 + 8)).toEqual(alone.data);
    expect(Buffer.from(store.hashes.data.slice(i * 32, i * 32 + 32)).toString('hex')).toBe(sha256(item.text));
  }
});

test('no text is encoded in a batch of one, for which runtimes round differently', async () => {
  const encoder = fakeTextEncoder();
  await fillStore({ dir: root, set: 'isear', embedder: textEmbedder(encoder, small), items: someTexts(37) });
  expect(Math.min(...encoder.batches)).toBe(2);
});

test('a batch has texts of equal length and is not larger than its size', async () => {
  const encoder = fakeTextEncoder();
  const lengths: number[] = [];
  const spy = {
    ...encoder,
    encode: (batch: readonly Int32Array[]) => {
      lengths.push(new Set(batch.map((ids) => ids.length)).size);
      return encoder.encode(batch);
    },
  };
  await fillStore({ dir: root, set: 'isear', embedder: textEmbedder(spy, small), items: someTexts(200) });
  expect(new Set(lengths)).toEqual(new Set([1]));
  expect(Math.max(...encoder.batches)).toBe(5);
});

test('a second run encodes and writes nothing, and reports this', async () => {
  const first = await fillTexts(root, someTexts(100));
  expect(first).toMatchObject({ items: 100, computed: 100, kept: 0, unchanged: false });
  const times = async () =>
    Promise.all((await readdir(root)).map(async (name) => (await stat(join(root, name))).mtimeMs));
  const [bytes, before] = [await folderBytes(root), await times()];
  const second = await fillTexts(root, someTexts(100));
  expect(second).toMatchObject({ computed: 0, kept: 100, unchanged: true, encoded: 0 });
  expect(second.shards).toEqual({ written: 0, kept: 4 });
  expect([await folderBytes(root), await times()]).toEqual([bytes, before]);
});

test('the manifest describes the shards, readable without mien', async () => {
  await fillTexts(root, someTexts(70));
  const manifest = JSON.parse(await readFile(join(root, 'manifest.json'), 'utf8')) as {
    shards: { file: string; items: number; bytes: number; sha256: string }[];
  };
  expect(manifest).toMatchObject({
    format: 'mien-features/1',
    complete: true,
    items: 70,
    config: {
      set: 'isear',
      kind: 'text',
      width: 8,
      encoder: { id: 'fake/text', preprocessing: { maxTokens: 32 } },
    },
  });
  expect(manifest.shards.map((shard) => shard.items)).toEqual([32, 32, 6]);
  for (const { file, bytes: length, sha256: hash, items } of manifest.shards) {
    const bytes = await readFile(join(root, file));
    expect([bytes.length, sha256(bytes)]).toEqual([length, hash]);
    const { tensors } = readSafetensors(bytes);
    expect(tensors['embeddings']!.shape).toEqual([items, 8]);
    expect(tensors['sha256']!.shape).toEqual([items, 32]);
  }
  expect(JSON.stringify(manifest)).not.toContain('angry');
});

test('after any change of the list, the bytes are those of a fresh run, and only changed items are encoded', async () => {
  const edit = fc.oneof(
    fc.record({ kind: fc.constant('change' as const), at: fc.nat(), words: fc.integer({ min: 0, max: 33 }) }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), words: fc.integer({ min: 0, max: 33 }) }),
    fc.record({ kind: fc.constant('remove' as const), at: fc.nat(), words: fc.constant(0) }),
    fc.record({ kind: fc.constant('move' as const), at: fc.nat(), words: fc.constant(0) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      const updated = await mkdtemp(join(root, 'updated-'));
      const fresh = await mkdtemp(join(root, 'fresh-'));
      let items = someTexts(150);
      await fillTexts(updated, items);
      let news = 0;
      for (const [n, { kind, at, words }] of edits.entries()) {
        const i = at % items.length;
        const text = [`unheard${n}`, ...Array.from({ length: words }, () => 'word')].join(' ');
        if (kind === 'change') items = changed(items, i, text);
        if (kind === 'insert') items = [...items.slice(0, i), { id: `new/${n}`, text }, ...items.slice(i)];
        if (kind === 'remove') items = items.filter((_, j) => j !== i);
        if (kind === 'move') items = [...items.filter((_, j) => j !== i), items[i]!];
        if (kind === 'change' || kind === 'insert') news++;
      }
      const update = await fillTexts(updated, items);
      await fillTexts(fresh, items);
      expect(await folderBytes(updated)).toEqual(await folderBytes(fresh));
      expect(update.computed).toBeLessThanOrEqual(news);
    }),
    { numRuns: 15 },
  );
});

test('a changed image file is recomputed alone', async () => {
  const dir = join(root, 'store');
  const items: StoreFace[] = [];
  for (let i = 0; i < 80; i++) {
    const path = join(root, `${i}.raw`);
    await writeFile(path, faceBytes(i));
    items.push({ id: `rafdb/${i}`, image: { kind: 'file', path } });
  }
  await fillFaces(dir, items);
  await writeFile(join(root, '41.raw'), faceBytes(1041));
  const update = await fillFaces(dir, items);
  expect(update).toMatchObject({ computed: 1, kept: 79, shards: { written: 1, kept: 2 } });
  await fillFaces(join(root, 'fresh'), items);
  expect(await folderBytes(dir)).toEqual(await folderBytes(join(root, 'fresh')));
});

test('if rounding depends on the batch, whole shards are recomputed and the bytes are still those of a fresh run', async () => {
  const items = someTexts(100);
  await fillTexts(join(root, 'a'), items, { roundsByBatch: true });
  const edited = changed(items, 40, 'something else');
  const update = await fillTexts(join(root, 'a'), edited, { roundsByBatch: true });
  expect(update).toMatchObject({ computed: 32, shards: { written: 1, kept: 3 } });
  await fillTexts(join(root, 'b'), edited, { roundsByBatch: true });
  expect(await folderBytes(join(root, 'a'))).toEqual(await folderBytes(join(root, 'b')));
});

test.each([
  [
    'a flipped byte',
    async (path: string) => {
      const bytes = await readFile(path);
      bytes[bytes.length - 100]! ^= 4;
      await writeFile(path, bytes);
    },
  ],
  [
    'a flipped byte in the header',
    async (path: string) => {
      const bytes = await readFile(path);
      bytes[30]! ^= 1;
      await writeFile(path, bytes);
    },
  ],
  ['a truncated file', (path: string) => truncate(path, 500)],
  ['an empty file', (path: string) => truncate(path, 0)],
])('%s is rejected by the reader and repaired by the next run', async (_what, damage) => {
  await fillFaces(root, someFaces(100));
  const bytes = await folderBytes(root);
  const shard = Object.keys(bytes).find((name) => name.startsWith('shard-00002'))!;
  await damage(join(root, shard));
  await expect(openStore(root)).rejects.toMatchObject({ code: 'store', place: { file: join(root, shard) } });
  const repair = await fillFaces(root, someFaces(100));
  expect(repair).toMatchObject({ computed: 32, damaged: [shard], shards: { written: 1, kept: 3 } });
  expect(await folderBytes(root)).toEqual(bytes);
});

test('a missing shard is reported by the reader and computed by the next run', async () => {
  await fillFaces(root, someFaces(100));
  const bytes = await folderBytes(root);
  const shard = Object.keys(bytes).find((name) => name.startsWith('shard-00001'))!;
  await rm(join(root, shard));
  await expect(openStore(root)).rejects.toThrow(/shard-00001.*missing/s);
  expect(await fillFaces(root, someFaces(100))).toMatchObject({ computed: 32, damaged: [] });
  expect(await folderBytes(root)).toEqual(bytes);
});

test('a store of another encoder or preprocessing is rejected with the difference and left unchanged', async () => {
  await fillTexts(root, someTexts(40));
  const bytes = await folderBytes(root);
  await expect(fillTexts(root, someTexts(40), { id: 'other/text' })).rejects.toMatchObject({
    code: 'store',
    message: expect.stringMatching(
      /encoder "fake\/text" instead of "other\/text"[^]*another folder/,
    ) as string,
  });
  await expect(fillTexts(root, someTexts(40), { shardSize: 16 })).rejects.toThrow(
    /shard size 32 instead of 16/,
  );
  expect(await folderBytes(root)).toEqual(bytes);
  const encoder = {
    ...fakeTextEncoder(),
    identity: { ...fakeTextEncoder().identity, preprocessing: { pooling: 'first', maxTokens: 32 } },
  };
  await expect(
    fillStore({ dir: root, set: 'isear', embedder: textEmbedder(encoder, small), items: someTexts(40) }),
  ).rejects.toThrow(/preprocessing "pooling" "mean" instead of "first"/);
});

test('a foreign file named manifest.json is not overwritten', async () => {
  await writeFile(join(root, 'manifest.json'), '{"name":"a web app"}');
  await expect(fillTexts(root, someTexts(4))).rejects.toMatchObject({ code: 'store' });
  expect(await readFile(join(root, 'manifest.json'), 'utf8')).toBe('{"name":"a web app"}');
});

test('token states and feature maps are stored on request', async () => {
  const items = someTexts(50);
  await fillTexts(join(root, 't'), items, { withStates: true });
  const text = await openStore(join(root, 't'));
  const encoder = fakeTextEncoder();
  let position = 0;
  for await (const shard of readShards(text.dir, text.manifest)) {
    for (const [i] of shard.ids.entries()) {
      const { ids } = encoder.tokenize(items[position++]!.text);
      const states = await encoder.encodeTokens([ids]);
      const [start, end] = [shard.offsets!.data[i]!, shard.offsets!.data[i + 1]!];
      expect(end - start).toBe(ids.length);
      expect(shard.states!.data.slice(start * 8, end * 8)).toEqual(states.data);
    }
  }
  expect(position).toBe(50);
  await fillFaces(join(root, 'f'), someFaces(40), { withStates: true });
  const faces = await openStore(join(root, 'f'));
  const shapes: (readonly number[])[] = [];
  for await (const shard of readShards(faces.dir, faces.manifest)) shapes.push(shard.states!.shape);
  expect(shapes).toEqual([
    [32, 6, 2, 2],
    [8, 6, 2, 2],
  ]);
  // a change takes states over too
  await fillTexts(join(root, 't'), changed(items, 3, 'now this'), { withStates: true });
  await fillTexts(join(root, 'u'), changed(items, 3, 'now this'), { withStates: true });
  expect(await folderBytes(join(root, 't'))).toEqual(await folderBytes(join(root, 'u')));
});

test('an empty list makes an empty store', async () => {
  await fillTexts(root, []);
  expect((await openStore(root)).embeddings.shape).toEqual([0, 8]);
});

test('a failing item is an error; finished shards are kept, and nothing is left half-written', async () => {
  const items = someFaces(100);
  const bad = items.map((item, i): StoreFace =>
    i === 70 ? { ...item, image: { kind: 'file', path: join(root, 'nowhere.jpg') } } : item,
  );
  const dir = join(root, 'store');
  await expect(fillFaces(dir, bad)).rejects.toMatchObject({
    code: 'file',
    place: { file: join(root, 'nowhere.jpg') },
  });
  expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  await expect(openStore(dir)).rejects.toThrow(/is incomplete/);
  const rest = await fillFaces(dir, items);
  expect(rest.kept).toBe(64);
});

test('an interrupted run stops between batches, keeps its shards, and the next one resumes', async () => {
  const controller = new AbortController();
  const encoder = fakeTextEncoder();
  const stopping = {
    ...encoder,
    encode: (batch: readonly Int32Array[]) => {
      if (encoder.encoded >= 100) controller.abort();
      return encoder.encode(batch);
    },
  };
  const embedder = textEmbedder(stopping, small);
  await expect(
    fillStore({ dir: root, set: 'isear', embedder, items: someTexts(200), signal: controller.signal }),
  ).rejects.toMatchObject({ code: 'interrupted' });
  expect(encoder.encoded).toBeLessThan(110);
  const rest = await fillTexts(root, someTexts(200));
  expect(rest.kept).toBeGreaterThanOrEqual(32);
  expect(rest.kept + rest.computed).toBe(200);
});

test('progress counts every item once, those of an earlier run as skipped', async () => {
  const counts = { total: 0, advanced: 0, skipped: 0 };
  const progress = {
    begin: (_stage: string, total = 0) => void (counts.total = total),
    advance: (count = 1) => void (counts.advanced += count),
    skip: (count: number) => void (counts.skipped += count),
    message: () => undefined,
    warn: () => undefined,
    end: () => undefined,
  };
  const items = someTexts(100);
  await fillTexts(root, items);
  const embedder = textEmbedder(fakeTextEncoder(), small);
  await fillStore({ dir: root, set: 'isear', embedder, items: changed(items, 0, 'else'), progress });
  expect(counts).toEqual({ total: 100, advanced: 1, skipped: 99 });
});
