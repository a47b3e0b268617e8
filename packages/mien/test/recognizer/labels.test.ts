// From posteriors to one answer: over which labels it is, what is warned of, how far posteriors are apart.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float32 } from 'mien-engine/base';
import type { BundleManifest } from '../../src/bundle/manifest.js';
import { FACE_LABELS, isFaceLabel, SHARED_LABELS, TEXT_LABELS } from '../../src/data/labels.js';
import { assemble } from '../../src/recognizer/answer.js';
import { divergence, restricted, topOf } from '../../src/recognizer/labels.js';
import type { Probabilities, Recognition } from '../../src/recognizer/types.js';

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
const sure = (label: string): Probabilities =>
  Object.fromEntries(SHARED_LABELS.map((one) => [one, one === label ? 1 : 0]));

/** A bundle without fusion whose texts and faces know these labels. */
const manifestOf = (texts: readonly string[], faces: readonly string[]): BundleManifest => {
  const part = (labels: readonly string[]) => ({
    labels,
    temperature: 1,
    prior: labels.map(() => 1 / labels.length),
  });
  return { text: part(texts), face: part(faces) } as unknown as BundleManifest;
};
/** The answer to a text and a face, each with a logit of 6 for its label. */
function answerTo(manifest: BundleManifest, said: string, shown: string): Recognition {
  const logits = ({ labels }: { readonly labels: readonly string[] }, label: string) =>
    float32(
      [1, labels.length],
      labels.map((one) => (one === label ? 6 : 0)),
    );
  const crop = { image: { width: 1, height: 1, data: new Uint8Array(3) }, place: null };
  return assemble(
    { crops: [crop], warnings: [] },
    manifest,
    {},
    {
      text: { logits: logits(manifest.text!, said), row: 0, read: 1 },
      face: { logits: logits(manifest.face!, shown), row: 0 },
      fused: undefined,
    },
  ) as Recognition;
}
const NINE = [...FACE_LABELS, 'guilt', 'shame'].sort();

describe('the answer to a text with a face', () => {
  test('is over the labels that both share, and over no other', () => {
    for (const texts of [TEXT_LABELS, NINE])
      for (const shown of FACE_LABELS) {
        const { probabilities } = answerTo(manifestOf(texts, FACE_LABELS), 'joy', shown);
        expect(Object.keys(probabilities)).toEqual(texts.filter((label) => isFaceLabel(label)));
        expect(total(probabilities)).toBeCloseTo(1, 9);
      }
    expect(answerTo(manifestOf(NINE, FACE_LABELS), 'neutral', 'neutral').label).toBe('neutral');
  });

  test('is warned of where words and face contradict each other: neutral ones contradict nothing', () => {
    const warned = (texts: readonly string[], said: string, shown: string): boolean =>
      answerTo(manifestOf(texts, FACE_LABELS), said, shown).warnings.some(
        ({ code }) => code === 'modalities-disagree',
      );
    expect(warned(NINE, 'joy', 'anger')).toBe(true);
    expect(warned(NINE, 'joy', 'joy')).toBe(false);
    expect(warned(NINE, 'joy', 'neutral')).toBe(false);
    expect(warned(NINE, 'neutral', 'anger')).toBe(false);
    // A surprised face contradicts words that could have told of surprise.
    expect(warned(NINE, 'anger', 'surprise')).toBe(true);
    expect(warned(NINE, 'surprise', 'joy')).toBe(true);
    expect(warned(TEXT_LABELS, 'anger', 'surprise')).toBe(false);
    expect(warned(TEXT_LABELS, 'anger', 'neutral')).toBe(false);
  });
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
