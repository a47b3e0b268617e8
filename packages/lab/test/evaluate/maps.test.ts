// Maps: trustworthiness as scikit-learn has it, t-SNE that keeps groups apart, samples that keep label shares.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { mapPoints, stratifiedSample, trustworthiness } from '../../src/evaluate/projection.js';
import { golden } from '../../../../test/support/evaluate-golden.js';

const { maps } = golden;

test.each(Object.entries(maps.trustworthiness))(
  'trustworthiness over %s neighbours as scikit-learn',
  (k, expected) => {
    const space = { width: maps.width, data: maps.space };
    expect(trustworthiness(space, { width: 2, data: maps.map }, Number(k))).toBeCloseTo(expected, 12);
  },
);

test('a map equal to the space, at any scale, has trustworthiness one', () => {
  const data = maps.map;
  const space = { width: 2, data };
  expect(trustworthiness(space, space, 5)).toBe(1);
  expect(trustworthiness(space, { width: 2, data: data.map((value) => 40 * value - 3) }, 5)).toBe(1);
  expect(() => trustworthiness(space, { width: 2, data: data.slice(2) }, 5)).toThrow(/compared/);
  expect(() => trustworthiness(space, space, 30)).toThrow(/30 neighbours/);
});

test('separate groups stay separate, reproducibly', () => {
  const stream = randomStream(1, 'map test');
  const n = 90;
  const data = Float32Array.from({ length: n * 5 }, (_, i) => (Math.floor(i / 5) % 3) * 12 + stream.normal());
  const map = mapPoints({ width: 5, data }, { iterations: 250, perplexity: 15 });
  expect(map.trustworthiness).toBeGreaterThan(0.85);
  const distance = (a: number, b: number): number =>
    Math.hypot(
      map.coordinates[2 * a]! - map.coordinates[2 * b]!,
      map.coordinates[2 * a + 1]! - map.coordinates[2 * b + 1]!,
    );
  for (let i = 0; i < n; i++) {
    const nearest = Array.from({ length: n }, (_, j) => j)
      .filter((j) => j !== i)
      .sort((a, b) => distance(i, a) - distance(i, b));
    expect(nearest.slice(0, 5).every((j) => j % 3 === i % 3)).toBe(true);
  }
  expect(mapPoints({ width: 5, data }, { iterations: 250, perplexity: 15 }).coordinates).toEqual(
    map.coordinates,
  );
});

test('few points reduce the perplexity; too few or infinite ones are rejected', () => {
  const data = Float32Array.from({ length: 20 }, (_, i) => (i * 7) % 11);
  expect(mapPoints({ width: 2, data }, { iterations: 10 }).settings).toMatchObject({
    perplexity: 3,
    neighbours: 4,
  });
  expect(() => mapPoints({ width: 5, data })).toThrow(/8 points/);
  expect(() => mapPoints({ width: 2, data: data.map((value, i) => (i === 3 ? NaN : value)) })).toThrow(
    /finite/,
  );
});

test('a stratified sample has the requested size, without repetition, with labels within one of their share', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 220 }),
      (labels, count) => {
        const sample = stratifiedSample(labels, count, randomStream(1, 'sample test'));
        expect(sample.length).toBe(Math.min(count, labels.length));
        expect([...sample]).toEqual([...new Set(sample)].sort((a, b) => a - b));
        for (const label of new Set(labels)) {
          const share = labels.filter((one) => one === label).length / labels.length;
          const found = [...sample].filter((i) => labels[i] === label).length;
          expect(Math.abs(found - share * sample.length)).toBeLessThan(1);
        }
      },
    ),
  );
});
