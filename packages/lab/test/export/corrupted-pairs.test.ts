// Training pairs of which some have a bad side: which rows they become, and that a gate learns from them whom to believe.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesOf, float32, randomStream } from 'mien-engine/base';
import { corruptedPairs, PAIR_SHARES, type Posterior } from '../../src/export/corrupted-pairs.js';
import type { CorruptedItems } from '../../src/export/corrupted-items.js';
import { trainFusion } from '../../src/export/fusion.js';
import { SHARED_LABELS } from 'mien/parts/data';
import { parseConfig } from '../../src/experiments/config.js';
import { experimentData } from '../../src/experiments/data.js';
import { createPredictionSession } from '../../src/train/head-graph.js';
import { madeUpSets } from '../../../../test/support/feature-sets.js';

const data = experimentData(madeUpSets(0.8));
const labels = [...SHARED_LABELS];
/** What is left of a corrupted item: a small nothing, as an encoder gives that saw no more. */
const nothing = (
  modality: 'text' | 'face',
  { rows, labels: of }: { rows: Int32Array; labels: Uint8Array },
) => {
  const width = data.tables[modality].shape[1]!;
  const draw = randomStream(1, `nothing ${modality}`);
  const values = Float32Array.from({ length: rows.length * width }, () => 0.3 * draw.normal());
  return { embeddings: float32([rows.length, width], values), from: rows, labels: of };
};
const texts = data.texts(labels, 'train');
const faces = data.faces('both', labels, 'train');
const corrupted: CorruptedItems = {
  text: nothing('text', texts),
  face: nothing('face', { rows: faces.rows.slice(0, 300), labels: faces.labels.slice(0, 300) }),
};
/** Corrupted rows are not believed, clean ones are. */
const posterior =
  (modality: 'text' | 'face'): Posterior =>
  (embeddings) => {
    const p = embeddings === corrupted[modality].embeddings ? 0.2 : 0.9;
    return { classes: 5, data: new Float64Array(5 * embeddings.shape[0]!).fill(p) };
  };
const posteriors = { text: posterior('text'), face: posterior('face') };
const variation = corruptedPairs(data, labels, corrupted, posteriors);
const pairs = {
  text: texts.rows,
  face: texts.labels.reduce(
    (rows, label, i) => rows.fill(faces.rows[faces.labels.indexOf(label)]!, i, i + 1),
    new Int32Array(texts.rows.length),
  ),
  labels: texts.labels,
};

const [ownTexts, ownFaces] = [data.tables.text.shape[0]!, data.tables.face.shape[0]!];

test('tables have the corrupted rows below their own, and the mean below those', () => {
  for (const modality of ['text', 'face'] as const) {
    const [own, all] = [data.tables[modality], variation.tables[modality]!];
    const [n, width] = own.shape as [number, number];
    const worse = corrupted[modality].embeddings;
    expect(all.shape).toEqual([n + worse.shape[0]! + 1, width]);
    expect(
      Buffer.compare(bytesOf(float32(own.shape, all.data.subarray(0, own.data.length))), bytesOf(own)),
    ).toBe(0);
    expect(all.data.subarray(n * width, -width)).toEqual(worse.data);
  }
});

test('as many pairs as the shares say get one corrupted side: their own text made worse, or a bad face of their label', () => {
  const changed = { text: 0, face: 0 };
  const epochs = 12;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const varied = variation.vary(pairs, 0, epoch);
    expect(varied.labels).toBe(pairs.labels);
    const wrong = Array.from(pairs.text.keys()).filter((i) => {
      const [text, face] = [varied.text![i]! - ownTexts, varied.face![i]! - ownFaces];
      const sides = { text: varied.text![i] !== pairs.text[i], face: varied.face![i] !== pairs.face[i] };
      for (const side of ['text', 'face'] as const) if (sides[side]) changed[side]++;
      const foreignText =
        sides.text && text < texts.rows.length && corrupted.text.from[text] !== pairs.text[i];
      const foreignFace = sides.face && face < 300 && corrupted.face.labels[face] !== pairs.labels[i];
      return (sides.text && sides.face) || foreignText || foreignFace;
    });
    expect(wrong).toEqual([]);
  }
  const all = epochs * pairs.text.length;
  for (const side of ['text', 'face'] as const)
    expect(changed[side] / all).toBeCloseTo(PAIR_SHARES.corrupted[side] + PAIR_SHARES.missing[side], 1);
});

test('the same epoch of the same seed changes the same pairs, others change others; those given stay as they are', () => {
  const before = pairs.text.slice();
  expect(variation.vary(pairs, 1, 2)).toEqual(variation.vary(pairs, 1, 2));
  expect(variation.vary(pairs, 1, 2).text).not.toEqual(variation.vary(pairs, 1, 3).text);
  expect(variation.vary(pairs, 1, 2).text).not.toEqual(variation.vary(pairs, 2, 2).text);
  expect(pairs.text).toEqual(before);
  const shares = { ...PAIR_SHARES, missing: { text: 0.5, face: 0 } };
  for (const change of [{ shares }, { guidance: 0 }])
    expect(corruptedPairs(data, labels, corrupted, posteriors, change).key).not.toBe(variation.key);
});

test('the gate is guided to the side whose evidence is for the true label', () => {
  const { gate, text, face } = variation.vary(pairs, 0, 0);
  const evidence = (row: number, own: number, last: number): number =>
    row < own ? 0.9 : row < last ? 0.2 : 1 / 5;
  pairs.text.forEach((_, i) => {
    const ofText = evidence(text![i]!, ownTexts, ownTexts + texts.rows.length);
    const ofFace = evidence(face![i]!, ownFaces, ownFaces + 300);
    expect(gate![i]).toBeCloseTo(ofFace / (ofFace + ofText), 6);
  });
  expect(new Set(gate as Float32Array).size).toBe(3);
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-pairs-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('trained on them, the gate turns from a side that says nothing', async () => {
  const config = parseConfig({
    seeds: 1,
    head: { width: 32, lstm: 16 },
    optimizer: { learningRate: 3e-3 },
    epochs: { max: 20, patience: 20 },
  });
  const options = { head: 'gated', folder, features: 'made up' } as const;
  const trained = await trainFusion(data, config, { ...options, variation });
  const session = await createPredictionSession({ ...trained.parts, batchSize: 32 });
  const gateOf = async (items: typeof pairs): Promise<number> => {
    const { gate } = await session.run(trained.parameters, variation.tables, items);
    return gate!.data.reduce((sum, value) => sum + value, 0) / gate!.data.length;
  };
  const clean = await gateOf(pairs);
  expect(await gateOf({ ...pairs, text: pairs.text.map((_, i) => ownTexts + i) })).toBeGreaterThan(clean);
  expect(await gateOf({ ...pairs, face: pairs.face.map((_, i) => ownFaces + i) })).toBeLessThan(clean);
  await session.dispose();

  // The plain training of the same seed is another run, and finds its own parameters.
  const plain = await trainFusion(data, config, options);
  expect(plain.parameters['classifier.weight']).not.toEqual(trained.parameters['classifier.weight']);
});
