// The card says what the evaluation beside it holds, and of fairness what cannot be known.
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addAligned } from '../../src/export/export.js';
import { readBundle } from 'mien/parts/bundle';
import { alignedSection, type AlignedTest } from '../../src/export/aligned-tests.js';
import { modelCard, type CardFacts } from '../../src/export/card.js';
import { type CardSources, passagesIn, passagesOf } from '../../src/export/passages.js';
import { peopleSheets } from '../../src/data/people.js';

const folder = join(import.meta.dirname, '../../../../models/lite');
const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), 'utf8'));

async function cardOf(counts: CardSources['counts']): Promise<string> {
  const numbers = (await json('evaluation.json')) as Pick<CardFacts, 'evaluation' | 'reference'>;
  const manifest = (await json('manifest.json')) as CardFacts['manifest'];
  return modelCard({ manifest, ...numbers, passages: passagesOf({ counts, training: {} }) });
}

const at = (mean: number) => ({ mean, low: mean - 0.05, high: mean + 0.05 });
const row = (name: string, accuracy: number) => ({
  name,
  accuracy: at(accuracy),
  meanRecall: 0.7,
  auc: at(0.9),
  logLikelihood: -0.5,
});
const posts: AlignedTest = {
  name: 'Posts',
  groups: ['negative', 'positive'],
  items: 130,
  oneSided: 2,
  agreeing: {
    n: 100,
    rows: [row('answer', 0.8), row('text alone', 0.75)],
    differences: [{ to: 'text alone', accuracy: at(-0.01), auc: at(0.02) }],
  },
  contradicting: { n: 20, rows: [{ name: 'answer', logLikelihood: at(-1.2) }] },
};

test('the card states what the answer gains over each side on unmatched pairs', () => {
  const section = alignedSection(posts).join('\n\n');
  expect(section).toContain('100 pairs of which both judgements are the same, and 20');
  expect(section).toContain('| words and face | .800 [.750, .850] | .700 | .900 [.850, .950] |  | -1.200');
  expect(section).toContain('| −.010 [−.060, +.040] | – |');
  expect(alignedSection(undefined)).toEqual([]);
});

describe.skipIf(!existsSync(folder))('the bundled model’s card', () => {
  test('has every line of its tables from its evaluation', async () => {
    const card = (await cardOf({})).split('\n');
    const kept = await readFile(join(folder, 'README.md'), 'utf8');
    const measured = kept
      .split('\n## ')
      .filter((section) => !/^(Data|Training|What cannot)/.test(section))
      .flatMap((section) => section.split('\n').filter((line) => line.startsWith('|')));
    expect(measured.length).toBeGreaterThan(100);
    for (const line of measured) expect(card).toContain(line);
  });

  test('written again from its evaluation and its own passages, it is the same', async () => {
    const numbers = (await json('evaluation.json')) as Pick<CardFacts, 'evaluation' | 'reference'>;
    const manifest = (await json('manifest.json')) as CardFacts['manifest'];
    const kept = await readFile(join(folder, 'README.md'), 'utf8');
    expect(modelCard({ manifest, ...numbers, passages: passagesIn(kept, folder) })).toBe(kept);
    expect(() => passagesIn(kept.replace('## Training', '## Trainings'), folder)).toThrow(/"Training"/);
  });

  test('results on unmatched pairs are added to card and evaluation; the models do not change', async () => {
    const out = await mkdtemp(join(tmpdir(), 'mien-aligned-'));
    try {
      await cp(folder, out, { recursive: true, dereference: true });
      const { manifest: before } = await readBundle(out);
      const { files: _files, ...manifest } = before;
      const numbers = (await json('evaluation.json')) as Pick<CardFacts, 'evaluation' | 'reference'>;
      const passages = passagesOf({ counts: {}, training: {} });
      const card: CardFacts = { manifest, ...numbers, passages };
      const exported = { manifest: before, ...numbers, card };
      const { manifest: after } = await addAligned(out, exported, { ...posts, name: 'Other posts' });
      expect(await readBundle(out)).toMatchObject({ manifest: after });
      for (const name of ['text.onnx', 'face.onnx', 'decision.onnx', 'tokenizer.json'])
        expect(after.files[name]).toEqual(before.files[name]);
      const text = await readFile(join(out, 'README.md'), 'utf8');
      const unmatched = text.indexOf('Other posts: posts with their picture');
      expect(unmatched).toBeGreaterThan(0);
      expect(text.indexOf('These pairs are label-matched')).toBeGreaterThan(unmatched);
      const kept = JSON.parse(await readFile(join(out, 'evaluation.json'), 'utf8')) as typeof numbers;
      expect(kept.evaluation.aligned).toMatchObject({ name: 'Other posts', agreeing: { n: 100 } });
    } finally {
      await rm(out, { recursive: true });
    }
  });

  test('states for each data set what cannot be known', async () => {
    const none = { train: {}, validation: {}, test: {} };
    const card = await cardOf({ rafdb: { total: 0, splits: none, dropped: {} } });
    const sheet = card.split('## What cannot be known about fairness')[1]!.split('\n## ')[0]!;
    expect(sheet).toContain(peopleSheets.find(({ key }) => key === 'rafdb')!.silent);
    expect(sheet).not.toContain('ISEAR');
    expect(sheet).toContain('mien evaluate --group');
    expect(await cardOf({})).not.toContain('What cannot be known');
  });
});
