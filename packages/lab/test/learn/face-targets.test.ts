// What faces are trained towards and judged by: votes beside labels, rare labels met more often, truths kept apart.
import { expect, test } from 'vitest';
import { FACE_LABELS, type FaceLabel, type FaceVotes } from 'mien/parts/data';
import {
  isTrainable,
  labelDistributions,
  meanTarget,
  mostLikely,
  repeatsOfItems,
  scoreFaces,
  type VotedFace,
} from '../../src/learn/face-targets.js';

const votes = (counts: Partial<Record<FaceLabel, number>>, others: Partial<FaceVotes> = {}): FaceVotes => ({
  labels: Object.fromEntries(FACE_LABELS.map((label) => [label, counts[label] ?? 0])) as FaceVotes['labels'],
  contempt: 0,
  unknown: 0,
  noFace: 0,
  ...others,
});
const at = (label: FaceLabel): number => FACE_LABELS.indexOf(label);
const faces: readonly VotedFace[] = [
  { label: 'fear', dataset: 'fer2013', votes: votes({ surprise: 6, joy: 2, anger: 1 }) },
  { label: 'disgust', dataset: 'rafdb' },
];

test('a target is the votes’ share of the votes and the rest of the label', () => {
  const rows = labelDistributions(faces, FACE_LABELS, { share: 0.6, least: 2 });
  const row = rows.subarray(0, 7);
  expect(row[at('fear')]).toBeCloseTo(0.4, 6);
  expect(row[at('surprise')]).toBeCloseTo(0.6 * 0.75, 6);
  expect(row[at('joy')]).toBeCloseTo(0.6 * 0.25, 6);
  expect(row[at('anger')]).toBe(0);
  expect(rows[7 + at('disgust')]).toBe(1);
  expect([...mostLikely(rows, 7)]).toEqual([at('surprise'), at('disgust')]);
  const labels = labelDistributions(faces, FACE_LABELS, { share: 0, least: 2 });
  expect([...mostLikely(labels, 7)]).toEqual([at('fear'), at('disgust')]);
});

test('images that most voters could not label are excluded, unless votes do not count', () => {
  const of = (given: FaceVotes): boolean[] =>
    [0.7, 0].map((share) =>
      isTrainable({ label: 'joy', dataset: 'fer2013', votes: given }, { share, least: 2 }),
    );
  expect(of(votes({ joy: 4 }, { noFace: 6 }))).toEqual([false, true]);
  expect(of(votes({ joy: 4 }, { contempt: 6 }))).toEqual([false, true]);
  expect(of(votes({ joy: 5, neutral: 5 }))).toEqual([true, true]);
  expect(isTrainable({ label: 'joy', dataset: 'rafdb' }, { share: 1, least: 2 })).toBe(true);
});

test('rare labels of a set occur more often, up to a limit, by the counts of each set', () => {
  const labels = [0, 0, 0, 0, 1, 0];
  const sets = ['a', 'a', 'a', 'a', 'a', 'b'];
  const repeats = (power: number, most: number): number[] =>
    repeatsOfItems(labels, sets, (set) => (set === 'b' ? 2 : 1), { power, most });
  expect(repeats(0, 4)).toEqual([1, 1, 1, 1, 1, 2]);
  expect(repeats(0.5, 4)).toEqual([1, 1, 1, 1, 2, 2]);
  expect(repeats(1, 3)).toEqual([1, 1, 1, 1, 3, 2]);
});

test('the mean target counts items as often as they occur, and no label has probability zero', () => {
  const rows = [Float32Array.of(1, 0, 0), Float32Array.of(0, 1, 0)];
  const [first, second, none] = meanTarget((i) => rows[i]!, [0, 1], [1, 3], 3) as [number, number, number];
  expect(first).toBeCloseTo(0.25, 5);
  expect(second).toBeCloseTo(0.75, 5);
  expect(none).toBeGreaterThan(0);
  expect(first + second + none).toBeCloseTo(1, 12);
});

test('scores by published labels, by votes and of the second classifier are kept apart', () => {
  const truth = {
    labels: Uint8Array.of(0, 1, 1, 0),
    datasets: ['fer2013', 'fer2013', 'fer2013', 'rafdb'],
    majority: [1, 1, undefined, undefined],
  };
  const says = (...chosen: number[]): Float32Array =>
    Float32Array.from(chosen.flatMap((label) => (label === 0 ? [1, 0] : [0, 1])));
  const { score, details } = scoreFaces({ logits: says(1, 1, 0, 0), published: says(0, 1, 1, 1) }, truth, 2);
  expect(details['fer2013']).toBeCloseTo(1 / 3);
  expect(details['fer2013 votes']).toBe(1);
  expect(details['fer2013 published']).toBe(1);
  expect(details['rafdb']).toBe(1);
  expect(details['rafdb votes']).toBeUndefined();
  expect(score).toBe(1);
});
