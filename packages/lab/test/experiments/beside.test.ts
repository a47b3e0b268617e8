// Rows of several features beside each other: order, ids, the paper's figures.
import { expect, test } from 'vitest';
import { putBeside } from '../../src/experiments/beside.js';
import { example } from '../report/example.js';

test('rows of the same kind stand together, the paper’s figures beside the first only', () => {
  const first = { results: example, predictions: [] };
  const predictions = [{ row: example.rows[0]!.id, labels: ['a', 'b'], runs: [] }];
  const other = { name: 'lite', results: { ...example, rows: example.rows.slice(1) }, predictions };
  const { results, predictions: all } = putBeside(first, [other]);
  const [a, b] = example.rows;
  expect(results.rows.slice(0, 3).map(({ id }) => id)).toEqual([a!.id, b!.id, `${b!.id}-lite`]);
  expect(results.rows.length).toBe(2 * example.rows.length - 1);
  expect(new Set(results.rows.map(({ id }) => id)).size).toBe(results.rows.length);
  expect(
    results.rows.filter(({ id }) => id.endsWith('-lite')).every(({ reproduces }) => reproduces === null),
  ).toBe(true);
  expect(Object.keys(results.counts)).toContain(`${Object.keys(example.counts)[0]!} (lite)`);
  expect(all.map(({ row }) => row)).toEqual([`${a!.id}-lite`]);
  expect(putBeside(first, [])).toEqual(first);
});
