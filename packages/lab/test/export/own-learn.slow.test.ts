// `mien train --learn` on a drawn set: the bundle holds encoders that were trained on the table.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBundle, readBundle } from 'mien/parts/bundle';
import type { LearnedRecord } from '../../src/learn/learned.js';
import { ownFolder, quick, trainOwn } from '../../../../test/support/own-table.js';

let root: string;
beforeAll(async () => {
  root = await ownFolder();
});
afterAll(() => rm(root, { recursive: true }));

test('with --learn the bundle contains encoders that were trained on the table', async () => {
  const out = join(root, 'learned');
  const config = join(root, 'text-learn.json');
  await writeFile(config, JSON.stringify({ epochs: 3, batchSize: 16, maxTokens: 32, averageDecay: 0 }));
  const ended = await trainOwn(root, [
    '--out',
    out,
    '--text',
    'words',
    '--label',
    'mood',
    '--learn',
    '--text-config',
    config,
    ...quick,
  ]);
  expect(ended).toMatchObject({ code: 0 });
  const { manifest, files } = await readBundle(join(out, 'bundle'));
  expect(manifest).not.toHaveProperty('face');
  expect(manifest.text!.maxTokens).toBe(32);
  const record = JSON.parse(
    await readFile(join(out, 'work', 'text-encoder', 'learned.json'), 'utf8'),
  ) as LearnedRecord;
  expect(record).toMatchObject({ kind: 'text', pooling: 'mean', labels: manifest.text!.labels });
  expect(record.epochs).toHaveLength(3);
  // The words say the first half of a label, which is all that texts can know.
  const bundle = await openBundle(manifest, files, { threads: 1 });
  const { logits } = await bundle.texts([
    'The day was very sunny and warm',
    'The day was very dark and cold',
  ]);
  await bundle.dispose();
  const tones = [0, 1].map((row) => {
    const own = [...logits.data.subarray(4 * row, 4 * row + 4)];
    return manifest.text!.labels[own.indexOf(Math.max(...own))]!.split(' ')[0];
  });
  expect(tones).toEqual(['glad', 'sad']);
}, 120_000);
