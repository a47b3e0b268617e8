// Items from templates: the same for the same seed, none twice, every slot filled, no overlap with the behaviour tests.
import { expect, test } from 'vitest';
import { behaviourResults, readBehaviour } from '../../src/data/behaviour.js';
import { textKey } from '../../src/data/cleaning.js';
import { ALL_LABELS } from '../../src/data/labels.js';
import { templateItems } from '../../src/data/templates/items.js';

const items = templateItems(3000);

test('items are drawn without repetition, alike for the same seed', () => {
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

test('behaviour tests share no sentence with the templates, and each names what passes', async () => {
  const tests = await readBehaviour(new URL('../../models/behaviour.csv', import.meta.url).pathname);
  expect(tests.length).toBe(120);
  const trained = new Set(items.map(({ text }) => textKey(text)));
  for (const { text, accept, reject } of tests) {
    expect(trained.has(textKey(text)) && textKey(text) !== '').toBe(false);
    expect(accept.filter((label) => reject.includes(label))).toEqual([]);
  }
});

test('behaviour is counted by capability and in all', () => {
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
