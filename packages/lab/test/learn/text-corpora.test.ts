// Which texts are trained on: ISEAR alone, or all corpora that settings ask for, with a table of one's own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALL_LABELS, TEXT_LABELS } from 'mien/parts/data';
import { textLearnSettings } from '../../src/learn/settings.js';
import { textItems, type TextItemsOptions } from '../../src/learn/text-corpora.js';

let data: string;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'mien-text-corpora-'));
  await mkdir(join(data, 'isear'));
  await mkdir(join(data, 'corpora'));
  const isear = TEXT_LABELS.flatMap((label) =>
    Array.from({ length: 20 }, (_, i) => `${label},"event ${i} of ${label} that I remember"`),
  );
  await writeFile(join(data, 'isear', 'isear.csv'), `sentiment,content\n${isear.join('\n')}\n`);
  const comments = [
    'Looks right to me\t4\tid1',
    'What a day, thank you\t15\tid2',
    'Sorry, my fault\t24\tid3',
  ];
  await writeFile(join(data, 'corpora', 'train.tsv'), `${comments.join('\n')}\n`);
  await writeFile(join(data, 'corpora', 'dev.tsv'), 'It is on the table\t27\tid4\n');
  await writeFile(join(data, 'my.csv'), 'words,mood\nSee you at nine,neutral\nWow!,surprise\n');
});
afterAll(() => rm(data, { recursive: true }));

const items = (settings: object, also?: TextItemsOptions['also']) =>
  textItems({ data, split: 'clean', skipInvalid: false, settings: textLearnSettings.parse(settings), also });
const wide = {
  corpora: {
    goemotions: { repeat: 2, weight: 0.5, sourceWeights: { approval: 0.4 } },
    isear: { against: { neutral: 0.3 } },
  },
  templates: 100,
};

test('without further settings it is ISEAR with its seven labels', async () => {
  const { labels, corpora, training, validation } = await items({});
  expect(labels).toEqual(TEXT_LABELS);
  expect(corpora).toBeUndefined();
  expect(training.length + validation.length).toBe(112);
});

test('corpora named in settings are read with their labels, weights and evidence', async () => {
  const { labels, corpora, training, validation } = await items(wide);
  expect(labels).toEqual(ALL_LABELS);
  const of = (name: string) => training.filter(({ corpus }) => corpus === name);
  expect(of('goemotions')).toMatchObject([
    { text: 'Looks right to me', label: 'joy', others: [], fine: ['approval'], weight: 0.2 },
    { label: 'joy', fine: ['gratitude'], weight: 0.5 },
    { label: 'guilt', others: ['sadness'], fine: ['remorse'], weight: 0.5 },
  ]);
  expect(validation.find(({ corpus }) => corpus === 'goemotions')).toMatchObject({ label: 'neutral' });
  expect(of('isear').length).toBeGreaterThan(90);
  // Templates are there to be validated on, and not trained on unless they are asked for.
  expect(of('templates')).toEqual([]);
  expect(validation.some(({ corpus }) => corpus === 'templates')).toBe(true);
  const isear = corpora!.find(({ name }) => name === 'isear')!;
  expect(isear.evidence).toEqual({
    neutral: 0.3,
    ...Object.fromEntries(TEXT_LABELS.map((label) => [label, 1])),
  });
  expect(corpora!.find(({ name }) => name === 'goemotions')!.repeat).toBe(2);
});

test('a user’s table is a further corpus, read by the names of its columns', async () => {
  const also = { file: join(data, 'my.csv'), text: 'words', label: 'mood' };
  const { training, corpora } = await items({}, also);
  const own = training.filter(({ corpus }) => corpus === 'also');
  expect(own.map(({ text, label }) => `${text} ${label}`)).toEqual([
    'See you at nine neutral',
    'Wow! surprise',
  ]);
  expect(Object.keys(corpora!.find(({ name }) => name === 'also')!.evidence)).toEqual([
    'neutral',
    'surprise',
  ]);
});

test('a missing corpus is named', async () => {
  await expect(items({ corpora: { emoevent: { repeat: 1 } } })).rejects.toThrow(
    /corpus emoevent is not there/,
  );
});
