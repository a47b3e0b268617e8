// `mien learn` as a process: killed with SIGKILL it goes on to the same bytes, what it leaves loads as an encoder.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../src/base/files.js';
import { FACE_LABELS, TEXT_LABELS } from '../../src/data/labels.js';
import { loadFaceEncoder, loadTextEncoder } from '../../src/encoders/load.js';
import type { Exported } from '../../src/bundle/export.js';
import { readBundle } from '../../src/bundle/folder.js';
import type { Estimate } from '../../src/learn/estimate.js';
import type { LearnedRecord } from '../../src/learn/record.js';
import { writeDataSets } from '../support/data-sets.js';
import { startMien, type Ended } from '../support/mien.js';
import {
  bertFiles,
  bertTinyConfig,
  efficientNetB3Config,
  efficientNetFiles,
  writeFiles,
} from '../support/pretrained.js';

const networkConfig = { ...efficientNetB3Config, architecture: 'tf_efficientnetv2_b0', num_features: 1280 };
const text = { id: 'made/up-text', pooling: 'mean', maxTokens: 32 } as const;
const face = { id: 'made/up-face', imageSize: 'published' } as const;

let root: string;
let profile: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-learn-cli-'));
  await writeDataSets(join(root, 'data'), 8);
  await writeFiles(
    join(root, 'weights', 'up-text'),
    bertFiles(bertTinyConfig, ['i', 'remember', 'day', 'of', 'very', 'well', ...TEXT_LABELS]),
  );
  await writeFiles(join(root, 'weights', 'up-face'), efficientNetFiles(networkConfig));
  await writeFiles(root, { 'profile.json': Buffer.from(JSON.stringify({ text, face })) });
  profile = join(root, 'profile.json');
});
afterAll(() => rm(root, { recursive: true }));

const mien = (command: string, args: readonly string[]): Promise<Ended> =>
  startMien([command, ...args]).ended;

/** Runs `mien learn`; kills it `killAfter` ms after its first checkpoint if asked to. */
async function mienLearn(
  kind: string,
  out: string,
  set: readonly string[],
  {
    killAfter,
    dryRun = false,
    teachers = [],
  }: { killAfter?: number; dryRun?: boolean; teachers?: string[] } = {},
): Promise<Ended> {
  const { child, ended } = startMien([
    ...[
      'learn',
      kind,
      '--data',
      join(root, 'data'),
      '--weights',
      join(root, 'weights'),
      '--profile',
      profile,
    ],
    ...['--out', out, '--features', join(root, 'features'), '--json', '--threads', '1'],
    ...(dryRun ? ['--dry-run'] : []),
    ...teachers.flatMap((folder) => ['--teacher', folder]),
    ...set.flatMap((assignment) => ['--set', assignment]),
  ]);
  if (killAfter !== undefined) {
    while (!existsSync(join(out, 'checkpoint.json')) && child.exitCode === null) await setTimeout(5);
    await setTimeout(killAfter);
    child.kill('SIGKILL');
  }
  return ended;
}

const brief = ['epochs=3', 'batchSize=8', 'stepsPerRun=2', 'checkpointSeconds=0', 'tokenDropout=0.1'];
const weightsOf = async (out: string): Promise<string> =>
  sha256(await readFile(join(out, 'encoder', 'model.safetensors')));

test('text: killed twice, it ends with the same bytes, as an encoder that loads', async () => {
  const whole = await mienLearn('text', join(root, 'whole'), brief);
  expect(whole).toMatchObject({ code: 0 });
  const record = JSON.parse(whole.stdout) as LearnedRecord;
  expect(record).toMatchObject({
    kind: 'text',
    labels: [...TEXT_LABELS],
    sha256: await weightsOf(join(root, 'whole')),
  });
  expect(record.epochs.length).toBe(3);

  const killed = join(root, 'killed');
  expect((await mienLearn('text', killed, brief, { killAfter: 0 })).code).toBe(null);
  expect((await mienLearn('text', killed, brief, { killAfter: 250 })).code).toBe(null);
  expect((await mienLearn('text', killed, brief)).code).toBe(0);
  expect(await weightsOf(killed)).toBe(await weightsOf(join(root, 'whole')));

  const encoder = await loadTextEncoder({ ...text, revision: 'main', folder: join(killed, 'encoder') });
  const { data, shape } = await encoder.encode([encoder.tokenize('I remember joy very well').ids]);
  await encoder.dispose();
  expect(shape).toEqual([1, 128]);
  expect(data.every(Number.isFinite)).toBe(true);
});

test('a teacher changes the targets; one of other labels is refused', async () => {
  const taught = join(root, 'taught');
  const ended = await mienLearn('text', taught, brief, { teachers: [join(root, 'whole')] });
  expect(ended).toMatchObject({ code: 0 });
  expect(await weightsOf(taught)).not.toBe(await weightsOf(join(root, 'whole')));
  const refused = await mienLearn('text', join(root, 'refused'), brief, { teachers: [join(root, 'data')] });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('learned.json');
});

test('face: trains through its phases and leaves an encoder of the last size', async () => {
  const out = join(root, 'face');
  const set = [
    'phases=[{epochs: 1, size: 32}, {epochs: 1, size: 40}]',
    'keptSize=40',
    'batchSize=8',
    'mixup=0.2',
  ];
  const ended = await mienLearn('face', out, [...set, 'optimizer.clipNorm=1', 'repeat.rafdb=1.5']);
  expect(ended).toMatchObject({ code: 0 });
  const record = JSON.parse(ended.stdout) as LearnedRecord;
  expect(record).toMatchObject({ kind: 'face', labels: [...FACE_LABELS], from: { id: 'made/up-face' } });
  expect(record.epochs.map(({ details }) => Object.keys(details))).toEqual([
    ['fer2013', 'rafdb'],
    ['fer2013', 'rafdb'],
  ]);
  const encoder = await loadFaceEncoder({ ...face, revision: 'main', folder: join(out, 'encoder') });
  await encoder.dispose();
  expect(encoder.identity.preprocessing).toMatchObject({ imageSize: 40 });
}, 120_000);

test('export: both become a bundle that computes, with every test in its card', async () => {
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
    ...['ISEAR', 'FER2013 PrivateTest', 'FER2013 test', 'RAF-DB test'],
    ...['FER2013', 'RAF-DB'].flatMap((set) =>
      ['gated', 'product of posteriors', 'text alone', 'face alone'].map((as) => `ISEAR × ${set}, ${as}`),
    ),
  ];
  for (const { tests } of [evaluation, reference]) expect(tests.map(({ name }) => name)).toEqual(names);
  expect(evaluation.robustness.length).toBe(6);
  expect(evaluation.corruption.length).toBeGreaterThan(20);
  expect(reference.corruption).toEqual([]);
  const { manifest, files } = await readBundle(out);
  expect(Object.keys(files).sort()).toEqual(
    ['README.md', 'evaluation.json', 'face.onnx', 'fusion.onnx', 'text.onnx', 'tokenizer.json'].sort(),
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
}, 120_000);

test('export says when a folder holds no finished encoder', async () => {
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

test('a dry run says what training would take, and leaves nothing', async () => {
  const out = join(root, 'dry');
  const ended = await mienLearn(
    'face',
    out,
    ['batchSize=8', 'phases=[{epochs: 2, size: 32}]', 'keptSize=32'],
    { dryRun: true },
  );
  expect(ended).toMatchObject({ code: 0 });
  const { steps, seconds, bytes, shapes } = JSON.parse(ended.stdout) as Estimate;
  expect(steps).toBe(2 * Math.floor((2 * 7 * 7) / 8));
  expect(seconds).toBeCloseTo((steps * shapes['32']!) / 1000, 6);
  expect(bytes).toBeGreaterThan(50e6);
  expect(existsSync(out)).toBe(false);
});

test('mistakes are named', async () => {
  const typo = await mienLearn('text', join(root, 'typo'), ['optimizer.learningrate=1']);
  expect(typo).toMatchObject({ code: 2, stdout: '' });
  expect(typo.stderr).toContain('Did you mean "optimizer.learningRate"?');
  const part = await mienLearn('text', join(root, 'part'), ['from=encoder.layer.7']);
  expect(part.code).toBe(2);
  expect(part.stderr).toMatch(/no part "encoder\.layer\.7"[^]*Did you mean "encoder\.layer\.\d"/);
});
