// Teachers of texts: posteriors without the prior that each learned; computing them can be interrupted.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defined } from 'mien-engine/base';
import { bertConfig } from '../../src/encoders/bert.js';
import { bertParameters } from '../../src/encoders/load.js';
import { classifierSpecs, writeLearned } from '../../src/learn/learned.js';
import { textTeacher } from '../../src/learn/teacher.js';
import { goldenWeights } from '../../../../test/support/golden.js';
import { bertTinyConfig } from '../../../../test/support/pretrained.js';

const labels = ['joy', 'anger', 'fear'];
const prior = [0.6, 0.3, 0.1];
const json = { ...bertTinyConfig, vocab_size: 40 };
const texts = [
  [2, 7, 30, 3],
  [2, 8, 3],
].map((ids) => Int32Array.from(ids));

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-teacher-'));
  const config = bertConfig(json);
  const specs = [...bertParameters(config), ...classifierSpecs(config.width, labels.length)];
  const weights = goldenWeights(Object.fromEntries(specs.map(({ name, shape }) => [name, shape])));
  for (const [name, calibration] of [
    ['calibrated', { prior, temperature: 1 }],
    ['plain', undefined],
  ] as const)
    await writeLearned(join(root, name), {
      kind: 'text',
      labels,
      settings: { maxTokens: 16 },
      items: { training: 1, validation: 1 },
      located: { id: 'made/up', revision: 'local', sha256: '', path: async (file) => join(root, file) },
      result: { weights, bestEpoch: 1, epochs: [] } as never,
      config: json,
      files: { 'tokenizer.json': '{}' },
      ...defined({ calibration }),
    });
});
afterAll(() => rm(root, { recursive: true }));

const ask = async (name: string, adjustment: number): Promise<number[]> => {
  const folders = [join(root, name)];
  const { posteriors } = await textTeacher(texts, adjustment, { folders, share: 1, labels, threads: 1 });
  return [...posteriors];
};
const normalised = (odds: readonly number[]): number[] =>
  odds.map(
    (one, i) => one / odds.slice(3 * Math.floor(i / 3), 3 * Math.floor(i / 3) + 3).reduce((a, b) => a + b),
  );

test('the prior that a teacher learned is divided out, by the adjustment’s share', async () => {
  const plain = await ask('plain', 1);
  expect(await ask('calibrated', 0)).toEqual(plain);
  for (const share of [0.5, 1]) {
    const expected = normalised(plain.map((one, i) => one / prior[i % 3]! ** share));
    (await ask('calibrated', share)).forEach((one, i) => expect(one).toBeCloseTo(expected[i]!, 6));
  }
});

test('computing posteriors ends when it is interrupted', async () => {
  const folders = [join(root, 'plain')];
  const signal = AbortSignal.abort();
  await expect(
    textTeacher(texts, 0, { folders, share: 1, labels, threads: 1, signal }),
  ).rejects.toMatchObject({ code: 'interrupted' });
});
