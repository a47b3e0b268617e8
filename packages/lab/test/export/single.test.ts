// Bundles of one encoder: what is read is answered as training calibrated it, what is not read is refused by name.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBundle, readBundle } from 'mien/parts/bundle';
import { levelled, trimSilence } from 'mien/parts/audio';
import { createRecognizer, isRecognition } from 'mien/parts/recognizer';
import { exportSingle } from '../../src/export/single.js';
import { restoreLearned } from '../../src/export/restore.js';
import { createVoiceEncoder, whisperParameters } from '../../src/encoders/load-voice.js';
import { whisperConfig } from '../../src/encoders/whisper.js';
import { classify } from '../../src/learn/classifier.js';
import {
  type LearnedFace,
  readLearnedFace,
  readLearnedVoice,
  writeLearned,
} from '../../src/learn/learned.js';
import { goldenInput, goldenWeights } from '../../../../test/support/golden.js';
import { runMien } from '../../../../test/support/mien.js';
import { integers, wavFile } from '../../../../test/support/wav.js';
import { smallWhisper } from '../../../../test/support/whisper.js';

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

test('an input that the bundle does not read is an error of the item', async () => {
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

test('a voice is answered by its encoder and classifier, calibrated, from a file on the command line', async () => {
  const config = whisperConfig(smallWhisper);
  const labels = ['anger', 'joy', 'neutral'];
  const weights = goldenWeights({
    ...Object.fromEntries(whisperParameters(config).map(({ name, shape }) => [name, shape as number[]])),
    'classifier.weight': [3, 24],
    'classifier.bias': [3],
  });
  const run = join(root, 'voice-run');
  await writeLearned(run, {
    kind: 'voice',
    labels,
    settings: {},
    calibration: { prior: [0.25, 0.25, 0.5], temperature: 2 },
    located: { id: 'made', revision: 'main', sha256: '' },
    terms: ['made: none'],
    items: { training: 1, validation: 1 },
    result: { weights, bestEpoch: 1, epochs: [] },
    config: smallWhisper,
  });
  const learned = await readLearnedVoice(run);
  const out = join(root, 'voices');
  const manifest = await exportSingle({ encoder: { voice: learned }, name: 'voices', out });
  expect(manifest).toMatchObject({
    terms: ['made: none'],
    voice: { labels, temperature: 2, sampleRate: 16_000 },
  });
  expect(await readFile(join(out, 'README.md'), 'utf8')).toMatch(/acted speech/);

  const samples = goldenInput('sound', [12_000]).data.map(
    (noise, i) => 0.1 * noise + 0.2 * Math.sin(0.08 * i),
  );
  const clip = join(root, 'clip.wav');
  await writeFile(clip, wavFile(integers(samples, 16)));
  const args = ['predict', '--bundle', out, '--threads', '1', '--json', '--audio'];
  const { stdout, code } = await runMien([...args, clip]);
  expect(code).toBe(0);
  const answer = JSON.parse(stdout) as { from: string; voice: { probabilities: Record<string, number> } };
  expect(answer.from).toBe('voice');
  const identity = { id: 'made', revision: 'main', sha256: '', dtype: 'float32', preprocessing: {} } as const;
  const encoder = await createVoiceEncoder(config, weights, identity, { threads: 1 });
  const heard = levelled(trimSilence(Float32Array.from(samples, (x) => Math.round(x * 32_768) / 32_768)));
  const logits = classify((await encoder.encode([heard])).data, weights, 3);
  await encoder.dispose();
  const odds = Array.from(logits, (one) => Math.exp(one / 2));
  const total = odds.reduce((sum, one) => sum + one, 0);
  // The bundle computes most layers in integers.
  labels.forEach((label, i) =>
    expect(Math.abs(answer.voice.probabilities[label]! - odds[i]! / total)).toBeLessThan(0.05),
  );

  const bad = await runMien([...args, join(root, 'voices', 'README.md')]);
  expect(bad).toMatchObject({ code: 1 });
  expect(bad.stdout + bad.stderr).toMatch(/README\.md: is not a recording in a known format/);
});
