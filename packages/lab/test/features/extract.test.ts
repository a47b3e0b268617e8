// Features of a whole protocol: one store a set, never mixed, joined with labels and splits, with and without the data.
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Protocol } from 'mien/parts/data';
import { setsFromStores } from '../../src/features/annotations.js';
import { extractFeatures, featuresOf, mergeFeatures, openFeatures } from '../../src/features/extract.js';
import { openStore } from '../../src/features/store.js';
import { faceBytes, fakeFaceEncoder, fakeTextEncoder, folderBytes } from './fakes.js';
import { smallProtocol } from './protocols.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-extract-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const encoders = () => ({ text: fakeTextEncoder(), face: fakeFaceEncoder() });
const options = (protocol: Protocol = smallProtocol()) => ({
  protocol,
  encoders: encoders(),
  dir: root,
  shardSize: 16,
  batchSize: 4,
});

test('items have their rows, labels, splits, subjects and groups, in the order of the protocol', async () => {
  const protocol = smallProtocol();
  const { texts, faces, provenance } = await featuresOf(options(protocol));
  const kept = protocol.texts.filter(({ split }) => split !== 'dropped');
  expect(texts.ids).toEqual(kept.map(({ item }) => item.id));
  expect(Array.from(texts.labels, (label) => texts.labelNames[label])).toEqual(
    kept.map(({ label }) => label),
  );
  expect(texts.split).toEqual(kept.map(({ split }) => split));
  const encoder = fakeTextEncoder();
  for (const [i, { text }] of kept.entries()) {
    const alone = await encoder.encode([encoder.tokenize(text).ids]);
    expect(texts.embeddings.data.slice(i * 8, i * 8 + 8)).toEqual(alone.data);
  }
  for (let i = 0; i < kept.length; i++)
    for (let j = 0; j < i; j++) {
      const [a, b] = [kept[i]!, kept[j]!];
      expect(texts.group[i] === texts.group[j]).toBe(a.group === b.group);
      if (a.item.subject !== undefined)
        expect(texts.subject[i] === texts.subject[j]).toBe(a.item.subject === b.item.subject);
      else expect(texts.subject[i]).toBe(-1);
    }

  const fer = protocol.faces.filter(({ split, item }) => split !== 'dropped' && item.dataset === 'fer2013');
  expect(faces.fer2013.ids).toEqual(fer.map(({ item }) => item.id));
  expect(faces.fer2013.usage).toEqual(fer.map(({ item }) => item.usage ?? 'Training'));
  const alone = await fakeFaceEncoder().encode([
    {
      width: 4,
      height: 4,
      data: Uint8Array.from({ length: 48 }, (_, i) => faceBytes(0)[Math.floor(i / 3)]!),
    },
  ]);
  expect(faces.fer2013.embeddings.data.slice(0, 6)).toEqual(alone.data);
  // Faces 148/149 of FER2013's numbering and 149 of RAF-DB's share a group across the sets.
  expect(faces.rafdb.group[0]).toBe(
    faces.fer2013.group[fer.findIndex(({ item }) => item.id.endsWith('-148'))],
  );
  expect(provenance.sets.isear).toMatchObject({ width: 8, fullWidth: 8, encoder: { id: 'fake/text' } });
  expect(provenance.sets.isear.counts).toEqual({
    train: kept.filter(({ split }) => split === 'train').length,
    validation: kept.filter(({ split }) => split === 'validation').length,
    test: kept.filter(({ split }) => split === 'test').length,
  });
  expect(provenance.protocol).toMatchObject({ split: 'clean', seed: 1 });
});

test('encoders that compute several batches at the same time give the same bytes', async () => {
  const { text, face } = encoders();
  /** The later a batch begins, the sooner it is done. */
  const hasty = <Batch, Result>(encode: (batch: Batch) => Promise<Result>) => {
    let delay = 20;
    return async (batch: Batch): Promise<Result> => {
      await new Promise((resolve) => setTimeout(resolve, (delay = (delay + 7) % 20)));
      return encode(batch);
    };
  };
  const several = {
    text: { ...text, parallel: 3, encode: hasty(text.encode.bind(text)) },
    face: { ...face, parallel: 3, encode: hasty(face.encode.bind(face)) },
  };
  const [one, other] = [join(root, 'one'), join(root, 'other')];
  const first = await extractFeatures({ ...options(), dir: one });
  await extractFeatures({ ...options(), encoders: several, dir: other });
  for (const { dir } of Object.values(first))
    expect(await folderBytes(join(other, basename(dir)))).toEqual(await folderBytes(dir));
});

test('dropped items are embedded too, so that another split of the data costs nothing, except unreadable ones', async () => {
  const protocol = smallProtocol();
  const first = await extractFeatures(options(protocol));
  expect([first.isear?.items, first.fer2013?.items, first.rafdb?.items]).toEqual([120, 149, 79]);
  const other: Protocol = {
    ...protocol,
    texts: protocol.texts.map(({ item, label, text, group }) => ({
      item,
      label,
      text,
      group,
      split: 'train',
    })),
  };
  const again = { ...options(other), encoders: encoders() };
  const sets = await featuresOf(again);
  expect(again.encoders.text.encoded + again.encoders.face.encoded).toBe(0);
  expect(sets.texts.ids.length).toBe(120);
});

test('stores of different encoders are separate', async () => {
  await extractFeatures(options());
  const before = await Promise.all(
    (await readdir(root))
      .filter((name) => !name.endsWith('.json'))
      .map((name) => folderBytes(join(root, name))),
  );
  await extractFeatures({ ...options(), encoders: { face: fakeFaceEncoder({ id: 'other/face' }) } });
  const folders = (await readdir(root)).filter((name) => !name.endsWith('.json'));
  expect(folders.map((name) => name.replace(/-[0-9a-f]{16}$/, '')).sort()).toEqual([
    'fer2013-face',
    'fer2013-face',
    'isear-text',
    'rafdb-face',
    'rafdb-face',
  ]);
  const after = await Promise.all(folders.map((name) => folderBytes(join(root, name))));
  for (const bytes of before) expect(after).toContainEqual(bytes);
});

test('a folder of stores gives the same sets without the data', async () => {
  const sets = await featuresOf(options());
  expect(await openFeatures(root)).toEqual(sets);
  const annotations = await readFile(join(root, 'annotations.json'), 'utf8');
  expect(annotations).not.toMatch(/angry|person/);
  await writeFile(join(root, 'annotations.json'), annotations.replace('"labels":[0,', '"labels":['));
  await expect(openFeatures(root)).rejects.toMatchObject({ code: 'format' });
});

test('rejects features of other data', async () => {
  const protocol = smallProtocol();
  const results = await extractFeatures(options(protocol));
  const open = async (set: 'isear' | 'fer2013' | 'rafdb') => openStore(results[set]!.dir);
  const stores = { isear: await open('isear'), fer2013: await open('fer2013'), rafdb: await open('rafdb') };
  const edited: Protocol = {
    ...protocol,
    texts: protocol.texts.map((text, i) => (i === 3 ? { ...text, text: 'edited' } : text)),
  };
  expect(() => setsFromStores(edited, stores)).toThrow(/isear\/00003: the data has changed since/);
  expect(() => setsFromStores(protocol, { ...stores, rafdb: stores.fer2013 })).toThrow(
    /not in the feature store/,
  );
  expect(() => setsFromStores({ ...protocol, texts: [] }, stores)).toThrow(/needs features of isear/);
});

test('several machines that fill parts of all stores give the result of one', async () => {
  const alone = await mkdtemp(join(tmpdir(), 'mien-alone-'));
  await extractFeatures({ ...options(), dir: alone });
  for (const index of [2, 0, 1]) await extractFeatures({ ...options(), part: { index, of: 3 } });
  const merged = await mergeFeatures(root);
  expect(merged.map(({ items, parts }) => [items, parts])).toEqual([
    [149, 3],
    [120, 3],
    [79, 3],
  ]);
  expect((await mergeFeatures(root)).map(({ parts }) => parts)).toEqual([0, 0, 0]);
  for (const { dir } of merged)
    expect(await folderBytes(dir)).toEqual(await folderBytes(join(alone, basename(dir))));
  expect(await openFeatures(root)).toEqual(await openFeatures(alone));
  await rm(alone, { recursive: true });
});
