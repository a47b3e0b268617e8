// Intervals: what they reduce to, and that they hold the true mean as often as they say.
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { crossedInterval, seedInterval } from '../../src/evaluate/intervals.js';
import { wilsonInterval } from 'mien/parts/evaluate';

test('one run has a mean and no interval', () => {
  expect(seedInterval([0.6])).toEqual({ mean: 0.6, low: null, high: null });
  expect(crossedInterval([[0.6]])).toEqual({ mean: 0.6, low: null, high: null });
  expect(() => seedInterval([])).toThrow(/at least one/);
});

test('equal runs have an interval of width zero', () => {
  expect(seedInterval([0.5, 0.5, 0.5])).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
  expect(
    crossedInterval([
      [0.5, 0.5],
      [0.5, 0.5],
    ]),
  ).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
});

test('with one pairing or one seed, the crossed interval equals the simple one', () => {
  const values = [0.7, 0.72, 0.69];
  expect(crossedInterval(values.map((value) => [value]))).toEqual(seedInterval(values));
  expect(crossedInterval([values])).toEqual(seedInterval(values));
});

test('without an effect of pairings the interval is that over seeds, and vice versa', () => {
  const values = [0.7, 0.72, 0.69, 0.71];
  const expected = seedInterval(values);
  const bySeed = crossedInterval(values.map((value) => [value, value, value]));
  const byPairing = crossedInterval([values, values, values]);
  for (const actual of [bySeed, byPairing]) {
    expect(actual.mean).toBeCloseTo(expected.mean, 12);
    expect(actual.low).toBeCloseTo(expected.low!, 9);
    expect(actual.high).toBeCloseTo(expected.high!, 9);
  }
});

test('rejects rows of different lengths', () => {
  expect(() => crossedInterval([[1, 2], [1]])).toThrow(/same number/);
});

test.each([
  { seed: 1, pairing: 0, rest: 0.2 },
  { seed: 0, pairing: 1, rest: 0.2 },
  { seed: 1, pairing: 1, rest: 1 },
  { seed: 0, pairing: 0, rest: 1 },
])(
  '95% of intervals contain the mean: spread $seed by seed, $pairing by pairing, $rest by both',
  (spread) => {
    const draws = 600;
    let held = 0;
    for (let draw = 0; draw < draws; draw++) {
      const stream = randomStream(7, `crossed ${spread.seed} ${spread.pairing} ${spread.rest}`, draw);
      const pairings = Array.from({ length: 3 }, () => spread.pairing * stream.normal());
      const values = Array.from({ length: 5 }, () => {
        const seed = spread.seed * stream.normal();
        return pairings.map((pairing) => 10 + seed + pairing + spread.rest * stream.normal());
      });
      const { low, high } = crossedInterval(values);
      if (low! <= 10 && 10 <= high!) held++;
    }
    // Three standard errors of 600 draws below .95; too wide is safe, too narrow is not.
    expect(held / draws).toBeGreaterThan(0.923);
  },
);

test('a proportion has Wilson’s interval', () => {
  // statsmodels 0.14: proportion_confint(8, 10, method='wilson') and (0, 20).
  const { low, high } = wilsonInterval(8, 10);
  expect(low).toBeCloseTo(0.490162, 6);
  expect(high).toBeCloseTo(0.943318, 6);
  expect(wilsonInterval(0, 20).low).toBeCloseTo(0, 9);
  expect(wilsonInterval(0, 20).high).toBeCloseTo(0.161125, 6);
  expect(() => wilsonInterval(0, 0)).toThrow(/at least one/);
});
