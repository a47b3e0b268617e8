// Items from templates, the same for the same seed, and written sentences: none twice, no overlap with the behaviour tests.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { behaviourResults, readBehaviour, readSentences } from '../../src/data/sentences.js';
import { ALL_LABELS, textKey } from 'mien/parts/data';
import { templateItems } from '../../src/data/templates/items.js';

const items = templateItems(3000);
const inModels = (file: string): string => new URL(`../../../../models/${file}`, import.meta.url).pathname;

test('items are different, and the same for the same seed', () => {
  expect(new Set(items.map(({ text }) => text)).size).toBe(items.length);
  expect(templateItems(3000)).toEqual(items);
  expect(templateItems(3000, 1)).not.toEqual(items);
  expect(items.length).toBeGreaterThan(2500);
});

test('every slot is filled, every label occurs and is one of the nine', () => {
  for (const { text, labels } of items) {
    expect(text).not.toMatch(/[{}]|undefined/);
    expect(text.trim()).toBe(text);
    expect(labels.length).toBeGreaterThan(0);
  }
  expect([...new Set(items.flatMap(({ labels }) => labels))].sort()).toEqual([...ALL_LABELS]);
});

test('behaviour tests share no sentence with the templates, and each has labels that pass', async () => {
  const tests = await readBehaviour(inModels('behaviour.csv'));
  expect(tests.length).toBe(120);
  const trained = new Set(items.map(({ text }) => textKey(text)));
  for (const { text, accept, reject } of tests) {
    expect(trained.has(textKey(text)) && textKey(text) !== '').toBe(false);
    expect(accept.filter((label) => reject.includes(label))).toEqual([]);
  }
});

test('written sentences are unique and not behaviour tests, and each family has some for validation', async () => {
  const sentences = await readSentences(inModels('sentences.csv'));
  const tests = new Set((await readBehaviour(inModels('behaviour.csv'))).map(({ text }) => textKey(text)));
  const keys = sentences.map(({ text }) => textKey(text) || text);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => tests.has(key) && key !== '')).toEqual([]);
  const families = (split: string) =>
    new Set(sentences.filter((one) => one.split === split).map(({ family }) => family));
  expect(families('validation')).toEqual(families('train'));
  expect(new Set(sentences.flatMap(({ labels }) => labels)).size).toBe(ALL_LABELS.length);
});

test.each([
  ['a label that is none', 'Hi there,joyful,chat', 'unknown label "joyful"'],
  ['no labels', 'Hi there,,chat', 'unknown label ""'],
  ['no family', 'Hi there,joy,', 'lacks text, labels or family'],
])('written sentences with %s are rejected with their row', async (_, line, message) => {
  const file = join(await mkdtemp(join(tmpdir(), 'mien-sentences-')), 'sentences.csv');
  await writeFile(file, `text,labels,family\nFine by me,neutral,chat\n${line}\n`);
  const error = await readSentences(file).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'data', place: { file, row: 3 } });
  expect((error as Error).message).toContain(message);
  await rm(dirname(file), { recursive: true });
});

test('behaviour results are counted by capability and in total', () => {
  const item = { text: '', accept: ['joy'], reject: ['fear'] };
  const three = [
    { ...item, capability: 'a' },
    { ...item, capability: 'b' },
    { ...item, capability: 'a' },
  ];
  expect(behaviourResults(three, ['joy', 'fear', 'anger'])).toEqual([
    { capability: 'a', items: 2, passed: 1, rejected: 0 },
    { capability: 'b', items: 1, passed: 0, rejected: 1 },
    { capability: 'all', items: 3, passed: 1, rejected: 1 },
  ]);
  expect(behaviourResults([], [])).toEqual([]);
});
