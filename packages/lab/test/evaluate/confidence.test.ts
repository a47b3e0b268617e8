// Reliability, risk over coverage and prediction sets against scikit-learn and numpy, and what they promise.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import {
  expectedCalibrationError,
  reliabilityBins,
  riskCoverage,
  scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import { conformalThreshold, setCoverage } from '../../src/evaluate/conformal.js';
import { golden } from '../../../../test/support/evaluate-golden.js';

const { classes, truth, posteriors, reliability, risk, area, held, conformal } = golden.confidence;
const all = scores(classes, Float64Array.from(posteriors));
const part = (from: number, to: number) => scores(classes, all.data.slice(from * classes, to * classes));

test('reliability bins equal scikit-learn’s calibration_curve', () => {
  const bins = reliabilityBins(truth, all, 10);
  bins.forEach(({ accuracy, confidence }, i) => {
    expect(accuracy).toBeCloseTo(reliability.accuracy[i]!, 12);
    expect(confidence).toBeCloseTo(reliability.confidence[i]!, 12);
  });
  expect(bins).toHaveLength(reliability.accuracy.length);
});

test('risk over coverage equals numpy’s running mean', () => {
  const curve = riskCoverage(truth, all);
  curve.risk.forEach((value, i) => expect(value).toBeCloseTo(risk[i]!, 12));
  expect(curve.area).toBeCloseTo(area, 12);
});

describe.each(conformal)('sets at α = $alpha, against numpy', (expected) => {
  test('threshold and coverage', () => {
    const threshold = conformalThreshold(truth.slice(0, held), part(0, held), expected.alpha);
    expect(threshold).toBeCloseTo(expected.threshold, 12);
    const found = setCoverage(truth.slice(held), part(held, truth.length), threshold);
    for (const key of ['coverage', 'size', 'single', 'empty'] as const)
      expect(found[key]).toBeCloseTo(expected[key], 12);
    found.perLabel.forEach((value, k) => expect(value).toBeCloseTo(expected.perLabel[k]!, 12));
  });
});

/** Any posteriors with labels. */
const judged = fc
  .tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 40 }), fc.integer())
  .map(([k, n, seed]) => {
    const stream = randomStream(Math.abs(seed), 'judged');
    const logits = scores(
      k,
      Float64Array.from({ length: n * k }, () => 2 * stream.normal()),
    );
    return { truth: Array.from({ length: n }, () => stream.integer(k)), posteriors: toPosteriors(logits) };
  });

test('bins contain every item once, and their weighted gaps are the expected calibration error', () => {
  fc.assert(
    fc.property(judged, (one) => {
      const n = one.truth.length;
      const bins = reliabilityBins(one.truth, one.posteriors);
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(n);
      const error = bins.reduce(
        (sum, { count, accuracy, confidence }) => sum + (count / n) * Math.abs(accuracy - confidence),
        0,
      );
      expect(error).toBeCloseTo(expectedCalibrationError(one.truth, one.posteriors), 9);
      for (const { low, high, confidence } of bins) {
        expect(confidence).toBeGreaterThanOrEqual(low - 1e-12);
        expect(confidence).toBeLessThanOrEqual(high + 1e-12);
      }
    }),
  );
});

test('at full coverage the risk is the error rate, for any order of items with equal confidence', () => {
  fc.assert(
    fc.property(judged, (one) => {
      const { risk: curve } = riskCoverage(one.truth, one.posteriors);
      expect(curve.every((value) => value >= 0 && value <= 1)).toBe(true);
    }),
  );
  const even = scores(
    2,
    Float64Array.from({ length: 8 }, (_, i) => (i % 2 ? 0.4 : 0.6)),
  );
  expect(riskCoverage([0, 0, 1, 1], even)).toEqual(riskCoverage([1, 0, 1, 0], even));
  expect([...riskCoverage([0, 0, 1, 1], even).risk]).toEqual([0.5, 0.5, 0.5, 0.5]);
});

test('sets have the requested coverage over many draws of held-out items', () => {
  let covered = 0;
  const draws = 400;
  for (let draw = 0; draw < draws; draw++) {
    const stream = randomStream(draw, 'conformal test');
    const logits = scores(
      3,
      Float64Array.from({ length: 3 * 60 }, () => 2 * stream.normal()),
    );
    // Labels that the posteriors know little about: the promise does not depend on the model.
    const labels = Array.from({ length: 60 }, () => stream.integer(3));
    const p = toPosteriors(logits);
    const cut = (from: number, to: number) => scores(3, p.data.slice(3 * from, 3 * to));
    const threshold = conformalThreshold(labels.slice(0, 39), cut(0, 39), 0.1);
    covered += setCoverage(labels.slice(39), cut(39, 60), threshold).coverage / draws;
  }
  // 39 held-out items promise exactly 36 / 40 on average.
  expect(covered).toBeGreaterThan(0.885);
  expect(covered).toBeLessThan(0.915);
});

test('a lower error rate never shrinks sets; too few items give every label', () => {
  fc.assert(
    fc.property(judged, (one) => {
      const thresholds = [0.3, 0.1, 0.02].map((alpha) =>
        conformalThreshold(one.truth, one.posteriors, alpha),
      );
      expect(thresholds).toEqual([...thresholds].sort((a, b) => a - b));
    }),
  );
  const few = scores(2, Float64Array.of(0.9, 0.1, 0.2, 0.8));
  expect(conformalThreshold([0, 1], few, 0.1)).toBe(1);
  expect(setCoverage([1, 0], few, 1)).toMatchObject({ coverage: 1, size: 2, single: 0, empty: 0 });
  expect(setCoverage([1, 1], few, 0.05).perLabel[0]).toBeNull();
});

test('rejects invalid input', () => {
  expect(() => riskCoverage([0], scores(2, new Float64Array(4)))).toThrow(/2 items/);
  expect(() => reliabilityBins([], scores(2, new Float64Array(0)))).toThrow(/0 items/);
  expect(() => conformalThreshold([0], scores(2, Float64Array.of(1, 0)), 1)).toThrow(/between 0 and 1/);
  expect(() => setCoverage([0], scores(2, new Float64Array(4)), 1)).toThrow(/2 items/);
});
