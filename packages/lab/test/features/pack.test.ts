// The feature pack: round trip, fitted on training data alone, nothing in it that names anyone, damage found.
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { float32, readSafetensors } from 'mien-engine/base';
import { featuresOf, openFeatures } from '../../src/features/extract.js';
import { writePack } from '../../src/features/pack.js';
import { readPack, readPackManifest, setPackCost } from '../../src/features/pack-file.js';
import type { FeatureSets } from '../../src/features/sets.js';
import { fakeFaceEncoder, fakeTextEncoder } from './fakes.js';
import { smallProtocol, someCorpora } from './protocols.js';

let root: string;
let file: string;
let sets: FeatureSets;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-pack-'));
  file = join(root, 'features.safetensors');
  const encoders = { text: fakeTextEncoder({ width: 12 }), face: fakeFaceEncoder({ width: 10 }) };
  sets = await featuresOf({ protocol: smallProtocol(), encoders, dir: join(root, 'stores') });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const small = { texts: { components: 12, bits: 96 }, faces: { components: 6, bits: 20 } };

test('a pack restores everything except the ids, with embeddings of the reduced width', async () => {
  await writePack(file, sets, small);
  const { texts, faces, provenance } = await readPack(file);
  const same = [
    [texts, sets.texts],
    [faces.fer2013, sets.faces.fer2013],
    [faces.rafdb, sets.faces.rafdb],
  ] as const;
  for (const [packed, full] of same) {
    const { embeddings, ids } = packed;
    expect(packed).toEqual({ ...full, embeddings, ids });
    expect(new Set(ids).size).toBe(full.ids.length);
  }
  expect(texts.embeddings.shape).toEqual([sets.texts.ids.length, 12]);
  expect(faces.rafdb.embeddings.shape).toEqual([sets.faces.rafdb.ids.length, 6]);
  expect(provenance).toMatchObject({ source: 'pack', protocol: sets.provenance.protocol });
  expect(provenance.sets.fer2013).toMatchObject({ width: 6, fullWidth: 10, encoder: { id: 'fake/face' } });
  expect(provenance.sets.rafdb.counts).toEqual(sets.provenance.sets.rafdb.counts);
  expect(provenance.pack!.reduction.isear).toMatchObject({ components: 12, bits: 96, variance: 1 });
});

test('texts of further corpora have their own labels, splits and terms, and are included in packs', async () => {
  const encoders = { text: fakeTextEncoder({ width: 12 }), face: fakeFaceEncoder({ width: 10 }) };
  const protocol = { ...smallProtocol(), corpora: someCorpora(63) };
  const more = await featuresOf({ protocol, encoders, dir: join(root, 'stores') });
  expect(more.texts).toEqual(sets.texts);
  const { corpora } = more;
  expect(corpora!.ids).toEqual(protocol.corpora.map(({ id }) => id));
  expect(Array.from(corpora!.labels, (k) => corpora!.labelNames[k])).toEqual(
    protocol.corpora.map(({ label }) => label),
  );
  expect(more.provenance.sets.corpora).toMatchObject({
    counts: { train: 21, validation: 21, test: 21 },
    terms: expect.stringMatching(/^GoEmotions: Apache-2.0[^;]*$/) as unknown,
  });
  expect(await openFeatures(join(root, 'stores'))).toEqual(more);

  await writePack(file, more, small);
  const packed = await readPack(file);
  const { embeddings, ids } = packed.corpora!;
  expect(packed.corpora).toEqual({ ...corpora, embeddings, ids });
  expect(embeddings.shape).toEqual([63, 12]);
  expect(packed.provenance.sets.corpora!.counts).toEqual(more.provenance.sets.corpora!.counts);
});

test('with all components, distances between standardised embeddings are preserved', async () => {
  await writePack(file, sets, small);
  const packed = (await readPack(file)).texts.embeddings.data;
  const { embeddings, split } = sets.texts;
  const train = [...split.keys()].filter((i) => split[i] === 'train');
  const standardised = Array.from({ length: 12 }, (_, d) => {
    const column = train.map((i) => embeddings.data[i * 12 + d]!);
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
    return (i: number) => (embeddings.data[i * 12 + d]! - mean) / Math.sqrt(variance);
  });
  const square = (values: number[]): number => values.reduce((sum, value) => sum + value ** 2, 0);
  for (const i of train.slice(1, 30)) {
    const full = square(standardised.map((value) => value(i) - value(train[0]!)));
    const reduced = square(
      Array.from({ length: 12 }, (_, d) => packed[i * 12 + d]! - packed[train[0]! * 12 + d]!),
    );
    expect(Math.abs(reduced - full)).toBeLessThanOrEqual(0.05 * full); // equal texts stay equal
  }
});

test('the same sets give the same bytes; test embeddings only affect their own codes', async () => {
  await writePack(file, sets, small);
  const [bytes, manifest] = [await readFile(file), await readFile(join(root, 'features.json'))];
  await writePack(file, sets, small);
  expect([await readFile(file), await readFile(join(root, 'features.json'))]).toEqual([bytes, manifest]);

  const { embeddings, split } = sets.faces.rafdb;
  const data = embeddings.data.map((value, i) =>
    split[Math.floor(i / 10)] === 'train' ? value : value * 3 + 1,
  );
  const rafdb = { ...sets.faces.rafdb, embeddings: float32(embeddings.shape, data) };
  await writePack(file, { ...sets, faces: { ...sets.faces, rafdb } }, small);
  const [before, after] = [readSafetensors(bytes).tensors, readSafetensors(await readFile(file)).tensors];
  for (const name of Object.keys(before))
    if (name !== 'rafdb.codes') expect(after[name]).toEqual(before[name]);
  expect(after['rafdb.codes']).not.toEqual(before['rafdb.codes']);
});

test('a pack contains no texts, ids, subjects or file names', async () => {
  await writePack(file, sets, small);
  for (const name of ['features.safetensors', 'features.json'])
    expect((await readFile(join(root, name))).toString('latin1')).not.toMatch(
      /angry|secret-name|person|isear\/0|\.csv/,
    );
});

test('the cost can be written later, without changing the features', async () => {
  await writePack(file, sets, small);
  const bytes = await readFile(file);
  expect((await readPack(file)).provenance.pack!.cost).toBeNull();
  await setPackCost(file, { accuracy: { full: 0.7, pack: 0.69 } });
  expect((await readPack(file)).provenance.pack!.cost).toEqual({ accuracy: { full: 0.7, pack: 0.69 } });
  expect(await readFile(file)).toEqual(bytes);
});

test('a pack that would be too large or made from a pack is rejected before anything is written', async () => {
  await expect(writePack(file, sets, { ...small, maxBytes: 1000 })).rejects.toThrow(/1000 are allowed/);
  expect(await readdir(root)).toEqual(['stores']);
  await writePack(file, sets, small);
  await expect(writePack(file, await readPack(file), small)).rejects.toThrow(/come from a pack/);
});

test('rejects a damaged pack', async () => {
  await writePack(file, sets, small);
  const whole = await readFile(file);
  const bytes = Uint8Array.from(whole);
  bytes[bytes.length - 5]! ^= 1;
  await writeFile(file, bytes);
  await expect(readPack(file)).rejects.toMatchObject({ code: 'format', place: { file } });
  await writeFile(file, whole);
  const manifest = await readPackManifest(file);
  const lying = {
    ...manifest,
    sets: { ...manifest.sets, isear: { ...manifest.sets.isear, items: 7 } },
  };
  await writeFile(join(root, 'features.json'), JSON.stringify(lying));
  await expect(readPack(file)).rejects.toMatchObject({ code: 'format', place: { field: 'isear.labels' } });
  await writeFile(join(root, 'features.json'), '{}');
  await expect(readPack(file)).rejects.toThrow(/not the manifest of a feature pack/);
  await rm(join(root, 'features.json'));
  await expect(readPack(file)).rejects.toMatchObject({ code: 'file' });
});
