// From posteriors to one answer: sums stay one, neutral and surprise come from the face and yield to a decided text.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidedness, divergence, restricted, topOf, withFaceOnly } from '../../src/recognizer/labels.js';
import { FACE_LABELS, SHARED_LABELS } from '../../src/data/labels.js';
import type { Probabilities } from '../../src/recognizer/types.js';

const posterior = (labels: readonly string[]): fc.Arbitrary<Probabilities> =>
  fc
    .array(fc.double({ min: 1e-6, max: 1, noNaN: true }), {
      minLength: labels.length,
      maxLength: labels.length,
    })
    .map((values) => {
      const total = values.reduce((a, b) => a + b, 0);
      return Object.fromEntries(labels.map((label, i) => [label, values[i]! / total]));
    });
const total = (p: Probabilities): number => Object.values(p).reduce((a, b) => a + b, 0);
const even = (labels: readonly string[]): Probabilities =>
  Object.fromEntries(labels.map((label) => [label, 1 / labels.length]));
const sure = (label: string): Probabilities =>
  Object.fromEntries(SHARED_LABELS.map((one) => [one, one === label ? 1 : 0]));

describe('the answer to a text with a face', () => {
  test('is a distribution over shared and face-only labels', () => {
    fc.assert(
      fc.property(
        posterior(SHARED_LABELS),
        posterior(FACE_LABELS),
        posterior(SHARED_LABELS),
        (fused, face, text) => {
          const answer = withFaceOnly(fused, face, text);
          expect(Object.keys(answer)).toEqual([...FACE_LABELS]);
          expect(total(answer)).toBeCloseTo(1, 9);
          // Among the shared labels nothing changes but the scale.
          const among = restricted(answer, SHARED_LABELS);
          for (const label of SHARED_LABELS) expect(among[label]).toBeCloseTo(fused[label]!, 6);
        },
      ),
    );
  });

  test('a text that says nothing leaves the face its neutral', () => {
    const face = {
      anger: 0.02,
      disgust: 0.02,
      fear: 0.02,
      joy: 0.02,
      neutral: 0.7,
      sadness: 0.02,
      surprise: 0.2,
    };
    const answer = withFaceOnly(even(SHARED_LABELS), face, even(SHARED_LABELS));
    expect(answer['neutral']).toBeCloseTo(0.7, 9);
    expect(answer['surprise']).toBeCloseTo(0.2, 9);
  });

  test('a text that is sure leaves none', () => {
    const face = { anger: 0, disgust: 0, fear: 0, joy: 0.01, neutral: 0.9, sadness: 0, surprise: 0.09 };
    const answer = withFaceOnly(sure('joy'), face, sure('joy'));
    expect(answer['neutral']).toBe(0);
    expect(answer['joy']).toBe(1);
  });

  test('a decided text takes more from neutral than an undecided one', () => {
    fc.assert(
      fc.property(posterior(FACE_LABELS), fc.double({ min: 0.2, max: 0.99, noNaN: true }), (face, p) => {
        const text = Object.fromEntries(
          SHARED_LABELS.map((label) => [label, label === 'joy' ? p : (1 - p) / (SHARED_LABELS.length - 1)]),
        );
        const answer = withFaceOnly(even(SHARED_LABELS), face, text);
        expect(answer['neutral']! + answer['surprise']!).toBeLessThanOrEqual(
          face['neutral']! + face['surprise']! + 1e-12,
        );
      }),
    );
  });
});

test('decidedness goes from nothing to sure', () => {
  expect(decidedness(even(SHARED_LABELS))).toBeCloseTo(0, 12);
  expect(decidedness(sure('fear'))).toBe(1);
});

test('divergence is symmetric, 0 for the same and 1 bit for disjoint posteriors', () => {
  expect(divergence(sure('joy'), sure('anger'))).toBe(1);
  expect(divergence(sure('joy'), sure('joy'))).toBe(0);
  // By hand: p = (1, 0), q = (½, ½) over two labels: ½ (log2 4/3) + ½ (½ log2 2/3 + ½ log2 2).
  const known = 0.5 * Math.log2(4 / 3) + 0.5 * (0.5 * Math.log2(2 / 3) + 0.5);
  expect(divergence({ a: 1, b: 0 }, { a: 0.5, b: 0.5 })).toBeCloseTo(known, 12);
  fc.assert(
    fc.property(posterior(SHARED_LABELS), posterior(SHARED_LABELS), (a, b) => {
      expect(divergence(a, b)).toBeCloseTo(divergence(b, a), 12);
      expect(divergence(a, b)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('restricting keeps ratios, and is uniform where nothing is left', () => {
  expect(restricted({ joy: 0.2, shame: 0.6, fear: 0.2 }, ['fear', 'joy'])).toEqual({ fear: 0.5, joy: 0.5 });
  expect(restricted({ joy: 0, shame: 1, fear: 0 }, ['fear', 'joy'])).toEqual({ fear: 0.5, joy: 0.5 });
});

test('the first of equal labels is on top', () => {
  expect(topOf({ anger: 0.5, joy: 0.5 })).toBe('anger');
});
