// Accuracy by group: items counted where they belong, bands of age in order, those who said nothing left out.
import { expect, test } from 'vitest';
import { groupResults, groupSection } from '../../src/export/groups.js';
import type { TextItem } from 'mien/parts/data';

const item = (of: Partial<TextItem>): TextItem => ({
  id: '',
  text: '',
  label: 'joy',
  file: '',
  row: 1,
  ...of,
});

test('counts, and hits among them', () => {
  const items = [
    item({ sex: '1', age: 30, country: '10' }),
    item({ sex: '1', age: 19, country: '2' }),
    item({ sex: '2', age: 20, country: '2' }),
    item({ sex: '0' }),
  ];
  const found = groupResults(items, [true, false, true, true]);
  expect(found.map(({ by, group, n, accuracy }) => [by, group, n, accuracy.mean])).toEqual([
    ['sex', '1', 2, 0.5],
    ['sex', '2', 1, 1],
    ['age', 'up to 19', 1, 0],
    ['age', '20', 1, 1],
    ['age', '26 and more', 1, 1],
    ['country', '2', 2, 0.5],
    ['country', '10', 1, 1],
  ]);
  const section = groupSection(found).join('\n');
  expect(section).toContain('| sex ');
  expect(section).toContain('.500 [.095, .905]');
});

test('a file without data on its writers has no groups', () => {
  expect(groupResults([item({})], [true])).toEqual([]);
  expect(groupSection([])).toEqual([]);
});
