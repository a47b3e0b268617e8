// Items from templates: the same for the same seed, none twice, every slot filled, no overlap with the behaviour tests.
import { expect, test } from 'vitest';
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
