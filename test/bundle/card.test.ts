// The card says what the evaluation beside it holds, and of fairness what cannot be known.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { alignedSection } from '../../src/bundle/aligned-tests.js';
import { modelCard, type CardFacts } from '../../src/bundle/card.js';
import { peopleSheets } from '../../src/data/people.js';

const folder = join(import.meta.dirname, '../../models/lite');
const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), 'utf8'));

async function cardOf(counts: CardFacts['counts']): Promise<string> {
  const numbers = (await json('evaluation.json')) as Pick<CardFacts, 'evaluation' | 'reference'>;
  const manifest = (await json('manifest.json')) as CardFacts['manifest'];
  return modelCard({ manifest, ...numbers, counts, training: {} });
}

test('pairs that nobody matched stand before label-matched ones, with what the answer gains over each side', () => {
  const at = (mean: number) => ({ mean, low: mean - 0.05, high: mean + 0.05 });
  const row = (name: string, accuracy: number) => ({
    ...{ name, accuracy: at(accuracy), meanRecall: 0.7, auc: at(0.9), logLikelihood: -0.5 },
  });
  const either = (name: string, value: number) => ({ name, logLikelihood: at(value) });
  const [section] = [
    alignedSection({
      ...{ name: 'Posts', groups: ['negative', 'positive'], items: 130, oneSided: 2 },
      agreeing: {
        n: 100,
        rows: [row('answer', 0.8), row('text alone', 0.75)],
        differences: [{ to: 'text alone', accuracy: at(-0.01), auc: at(0.02) }],
      },
      contradicting: { n: 20, rows: [either('answer', -1.2)] },
    }).join('\n\n'),
  ];
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

  test('says of each set that it was made of what cannot be known', async () => {
    const none = { train: {}, validation: {}, test: {} };
    const card = await cardOf({ rafdb: { total: 0, splits: none, dropped: {} } });
    const sheet = card.split('## What cannot be known about fairness')[1]!.split('\n## ')[0]!;
    expect(sheet).toContain(peopleSheets.find(({ key }) => key === 'rafdb')!.silent);
    expect(sheet).not.toContain('ISEAR');
    expect(sheet).toContain('mien evaluate --group');
    expect(await cardOf({})).not.toContain('What cannot be known');
  });
});
