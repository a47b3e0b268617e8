// Measuring a recogniser on known labels: counts by hand, what failed, groups, restricted labels.
import { expect, test } from 'vitest';
import { scores, testResult } from 'mien/parts/evaluate';
import {
  evaluateResults,
  type Judged,
  type Probabilities,
  type Recognition,
  type Result,
} from 'mien/parts/recognizer';

const KNOWN = ['anger', 'joy', 'neutral'];
const posterior = (probabilities: Probabilities) => ({ label: '', probabilities, logits: {} });
const said = (label: string, p = 0.8): Result => ({
  label,
  from: 'text',
  logits: {},
  warnings: [],
  probabilities: Object.fromEntries(KNOWN.map((one) => [one, one === label ? p : (1 - p) / 2])),
  text: { ...posterior({ anger: 1, joy: 0, neutral: 0 }), read: 1 },
});
const failed: Result = { error: { code: 'no-face', message: '' }, warnings: [] };
const judged: Judged[] = [
  { result: said('joy'), label: 'joy', group: 'a' },
  { result: said('joy'), label: 'joy', group: 'a' },
  { result: said('anger'), label: 'joy', group: 'b' },
  { result: said('anger'), label: 'anger', group: 'b' },
  { result: said('neutral'), label: 'anger', group: 'b' },
  { result: failed, label: 'anger', group: 'b' },
];

test('accuracy, recall, confusion and failures, by hand', () => {
  const { items, failures, rows, groups } = evaluateResults(judged, KNOWN);
  expect(items).toBe(6);
  expect(failures).toEqual({ 'no-face': 1 });
  const [answer, text] = rows;
  expect(rows.map(({ name }) => name)).toEqual(['answer', 'text alone']);
  expect(answer!.n).toBe(5);
  expect(answer!.accuracy.mean).toBeCloseTo(3 / 5, 12);
  // Neutral never occurs: it has no part in the means over labels.
  expect(answer!.meanRecall).toBeCloseTo((1 / 2 + 2 / 3) / 2, 12);
  expect(answer!.confusion).toEqual([
    [1, 0, 1],
    [1, 2, 0],
    [0, 0, 0],
  ]);
  expect(answer!.calibrationError).toBeCloseTo(0.2, 12);
  expect(text!.accuracy.mean).toBeCloseTo(2 / 5, 12);
  expect(groups.map(({ group, n, accuracy }) => [group, n, accuracy.mean])).toEqual([
    ['a', 2, 1],
    ['b', 3, 1 / 3],
  ]);
});

test('each modality that some results have has a row of its own', () => {
  const side = posterior({ anger: 0, joy: 1, neutral: 0 });
  const { rows } = evaluateResults(
    [
      { result: { ...(said('joy') as Recognition), voice: { ...side, seconds: 1 } }, label: 'joy' },
      { result: { ...(said('joy') as Recognition), voice: { ...side, seconds: 1 } }, label: 'anger' },
      { result: { ...(said('joy') as Recognition), face: { ...side, place: null } }, label: 'joy' },
    ],
    KNOWN,
  );
  expect(rows.map(({ name, n, accuracy }) => [name, n, accuracy.mean])).toEqual([
    ['answer', 3, 2 / 3],
    ['text alone', 3, 1 / 3],
    ['face alone', 1, 1],
    ['voice alone', 2, 1 / 2],
  ]);
});

test('a row is the test result of its posteriors; means are over the labels that occur', () => {
  const answered = judged.filter(({ result }) => !result.error);
  const row = evaluateResults(answered, KNOWN).rows[0]!;
  const posteriors = answered.flatMap(({ result }) =>
    KNOWN.map((label) => (result as Recognition).probabilities[label]!),
  );
  const truth = Uint8Array.from(answered, ({ label }) => KNOWN.indexOf(label));
  expect(row).toEqual(testResult('answer', KNOWN, scores(3, Float64Array.from(posteriors)), truth));
  expect(row.meanRecall).toBeCloseTo((1 / 2 + 2 / 3) / 2, 12);
  expect(row.f1).toBeCloseTo((1 / 2 + 4 / 5) / 2, 12);
});

test('restricted to labels that occur, neutral cannot be answered', () => {
  const { rows, groups } = evaluateResults(judged, KNOWN, { restrict: true });
  expect(rows[0]!.labels).toEqual(['anger', 'joy']);
  // Of the item that was neutral, both others are even, and anger is the first.
  expect(rows[0]!.accuracy.mean).toBeCloseTo(4 / 5, 12);
  expect(groups[1]!.accuracy.mean).toBeCloseTo(2 / 3, 12);
});

test('labels of another world, and nothing recognised, are errors', () => {
  expect(() => evaluateResults([{ result: said('joy'), label: 'bliss' }], KNOWN)).toThrow(
    /bliss.*\n.*anger, joy/,
  );
  expect(() => evaluateResults([{ result: failed, label: 'joy' }], KNOWN)).toThrow(/no item/);
});
