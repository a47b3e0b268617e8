// Temperature and product of posteriors: against Bayes' rule by enumeration, and at the extremes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import {
  fitTemperature,
  labelPrior,
  productOfPosteriors,
  temperatureBounds,
} from '../../src/evaluate/calibration.js';
import { logLoss } from '../../src/evaluate/metrics.js';
import {
  toLogPosteriors,
  restrictLogits,
  restrictPosteriors,
  restrictPrior,
  scores,
  toPosteriors,
} from '../../src/evaluate/scores.js';

/** A joint distribution p(y) p(t | y) p(v | y) over two binary observations and three labels. */
const prior = [0.5, 0.3, 0.2];
const texts = [0.9, 0.4, 0.2];
const faces = [0.3, 0.8, 0.6];
const normalise = (values: number[]): number[] =>
  values.map((value) => value / values.reduce((a, b) => a + b, 0));
const bernoulli = (p: number, outcome: number): number => (outcome ? p : 1 - p);

describe('product of posteriors', () => {
  /** The face classifier was trained on a label distribution other than that of the pairs. */
  const facePrior = [0.1, 0.2, 0.7];

  test('is the exact posterior of the pair if each modality gives its exact posterior', () => {
    for (const t of [0, 1])
      for (const v of [0, 1]) {
        const exact = normalise(prior.map((p, y) => p * bernoulli(texts[y]!, t) * bernoulli(faces[y]!, v)));
        const text = normalise(prior.map((p, y) => p * bernoulli(texts[y]!, t))).map(Math.log);
        const face = normalise(facePrior.map((p, y) => p * bernoulli(faces[y]!, v))).map(Math.log);
        const product = productOfPosteriors(
          [
            { logits: scores(3, Float64Array.from(text)), temperature: 1, prior },
            { logits: scores(3, Float64Array.from(face)), temperature: 1, prior: facePrior },
          ],
          prior,
        );
        [...product.data].forEach((log, y) => expect(Math.exp(log)).toBeCloseTo(exact[y]!, 12));
      }
  });

  test('is not changed by a modality without information', () => {
    const row = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(row, fc.double({ min: 0.1, max: 10, noNaN: true }), (logits, temperature) => {
        const text = { logits: scores(3, Float64Array.from(logits)), temperature, prior };
        const uninformative = {
          logits: scores(3, Float64Array.from(facePrior, Math.log)),
          temperature: 1,
          prior: facePrior,
        };
        const alone = toLogPosteriors(text.logits, temperature).data;
        productOfPosteriors([text, uninformative], prior).data.forEach((log, k) =>
          expect(log).toBeCloseTo(alone[k]!, 9),
        );
      }),
    );
  });

  test('is finite for confident modalities that contradict each other', () => {
    const confident = (row: number[]) => ({
      logits: scores(3, Float64Array.from(row)),
      temperature: 0.05,
      prior,
    });
    const { data } = productOfPosteriors([confident([1000, 0, 0]), confident([0, 1000, 0])], prior);
    expect([...data].every((log) => log <= 0)).toBe(true);
    expect(data.reduce((total, log) => total + Math.exp(log), 0)).toBeCloseTo(1, 9);
  });

  test('rejects modalities of different labels or lengths, and priors of zero', () => {
    const logits = scores(3, new Float64Array(3));
    const evidence = { logits, temperature: 1, prior };
    expect(() => productOfPosteriors([evidence], [0.5, 0.5])).toThrow(/same labels/);
    expect(() => productOfPosteriors([evidence], [1, 0, 0])).toThrow(/above zero/);
  });
});

describe('temperature', () => {
  const stream = randomStream(1, 'calibration test');
  const n = 400;
  const logits = Float64Array.from({ length: n * 4 }, () => stream.normal() * 2);
  /** Labels drawn from the posteriors, so that the logits are calibrated. */
  const labels = Array.from({ length: n }, (_, row) => {
    const p = toPosteriors(scores(4, logits.slice(row * 4, row * 4 + 4))).data;
    let draw = stream.uniform();
    return Math.max(
      0,
      [...p].findIndex((value) => (draw -= value) < 0),
    );
  });

  test('of calibrated logits is about one, and scales with the logits', () => {
    const { temperature } = fitTemperature(scores(4, logits), labels);
    expect(Math.abs(temperature - 1)).toBeLessThan(0.15);
    for (const scale of [0.3, 3, 9]) {
      const scaled = fitTemperature(
        scores(
          4,
          logits.map((z) => z * scale),
        ),
        labels,
      );
      expect(scaled.temperature).toBeCloseTo(temperature * scale, 6);
    }
  });

  test('minimises the loss', () => {
    const fit = fitTemperature(scores(4, logits), labels);
    expect(fit.after).toBeLessThanOrEqual(fit.before);
    for (const factor of [0.98, 1.02])
      expect(logLoss(labels, toPosteriors(scores(4, logits), fit.temperature * factor))).toBeGreaterThan(
        fit.after,
      );
  });

  test('stops at a bound for logits that are always right, always wrong, or all equal', () => {
    const right = scores(2, Float64Array.of(3, 0, 0, 3));
    expect(fitTemperature(right, [0, 1])).toMatchObject({
      temperature: temperatureBounds.low,
      bounded: true,
    });
    expect(fitTemperature(right, [1, 0])).toMatchObject({
      temperature: temperatureBounds.high,
      bounded: true,
    });
    expect(Number.isFinite(fitTemperature(scores(2, new Float64Array(4)), [0, 1]).temperature)).toBe(true);
    expect(fitTemperature(scores(2, Float64Array.of(1e30, 0, 0, 1e30)), [0, 1]).after).toBeCloseTo(0, 12);
  });

  test('rejects logits that are not finite', () => {
    expect(() => fitTemperature(scores(2, Float64Array.of(NaN, 0)), [0])).toThrow(/not finite/);
    expect(() => fitTemperature(scores(2, Float64Array.of(-Infinity, 0)), [1])).toThrow(/−∞/);
  });
});

test('seven labels restricted to five: logits and posteriors agree, and rows sum to one', () => {
  const seven = ['anger', 'disgust', 'fear', 'joy', 'neutral', 'sadness', 'surprise'];
  const five = ['anger', 'disgust', 'fear', 'joy', 'sadness'];
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 7, maxLength: 7 }),
      (row) => {
        const logits = scores(7, Float64Array.from(row));
        const byLogits = toPosteriors(restrictLogits(logits, seven, five)).data;
        const byPosteriors = restrictPosteriors(toPosteriors(logits), seven, five).data;
        byPosteriors.forEach((p, k) => expect(p).toBeCloseTo(byLogits[k]!, 9));
        expect(byPosteriors.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
      },
    ),
  );
  const gone = restrictPosteriors(scores(7, Float64Array.of(0, 0, 0, 0, 1, 0, 0)), seven, five);
  expect([...gone.data]).toEqual([0.2, 0.2, 0.2, 0.2, 0.2]);
  expect(restrictPrior([0.1, 0.1, 0.1, 0.1, 0.3, 0.1, 0.2], seven, five)).toEqual([0.2, 0.2, 0.2, 0.2, 0.2]);
  expect(() => restrictLogits(scores(7, new Float64Array(7)), seven, ['shame'])).toThrow(/"shame"/);
});

test('a label prior has no zero and sums to one', () => {
  expect(labelPrior([0, 0, 2, 0], 3)).toEqual([4 / 7, 1 / 7, 2 / 7]);
  expect(() => labelPrior([3], 3)).toThrow(/label 3/);
});
