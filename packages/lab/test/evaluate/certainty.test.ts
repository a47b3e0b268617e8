// Sets and abstention keep what they promise on new items of the same kind, and say less when less is known.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import {
  answerThresholds,
  argmax,
  leastConfidence,
  leastPosterior,
  scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import { fitCertainty, setCoverage } from '../../src/evaluate/conformal.js';

/** Items whose logits speak for their label, more or less. */
function drawn(n: number, seed: number, classes = 5) {
  const draw = randomStream(seed, 'certainty');
  const truth = Uint8Array.from({ length: n }, () => draw.integer(classes));
  const logits = Float64Array.from({ length: n * classes }, (_, i) => {
    const isLabel = truth[Math.floor(i / classes)] === i % classes;
    return 1.5 * draw.normal() + (isLabel ? 2.5 : 0);
  });
  return { truth, posteriors: toPosteriors(scores(classes, logits)) };
}

const held = drawn(2000, 1);
const fresh = drawn(20_000, 2);
const certainty = fitCertainty(held.truth, held.posteriors);

test.each([0.5, 0.8, 0.9, 0.95, 0.99])(
  'sets at coverage %f hold the label of new items as often',
  (wanted) => {
    const least = leastPosterior(certainty, wanted);
    const { coverage } = setCoverage(fresh.truth, fresh.posteriors, 1 - least);
    // Three standard errors of a threshold from 2,000 items.
    expect(Math.abs(coverage - wanted)).toBeLessThan(3 * Math.sqrt((wanted * (1 - wanted)) / 2000) + 0.005);
  },
);

test.each([0.05, 0.1, 0.2])('answers at a risk of %f have at most this error rate', (risk) => {
  const least = leastConfidence(certainty, risk)!;
  const best = argmax(fresh.posteriors);
  const answered = [...best.keys()].filter((i) => fresh.posteriors.data[i * 5 + best[i]!]! >= least);
  const wrong = answered.filter((i) => best[i] !== fresh.truth[i]).length;
  expect(answered.length).toBeGreaterThan(1000);
  expect(wrong / answered.length).toBeLessThan(risk);
});

test('a coverage between two known ones gets the larger set, an unattainable risk no answers', () => {
  expect(leastPosterior(certainty, 0.905)).toBe(leastPosterior(certainty, 0.91));
  expect(leastPosterior(certainty, 0.91)).toBeLessThanOrEqual(leastPosterior(certainty, 0.9));
  expect(leastConfidence(certainty, 1e-6)).toBeUndefined();
  expect(leastConfidence(certainty, 0.999)).toBe(certainty.answers[0]!.confidence);
});

test('few held-out items give weak guarantees', () => {
  const few = drawn(10, 3);
  const little = fitCertainty(few.truth, few.posteriors);
  // With ten items the largest score is the threshold up to 10/11; beyond, every label is in the set.
  expect(leastPosterior(little, 0.9)).toBeGreaterThan(0);
  expect(leastPosterior(little, 0.95)).toBe(0);
  expect(leastConfidence(little, 0.05)).toBeUndefined();
});

test('higher thresholds answer fewer, more confident items', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 1000 }), (n, seed) => {
      const { truth, posteriors } = drawn(n, seed);
      const found = answerThresholds(truth, posteriors);
      expect(found[0]!.answered).toBe(1);
      found.slice(1).forEach(({ confidence, answered }, i) => {
        expect(confidence).toBeGreaterThan(found[i]!.confidence);
        expect(answered).toBeLessThan(found[i]!.answered);
      });
      for (const { risk } of found) expect(risk).toBeGreaterThan(0);
    }),
  );
});
