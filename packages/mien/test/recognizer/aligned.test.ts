// Naturally occurring pairs: groups of labels, ranking, agreeing and contradicting pairs, computed by hand.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { areaUnderRoc, meanAreaUnderRoc } from '../../src/evaluate/metrics.js';
import { evaluateAligned, type AlignedItem } from '../../src/recognizer/aligned.js';
import { collapsed, collapsedResult, collapseOf } from '../../src/recognizer/collapse.js';
import type { Recognition, Result } from '../../src/recognizer/types.js';

const LABELS = ['anger', 'joy', 'neutral', 'sadness'];
const POLARITY: Record<string, string | null> = {
  anger: 'negative',
  joy: 'positive',
  neutral: null,
  sadness: 'negative',
};
const polarity = collapseOf(LABELS, (label) => POLARITY[label] ?? null);

const posterior = (joy: number, anger = 1 - joy, neutral = 0) => ({
  label: '',
  logits: {},
  probabilities: { anger, joy, neutral, sadness: 1 - joy - anger - neutral },
});
const pair = (answer: number, text: number, face: number): Recognition => ({
  ...posterior(answer),
  from: 'both',
  warnings: [],
  text: { ...posterior(text), read: 1 },
  face: { ...posterior(face), place: null },
});

test('the area under the curve is the share of correctly ordered pairs, ties counted half', () => {
  expect(areaUnderRoc([0.1, 0.4, 0.35, 0.8], [false, false, true, true])).toBe(0.75);
  expect(areaUnderRoc([1, 1, 1], [true, false, true])).toBe(0.5);
  expect(areaUnderRoc([1, 2], [true, true])).toBeNaN();
  expect(() => areaUnderRoc([1], [])).toThrow(/0 labels for 1 scores/);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean())), (items) => {
      const [of, not] = [true, false].map((side) => items.filter(([, label]) => label === side));
      const pairs = of!.flatMap(([a]) => not!.map(([b]) => (a > b ? 1 : a === b ? 0.5 : 0) as number));
      const share = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
      const area = areaUnderRoc(
        items.map(([score]) => score),
        items.map(([, label]) => label),
      );
      if (pairs.length === 0) expect(area).toBeNaN();
      else expect(area).toBeCloseTo(share, 12);
    }),
  );
});

test('the mean area of several labels is that of one versus the rest, over those that occur', () => {
  const rows = [
    [0.8, 0.1, 0.1],
    [0.2, 0.7, 0.1],
    [0.6, 0.3, 0.1],
  ];
  expect(meanAreaUnderRoc(rows, [0, 1, 1])).toBe(1);
  expect(meanAreaUnderRoc(rows, [2, 0, 1])).toBeCloseTo((0 + 0.5 + 0.5) / 3, 12);
});

test('groups have the sum of their labels, renormalised', () => {
  expect(polarity.groups).toEqual(['negative', 'positive']);
  const [negative, positive] = collapsed({ anger: 0.2, joy: 0.3, neutral: 0.4, sadness: 0.1 }, polarity);
  expect(negative).toBeCloseTo(0.5, 12);
  expect(positive).toBeCloseTo(0.5, 12);
  expect(collapsed({ neutral: 1 }, polarity)).toEqual([0.5, 0.5]);
  const result = collapsedResult(pair(0.9, 0.2, 0.6), polarity) as Recognition;
  expect(result.probabilities['positive']).toBeCloseTo(0.9, 12);
  expect(result.text!.probabilities['positive']).toBeCloseTo(0.2, 12);
  expect(result.face!.probabilities['negative']).toBeCloseTo(0.4, 12);
});

test('rejects a mapping with an unknown label or a single group', () => {
  expect(() => collapseOf(LABELS, () => 'all')).toThrow(/two groups/);
  expect(() => collapseOf(LABELS, (label) => label, { named: ['jo'], file: 'p.yaml' })).toThrow(
    /p\.yaml.*"jo".*\n.*"joy"/,
  );
});

const failed: Result = { error: { code: 'no-face', message: '' }, warnings: [] };
const { face: _face, ...textOnly } = pair(0.9, 0.9, 0.5);
const items: AlignedItem[] = [
  // Agreeing: the answer is right in all three, the text in two, the face in two.
  { result: pair(0.9, 0.8, 0.7), text: 'positive', image: 'positive' },
  { result: pair(0.6, 0.3, 0.8), text: 'positive', image: 'positive' },
  { result: pair(0.2, 0.1, 0.75), text: 'negative', image: 'negative' },
  // Contradicting.
  { result: pair(0.5, 0.9, 0.1), text: 'positive', image: 'negative' },
  { result: failed, text: 'positive', image: 'positive' },
  { result: textOnly, text: 'positive', image: 'positive' },
];

test('evaluates agreeing and contradicting pairs as computed by hand', () => {
  const { failures, oneSided, agreeing, contradicting, all } = evaluateAligned(items, polarity, {
    replicates: 200,
  });
  expect(failures).toEqual({ 'no-face': 1 });
  expect([oneSided, agreeing.n, contradicting.n, all.n]).toEqual([1, 3, 1, 4]);
  const row = Object.fromEntries(agreeing.rows.map((one) => [one.name, one]));
  expect(row['answer']!.accuracy.mean).toBe(1);
  expect(row['text alone']!.accuracy.mean).toBeCloseTo(2 / 3, 12);
  expect(row['face alone']!.accuracy.mean).toBeCloseTo(2 / 3, 12);
  expect(row['text alone']!.meanRecall).toBeCloseTo(3 / 4, 12);
  expect(row['text alone']!.auc.mean).toBe(1);
  expect(row['face alone']!.auc.mean).toBe(0.5);
  expect(row['answer']!.logLikelihood).toBeCloseTo((Math.log(0.9) + Math.log(0.6) + Math.log(0.8)) / 3, 12);
  // .8 · .7 against .2 · .3, .3 · .8 against .7 · .2, .1 · .75 against .9 · .25.
  expect(row['product']!.accuracy.mean).toBe(1);
  const [, toText] = agreeing.differences;
  expect(toText!.to).toBe('text alone');
  expect(toText!.accuracy.mean).toBeCloseTo(1 / 3, 12);
  expect(toText!.accuracy.low).toBe(0);

  const either = Object.fromEntries(contradicting.rows.map((one) => [one.name, one]));
  expect(either['text alone']!.textAccuracy.mean).toBe(1);
  expect(either['text alone']!.imageAccuracy.mean).toBe(0);
  expect(either['answer']!.logLikelihood.mean).toBeCloseTo(Math.log(0.5), 12);
  expect(either['text alone']!.logLikelihood.mean).toBeCloseTo((Math.log(0.9) + Math.log(0.1)) / 2, 12);
});

test('the same pairs give the same intervals', () => {
  const once = evaluateAligned(items, polarity, { replicates: 50, seed: 1 });
  expect(evaluateAligned(items, polarity, { replicates: 50, seed: 1 })).toEqual(once);
});

test('rejects labels that are not groups, and pairs none of which has both text and face', () => {
  const [first] = items;
  expect(() => evaluateAligned([{ ...first!, image: 'mixed' }], polarity)).toThrow(/"mixed".*\n.*mapping/);
  expect(() => evaluateAligned(items.slice(4), polarity)).toThrow(/both text and face/);
});
