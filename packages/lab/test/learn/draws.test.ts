// What an epoch meets and what items are trained towards.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { drawBeta, epochOrder, labelWeights, targetsOf } from '../../src/learn/draws.js';

const counts = (order: Int32Array, n: number): number[] =>
  Array.from({ length: n }, (_, i) => order.filter((item) => item === i).length);

test('whole repeats are exact, fractions random, zeros absent; epochs differ and are reproducible', () => {
  const repeats = [0, 1, 2, 1.5, 0.25];
  const many = Array.from({ length: 400 }, (_, epoch) => counts(epochOrder(repeats, 3, epoch), 5));
  for (const [none, one, two, half, quarter] of many) {
    expect([none, one, two]).toEqual([0, 1, 2]);
    expect([1, 2]).toContain(half);
    expect([0, 1]).toContain(quarter);
  }
  const mean = (i: number): number => many.reduce((sum, row) => sum + row[i]!, 0) / many.length;
  expect(mean(3)).toBeCloseTo(1.5, 1);
  expect(mean(4)).toBeCloseTo(0.25, 1);
  expect(epochOrder(repeats, 3, 7)).toEqual(epochOrder(repeats, 3, 7));
  const long = new Array<number>(50).fill(1);
  expect(epochOrder(long, 3, 7)).not.toEqual(epochOrder(long, 3, 8));
});

test('label weights have a mean of 1 over items; balance 1 gives all labels the same total', () => {
  const labels = [0, 0, 0, 0, 0, 0, 1, 1, 2];
  expect([...labelWeights(labels, 3, 0)]).toEqual([1, 1, 1]);
  const weights = labelWeights(labels, 3, 1);
  expect(labels.reduce((sum, label) => sum + weights[label]!, 0)).toBeCloseTo(9, 5);
  expect([6 * weights[0]!, 2 * weights[1]!, weights[2]!].map((total) => total.toFixed(4))).toEqual(
    new Array(3).fill('3.0000'),
  );
  // A label without items has no weight, and disturbs no other.
  expect(labelWeights([0, 0], 2, 1)[1]).toBe(0);
});

test('targets are distributions', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, fc.nat(2), (smoothing, part, label) => {
      const teacher = { posteriors: Float32Array.of(0.2, 0.5, 0.3), share: part };
      for (const target of [
        targetsOf([label], 3, smoothing)(0),
        targetsOf([label], 3, smoothing, teacher)(0),
      ])
        expect(target.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }),
  );
  expect([...targetsOf([1], 4, 0.2)(0)].map((p) => p.toFixed(3))).toEqual([
    '0.050',
    '0.850',
    '0.050',
    '0.050',
  ]);
  const teacher = { posteriors: Float32Array.of(0, 0, 0, 0, 1, 0), share: 1 };
  expect([...targetsOf([0, 0], 3, 0.2, teacher)(1)]).toEqual([0, 1, 0]);
});

test('Beta numbers have the mean and spread of their distribution', () => {
  for (const a of [0.2, 0.5, 1]) {
    const draw = randomStream(1, `beta ${a}`);
    const values = Array.from({ length: 20_000 }, () => drawBeta(draw, a));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(0.5, 2);
    expect(variance).toBeCloseTo(1 / (4 * (2 * a + 1)), 2);
  }
});
