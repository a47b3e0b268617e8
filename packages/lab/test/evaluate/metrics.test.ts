// Metrics against scikit-learn's values, and properties that hold for any predictions.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  argmax,
  brierScore,
  confusionMatrix,
  evaluateScores,
  expectedCalibrationError,
  fitTemperature,
  logLoss,
  scoreOf,
  scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import { seedInterval } from '../../src/evaluate/intervals.js';

interface Golden {
  cases: {
    classes: number;
    truth: number[];
    logits: number[];
    confusion: number[][];
    accuracy: number;
    perLabel: Record<'precision' | 'recall' | 'f1' | 'support', number[]>;
    macro: Record<'precision' | 'recall' | 'f1', number>;
    brier: number;
    logLoss: number;
    ece: number;
    temperature: number;
    temperatureLoss: number;
  }[];
  intervals: { values: number[]; mean: number; low: number; high: number }[];
}
const golden = JSON.parse(
  readFileSync(new URL('../../../../test/golden/evaluate/metrics.json', import.meta.url), 'utf8'),
) as Golden;

describe.each(golden.cases)('$classes labels, against scikit-learn', (expected) => {
  const logits = scores(expected.classes, Float32Array.from(expected.logits));
  const posteriors = toPosteriors(logits);

  test('confusion matrix, accuracy, precision, recall, F1', () => {
    expect(confusionMatrix(expected.truth, argmax(logits), expected.classes)).toEqual(expected.confusion);
    const score = evaluateScores(expected.truth, logits);
    expect(score.accuracy).toBeCloseTo(expected.accuracy, 12);
    for (const metric of ['precision', 'recall', 'f1'] as const) {
      expect(score[metric]).toBeCloseTo(expected.macro[metric], 12);
      score.perLabel.forEach((label, k) =>
        expect(label[metric]).toBeCloseTo(expected.perLabel[metric][k]!, 12),
      );
    }
    expect(score.perLabel.map(({ support }) => support)).toEqual(expected.perLabel.support);
  });

  test('Brier score, log loss, expected calibration error', () => {
    expect(brierScore(expected.truth, posteriors)).toBeCloseTo(expected.brier, 10);
    expect(logLoss(expected.truth, posteriors)).toBeCloseTo(expected.logLoss, 10);
    expect(expectedCalibrationError(expected.truth, posteriors)).toBeCloseTo(expected.ece, 10);
  });

  test('temperature', () => {
    const fit = fitTemperature(logits, expected.truth);
    expect(fit.temperature).toBeCloseTo(expected.temperature, 5);
    expect(fit.after).toBeCloseTo(expected.temperatureLoss, 10);
    expect(fit.bounded).toBe(false);
  });
});

test.each(golden.intervals)('t interval of $values.length values, against SciPy', (expected) => {
  const interval = seedInterval(expected.values);
  expect(interval.mean).toBeCloseTo(expected.mean, 12);
  expect(interval.low).toBeCloseTo(expected.low, 9);
  expect(interval.high).toBeCloseTo(expected.high, 9);
});

test('a label never predicted or never present counts as zero', () => {
  const score = scoreOf(confusionMatrix([0, 0, 1], [0, 0, 0], 3));
  expect(score.perLabel.map(({ f1 }) => f1)).toEqual([0.8, 0, 0]);
  expect(score.precision).toBeCloseTo(2 / 9, 12);
});

test('rejects inconsistent lengths and invalid labels', () => {
  expect(() => confusionMatrix([0, 1], [0], 2)).toThrow(/2 labels for 1 predictions/);
  expect(() => confusionMatrix([], [], 2)).toThrow(/at least one/);
  expect(() => confusionMatrix([2], [0], 2)).toThrow(/label 2 of item 0 is not one of 0 … 1/);
  expect(() => argmax(scores(2, Float32Array.of(0, 1, NaN, 0)))).toThrow(/item 1 are not finite/);
  expect(() => scores(3, new Float32Array(4))).toThrow(/4 scores/);
});

test('ties go to the first label, and a confidence of exactly one is in the last bin', () => {
  expect([...argmax(scores(3, Float32Array.of(1, 1, 0, 0, 2, 2)))]).toEqual([0, 1]);
  expect(expectedCalibrationError([0, 1], scores(2, Float32Array.of(1, 0, 1, 0)))).toBeCloseTo(0.5, 12);
});

const pairs = fc
  .integer({ min: 1, max: 6 })
  .chain((classes) =>
    fc
      .array(fc.tuple(fc.nat(classes - 1), fc.nat(classes - 1)), { minLength: 1, maxLength: 50 })
      .map((items) => ({ classes, truth: items.map(([t]) => t), predicted: items.map(([, p]) => p) })),
  );

test('metrics are in [0, 1], independent of order, and one only for perfect predictions', () => {
  fc.assert(
    fc.property(pairs, ({ classes, truth, predicted }) => {
      const score = scoreOf(confusionMatrix(truth, predicted, classes));
      for (const value of [score.accuracy, score.precision, score.recall, score.f1]) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
      }
      expect(scoreOf(confusionMatrix(truth.toReversed(), predicted.toReversed(), classes))).toEqual(score);
      const perfect = scoreOf(confusionMatrix(truth, truth, classes));
      expect(perfect.accuracy).toBe(1);
      expect(perfect.f1).toBeCloseTo(new Set(truth).size / classes, 12);
      // Transposing swaps precision and recall.
      const transposed = scoreOf(confusionMatrix(predicted, truth, classes));
      expect(transposed.precision).toBeCloseTo(score.recall, 12);
      expect(transposed.f1).toBeCloseTo(score.f1, 12);
    }),
  );
});
