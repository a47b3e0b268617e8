// Curves over corrupted pairs, with a bundle whose answers can be told: a word or a colour says the label.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { corruptionSection } from '../../src/export/corruption-card.js';
import { corruptionCurves, type CorruptionPoint } from '../../src/export/corruption-curves.js';
import { encodeFaces } from '../../src/export/encode-faces.js';
import type { OpenBundle } from 'mien/parts/bundle';
import { type ProtocolFace, type ProtocolText, SHARED_LABELS } from 'mien/parts/data';
import { pairTests, type Tested } from '../../src/export/pair-tests.js';
import { faceOf, openLegible } from '../../../../test/support/bundle.js';

let folder: string;
let bundle: OpenBundle;
let texts: Tested<ProtocolText>;
let faces: Tested<ProtocolFace>;
let points: CorruptionPoint[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-curves-'));
  bundle = await openLegible();
  const text = (i: number): ProtocolText => {
    const label = SHARED_LABELS[i % 5]!;
    const words = `the day i felt ${label}`;
    const item = { id: `isear/${i}`, text: words, label, file: 'isear.csv', row: i + 2 };
    return { item, label, text: words, group: i, split: 'test' };
  };
  const face = async (dataset: 'fer2013' | 'rafdb', i: number): Promise<ProtocolFace> => {
    const label = SHARED_LABELS[i % 5]!;
    const path = join(folder, `${dataset}-${i}.png`);
    const { width, height, data } = faceOf(label);
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(path);
    const item = { id: `${dataset}/${i}`, label, dataset, split: 'test', file: path } as const;
    const image = { kind: 'file', path } as const;
    return { item: { ...item, image }, label, group: i, sha256: '', split: 'test' };
  };
  const items = Array.from({ length: 40 }, (_, i) => text(i));
  const faceItems = await Promise.all(
    (['fer2013', 'rafdb'] as const).flatMap((set) => Array.from({ length: 10 }, (_, i) => face(set, i))),
  );
  texts = { items, ...(await bundle.texts(items.map((one) => one.text))) };
  faces = { items: faceItems, ...(await encodeFaces(bundle, faceItems)) };
  points = await corruptionCurves(bundle, texts, faces, { most: 15 });
});
afterAll(async () => {
  await bundle.dispose();
  await rm(folder, { recursive: true });
});

const point = (as: string | null, level = 0, name = 'ISEAR × RAF-DB') =>
  points.find((one) => one.as === as && one.level === level && one.name === name)!;

test('all clean pairs are answered correctly, and each point of both sets occurs once', () => {
  for (const name of ['ISEAR × FER2013', 'ISEAR × RAF-DB'])
    expect(point(null, 0, name)).toMatchObject({ of: null, n: 15, fused: 1, product: 1, text: 1, face: 1 });
  expect(new Set(points.map(({ name, as, level }) => `${name} ${as} ${level}`)).size).toBe(points.length);
  expect(points.every(({ n }) => n === 15)).toBe(true);
});

test('with fewer words the text’s accuracy falls, the face’s does not, and the gate turns to the face', () => {
  const levels = [0.25, 0.5, 0.75, 1].map((level) => point('words dropped', level));
  const falling = [point(null), ...levels].map(({ text }) => text);
  expect([...falling].sort((a, b) => b - a)).toEqual(falling);
  expect(falling.at(-1)).toBeLessThan(0.5);
  for (const { face, fused, of } of levels) expect([face, fused, of]).toEqual([1, 1, 'text']);
  expect(levels.at(-1)!.gate).toBeGreaterThan(point(null).gate! + 0.2);
});

test('a corrupted face does not affect the text', () => {
  const covered = point('occlusion', 0.6);
  expect(covered.of).toBe('face');
  expect(covered.face).toBeLessThan(1);
  expect(covered.text).toBe(1);
});

test('measuring again gives the same result', async () => {
  expect(await corruptionCurves(bundle, texts, faces, { most: 15 })).toEqual(points);
});

test('a bundle without fusion has no curves and no pairs', async () => {
  const part = await openLegible(['fusion']);
  expect(await corruptionCurves(part, texts, faces)).toEqual([]);
  expect(await pairTests(part, 'ISEAR', texts, faces)).toEqual({ tests: [], certainty: [] });
  await part.dispose();
});

test('pairs are tested fused, and each side alone with the other missing', async () => {
  const { tests } = await pairTests(bundle, 'ISEAR', texts, faces);
  expect(tests.map(({ name }) => name)).toEqual(
    ['FER2013', 'RAF-DB'].flatMap((set) =>
      ['gated', 'answer', 'product of posteriors', 'text alone', 'face alone'].map(
        (as) => `ISEAR × ${set}, ${as}`,
      ),
    ),
  );
  for (const { accuracy, n } of tests) expect([accuracy.mean, n]).toEqual([1, 40]);
});

test('the card has one row per level, with a column for each set', () => {
  const section = corruptionSection({ corruption: points }, bundle.manifest);
  const rows = section[2]!.split('\n');
  expect(rows[0]).toBe(
    '| corrupted | text alone | FER2013 alone | product | gated | gate | RAF-DB alone | product | gated | gate |',
  );
  expect(rows).toHaveLength(2 + points.length / 2);
  expect(rows[2]).toMatch(/^\| nothing \| 1\.000 \|/);
  expect(corruptionSection({ corruption: [] }, bundle.manifest)).toEqual([]);
});
