// Bundles of one encoder: what is read is answered as training calibrated it, what is not read is refused by name.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBundle, readBundle } from 'mien/parts/bundle';
import { createRecognizer, isRecognition } from 'mien/parts/recognizer';
import { exportSingle } from '../../src/export/single.js';
import { restoreLearned } from '../../src/export/restore.js';
import { type LearnedFace, readLearnedFace } from '../../src/learn/learned.js';
import { runMien } from '../../../../test/support/mien.js';

const LITE = join(import.meta.dirname, '../../../mien/models/lite');
const image = {
  width: 48,
  height: 48,
  data: Uint8Array.from({ length: 48 * 48 * 3 }, (_, i) => (i * 7) % 251),
};
const finder = {
  find: async () => [],
  crop: (one: never) => one,
  dispose: async () => undefined,
};
const decode = () => Promise.resolve(image);

let root: string;
let learned: LearnedFace;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-single-'));
  await restoreLearned({ bundle: LITE, out: join(root, 'lite') });
  learned = await readLearnedFace(join(root, 'lite', 'face'));
});
afterAll(() => rm(root, { recursive: true }));

async function answer(folder: string, item: object) {
  const { manifest, files } = await readBundle(folder);
  const bundle = await openBundle(manifest, files, { threads: 1 });
  const recognizer = createRecognizer({ bundle, faces: finder, decode });
  try {
    return await recognizer.recognize(item, { faces: 'cropped' });
  } finally {
    await recognizer.dispose();
  }
}

test('a face alone is answered as by the bundle that its encoder was restored from', async () => {
  const out = join(root, 'faces');
  const manifest = await exportSingle({ encoder: { face: learned }, name: 'faces', out });
  expect(manifest.text).toBeUndefined();
  expect(manifest.fusion).toBeUndefined();
  expect(manifest.terms).toEqual(learned.record.terms);
  const [found, wanted] = [await answer(out, { image }), await answer(LITE, { image })];
  if (!isRecognition(found) || !isRecognition(wanted)) throw new Error('not answered');
  for (const [label, probability] of Object.entries(wanted.face!.probabilities))
    expect(found.face!.probabilities[label]).toBeCloseTo(probability, 6);
  expect(found.from).toBe('face');
});

test('what the bundle does not read is an error of the item', async () => {
  const found = await answer(join(root, 'faces'), { text: 'I am happy' });
  expect(isRecognition(found)).toBe(false);
});

test('an encoder without calibration gets temperature 1 and an even prior, and its card says so', async () => {
  const out = join(root, 'plain');
  const { calibration: _, ...record } = learned.record;
  const { face } = await exportSingle({ encoder: { face: { ...learned, record } }, name: 'plain', out });
  expect(face).toMatchObject({ temperature: 1, prior: learned.labels.map(() => 1 / 7) });
  expect(await readFile(join(out, 'README.md'), 'utf8')).toMatch(/not calibrated/);
});

test('the command makes a bundle of one encoder without data, and needs one', async () => {
  const out = join(root, 'texts');
  const made = await runMien([
    'export',
    '--text',
    join(root, 'lite', 'text'),
    '--name',
    'texts',
    '--out',
    out,
  ]);
  expect(made).toMatchObject({ code: 0 });
  const found = await answer(out, { text: 'I am so happy today' });
  const wanted = await answer(LITE, { text: 'I am so happy today' });
  if (!isRecognition(found) || !isRecognition(wanted)) throw new Error('not answered');
  expect(found.label).toBe('joy');
  for (const [label, probability] of Object.entries(wanted.text!.probabilities))
    expect(found.text!.probabilities[label]).toBeCloseTo(probability, 3);
  const without = await runMien(['export', '--out', join(root, 'none')]);
  expect(without.code).toBe(2);
  expect(without.stderr).toMatch(/no encoder: specify finished runs as --text, --face or both/);
});
