// Resampling: against SciPy's percentile interval and statsmodels' cluster-robust standard errors, and its properties.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import {
  bootstrapMeans,
  bootstrapPValue,
  factorOf,
  multiwayVariances,
  percentileInterval,
  quantile,
  resampleMeans,
} from '../../src/evaluate/bootstrap.js';
import { golden } from '../../../../test/support/evaluate-golden.js';

const { resampling } = golden;
const deviation = (values: Float64Array): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
};
const options = { replicates: 6000, seed: 4 };
const items = (n: number) => factorOf(Array.from({ length: n }, (_, i) => i));

test('quantiles agree with numpy', () => {
  const values = resampling.values.map((value, i) => value + i / 7);
  for (const [q, expected] of resampling.quantiles) expect(quantile(values, q)).toBeCloseTo(expected, 12);
});

test('independent items give the standard error of a mean, and SciPy’s percentile interval', () => {
  const { values, mean, standardError, low, high } = resampling;
  const [means] = bootstrapMeans([values], [items(values.length)], options);
  expect(Math.abs(deviation(means!) / standardError - 1)).toBeLessThan(0.04);
  const interval = percentileInterval({ mean, replicates: means! });
  expect(interval.mean).toBe(mean);
  expect(Math.abs(interval.low! - low)).toBeLessThan(0.015);
  expect(Math.abs(interval.high! - high)).toBeLessThan(0.015);
});

test('clusters give statsmodels’ cluster-robust standard error, which items alone would halve', () => {
  const { clusters, clustered, clusteredStandardError } = resampling;
  const [means] = bootstrapMeans([clustered], [factorOf(clusters)], options);
  expect(Math.abs(deviation(means!) / clusteredStandardError - 1)).toBeLessThan(0.08);
  const [alone] = bootstrapMeans([clustered], [items(clustered.length)], options);
  expect(deviation(alone!)).toBeLessThan(0.6 * clusteredStandardError);
});

test('two crossed factors give statsmodels’ two-way standard error, which the plain bootstrap exceeds', () => {
  const { rows, columns, crossed, crossedStandardError } = resampling;
  const factors = [factorOf(rows), factorOf(columns)];
  const [plain] = bootstrapMeans([crossed], factors, options);
  expect(deviation(plain!) / crossedStandardError).toBeGreaterThan(0.97);
  expect(deviation(plain!) / crossedStandardError).toBeLessThan(1.25);
  const [shrunk] = resampleMeans([crossed], factors, options);
  expect(deviation(shrunk!.replicates)).toBeLessThanOrEqual(1.001 * crossedStandardError);
  expect(deviation(shrunk!.replicates)).toBeGreaterThan(0.97 * crossedStandardError);
});

test('variances with one-way and two-way clustering agree with statsmodels', () => {
  const { clusters, clustered, clusteredStandardError, rows, columns, crossed, crossedStandardError } =
    resampling;
  const [one] = multiwayVariances([clustered], [factorOf(clusters)]);
  expect(Math.sqrt(one!)).toBeCloseTo(clusteredStandardError, 9);
  const [two] = multiwayVariances([crossed], [factorOf(rows), factorOf(columns)]);
  expect(Math.sqrt(two!)).toBeCloseTo(crossedStandardError, 9);
});

test('a factor that a statistic does not depend on leaves its interval unchanged', () => {
  // Each text is paired with three faces, but the statistic depends on the text only.
  const stream = randomStream(2, 'crossed test');
  const texts = Array.from({ length: 200 }, () => stream.normal());
  const pairs = Array.from({ length: 600 }, (_, o) => o % 200);
  const faces = factorOf(pairs.map(() => stream.integer(400)));
  const [alone] = bootstrapMeans([texts], [items(200)], options);
  const [paired] = resampleMeans([pairs.map((text) => texts[text]!)], [factorOf(pairs), faces], options);
  expect(Math.abs(deviation(paired!.replicates) / deviation(alone!) - 1)).toBeLessThan(0.06);
});

test('the standard error over few units is not underestimated, since n − 1 of n are drawn', () => {
  const values = [0.7, 0.72, 0.69, 0.75, 0.66];
  const [means] = bootstrapMeans([values], [items(5)], { replicates: 20000 });
  const mean = values.reduce((sum, value) => sum + value, 0) / 5;
  const standardError = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4 / 5);
  expect(Math.abs(deviation(means!) / standardError - 1)).toBeLessThan(0.03);
});

test('statistics use the same resamples: shifted by a constant, they differ by it everywhere', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 30 }),
      fc.double({ min: -3, max: 3, noNaN: true }),
      (values, shift) => {
        const shifted = values.map((value) => value + shift);
        const factor = factorOf(values.map((_, i) => i % 3));
        const [a, b] = bootstrapMeans([values, shifted], [factor], { replicates: 20 });
        a!.forEach((value, i) => expect(b![i]! - value).toBeCloseTo(shift, 9));
        expect(Math.min(...a!)).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
        expect(Math.max(...a!)).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
      },
    ),
    { numRuns: 30 },
  );
});

test('a single unit is not resampled, and the same seed gives the same means', () => {
  const [means] = bootstrapMeans([[1, 0, 1]], [factorOf(['only', 'only', 'only'])], { replicates: 5 });
  means!.forEach((value) => expect(value).toBeCloseTo(2 / 3, 12));
  const run = (seed: number) => bootstrapMeans([resampling.values], [items(80)], { replicates: 9, seed });
  expect(run(1)).toEqual(run(1));
  expect(run(1)).not.toEqual(run(2));
});

test('p-values are small if all replicates lie on one side, and one if they straddle evenly', () => {
  const positive = Float64Array.from({ length: 999 }, () => 0.1);
  expect(bootstrapPValue(positive)).toBeCloseTo(0.002, 12);
  expect(bootstrapPValue([-1, 1, -2, 2])).toBe(1);
  expect(bootstrapPValue([0, 0, 0])).toBe(1);
});

test('different lengths are rejected', () => {
  expect(() => bootstrapMeans([[1, 2]], [items(3)])).toThrow(/same observations/);
  expect(() => bootstrapMeans([], [])).toThrow(/same observations/);
});
