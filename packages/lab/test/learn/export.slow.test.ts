// A whole face network trained as a process, and both encoders made a bundle.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBundle } from 'mien/parts/bundle';
import { FACE_LABELS } from 'mien/parts/data';
import { loadFaceEncoder } from '../../src/encoders/load.js';
import type { Exported } from '../../src/export/export.js';
import type { LearnedRecord } from '../../src/learn/learned.js';
import { brief, face, learnFolder, type LearnFolder } from '../../../../test/support/learn.js';
import { startMien, type Ended } from '../../../../test/support/mien.js';

let root: string;
let folder: LearnFolder;
beforeAll(async () => {
  folder = await learnFolder({ vocabulary: 30522 });
  ({ root } = folder);
});
afterAll(() => folder.remove());

const mien = (command: string, args: readonly string[]): Promise<Ended> =>
  startMien([command, ...args]).ended;

test('face: trains through its phases and writes an encoder of the last size', async () => {
  const out = join(root, 'face');
  const set = [
    'phases=[{epochs: 1, size: 32}, {epochs: 1, size: 40}]',
    'keptSize=40',
    'batchSize=8',
    'mixup=0.2',
  ];
  const ended = await folder.learn('face', out, [...set, 'optimizer.clipNorm=1', 'repeat.rafdb=1.5']);
  expect(ended).toMatchObject({ code: 0 });
  const record = JSON.parse(ended.stdout) as LearnedRecord;
  expect(record).toMatchObject({ kind: 'face', labels: [...FACE_LABELS], from: { id: 'made/up-face' } });
  expect(record.epochs.map(({ details }) => Object.keys(details))).toEqual([
    ['fer2013', 'fer2013 recall', 'rafdb', 'rafdb recall'],
    ['fer2013', 'fer2013 recall', 'rafdb', 'rafdb recall'],
  ]);
  const encoder = await loadFaceEncoder({ ...face, revision: 'main', folder: join(out, 'encoder') });
  await encoder.dispose();
  expect(encoder.identity.preprocessing).toMatchObject({ imageSize: 40 });
}, 120_000);

test('export: both become a working bundle, with every test in its card', async () => {
  expect((await folder.learn('text', join(root, 'whole'), brief)).code).toBe(0);
  const out = join(root, 'bundle');
  const args = ['--text', join(root, 'whole'), '--face', join(root, 'face'), '--data', join(root, 'data')];
  const settings = ['seeds=2', 'epochs.max=3', 'head.width=16'].flatMap((one) => ['--set', one]);
  const ended = await mien('export', [
    ...args,
    '--out',
    out,
    '--features',
    join(root, 'learned'),
    ...settings,
    '--json',
  ]);
  expect(ended).toMatchObject({ code: 0 });
  const { evaluation, reference } = JSON.parse(ended.stdout) as Exported;
  const names = [
    'ISEAR',
    'FER2013 PrivateTest',
    'FER2013 test',
    'RAF-DB test',
    ...['FER2013', 'RAF-DB'].flatMap((set) =>
      ['gated', 'answer', 'product of posteriors', 'text alone', 'face alone'].map(
        (as) => `ISEAR × ${set}, ${as}`,
      ),
    ),
  ];
  for (const { tests } of [evaluation, reference]) expect(tests.map(({ name }) => name)).toEqual(names);
  expect(evaluation.robustness.length).toBe(6);
  expect(evaluation.corruption.length).toBeGreaterThan(20);
  expect(reference.corruption).toEqual([]);
  expect(evaluation.certainty.map(({ name }) => name)).toEqual(['text', 'face', 'fusion', 'fusion']);
  // The made-up texts name no writers.
  expect(evaluation.groups).toEqual([]);
  const { manifest, files } = await readBundle(out);
  expect(Object.keys(files).sort()).toEqual(
    ['README.md', 'decision.onnx', 'evaluation.json', 'face.onnx', 'text.onnx', 'tokenizer.json'].sort(),
  );
  // The word table is most of the text encoder: a byte a number instead of four.
  expect(manifest.files['text.onnx']!.bytes).toBeLessThan(
    0.35 * (await stat(join(root, 'whole/encoder/model.safetensors'))).size,
  );
  const card = await readFile(join(out, 'README.md'), 'utf8');
  expect(card).toContain('## May I use this commercially?');
  expect(card).toContain('presupposes the label');
  for (const name of names) expect(card).toContain(`### ${name}`);
  expect(card).toContain('## When one side is bad');
  expect(card).toContain('pairs of which some have a corrupted side');
  expect(manifest.fusion!.training).toBe('corrupted');
  for (const part of ['text', 'face', 'fusion'] as const)
    expect(manifest[part]!.certainty!.items).toBeGreaterThan(0);
}, 120_000);

test('export reports a folder without a finished encoder', async () => {
  const args = ['--text', join(root, 'face'), '--face', join(root, 'face'), '--data', join(root, 'data')];
  const ended = await mien('export', [
    ...args,
    '--out',
    join(root, 'none'),
    '--features',
    join(root, 'learned'),
  ]);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('mien learn text');
});
