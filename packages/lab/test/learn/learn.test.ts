// `mien learn`: killed with SIGKILL it goes on to the same bytes, what it leaves loads as an encoder.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTextEncoder } from '../../src/encoders/load.js';
import { TEXT_LABELS } from 'mien/parts/data';
import type { Estimate } from '../../src/learn/learn-encoder.js';
import type { LearnedRecord } from '../../src/learn/learned.js';
import { brief, learnFolder, text, weightsOf, type LearnFolder } from '../../../../test/support/learn.js';

let root: string;
let folder: LearnFolder;
beforeAll(async () => {
  folder = await learnFolder();
  ({ root } = folder);
});
afterAll(() => folder.remove());

test('text: a killed training resumes to the same bytes, and the encoder can be loaded', async () => {
  const whole = await folder.learn('text', join(root, 'whole'), brief);
  expect(whole).toMatchObject({ code: 0 });
  const record = JSON.parse(whole.stdout) as LearnedRecord;
  expect(record).toMatchObject({
    kind: 'text',
    labels: [...TEXT_LABELS],
    sha256: await weightsOf(join(root, 'whole')),
  });
  expect(record.epochs.length).toBe(3);

  const killed = join(root, 'killed');
  expect((await folder.learn('text', killed, brief, { killAfter: 0 })).code).toBe(null);
  expect((await folder.learn('text', killed, brief)).code).toBe(0);
  expect(await weightsOf(killed)).toBe(await weightsOf(join(root, 'whole')));

  const encoder = await loadTextEncoder({ ...text, revision: 'main', folder: join(killed, 'encoder') });
  const { data, shape } = await encoder.encode([encoder.tokenize('I remember joy very well').ids]);
  await encoder.dispose();
  expect(shape).toEqual([1, 128]);
  expect(data.every(Number.isFinite)).toBe(true);
});

test('a dry run estimates the training and writes nothing', async () => {
  const out = join(root, 'dry');
  const ended = await folder.learn(
    'face',
    out,
    ['batchSize=8', 'stepsPerRun=2', 'phases=[{epochs: 2, size: 32}]', 'keptSize=32'],
    { dryRun: true },
  );
  expect(ended).toMatchObject({ code: 0 });
  const { steps, seconds, bytes, shapes } = JSON.parse(ended.stdout) as Estimate;
  expect(steps).toBe(2 * Math.floor((2 * 7 * 7) / 8));
  expect(seconds).toBeCloseTo((steps * shapes['32']!) / 1000, 6);
  expect(bytes).toBeGreaterThan(50e6);
  expect(existsSync(out)).toBe(false);
});

test('errors name what is wrong', async () => {
  const typo = await folder.learn('text', join(root, 'typo'), ['optimizer.learningrate=1']);
  expect(typo).toMatchObject({ code: 2, stdout: '' });
  expect(typo.stderr).toContain('Did you mean "optimizer.learningRate"?');
  const part = await folder.learn('text', join(root, 'part'), ['from=encoder.layer.7']);
  expect(part.code).toBe(2);
  expect(part.stderr).toMatch(/no part "encoder\.layer\.7"[^]*Did you mean "encoder\.layer\.\d"/);
});
