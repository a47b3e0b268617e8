// What a face is trained towards: its label, the votes it got, or both; and how often labels occur in that.
import { FACE_LABELS, type FaceVotes } from 'mien/parts';
import { voteDistribution } from '../data/votes.js';
import type { FaceLearnSettings } from './settings.js';

/** A face as far as its label is concerned. */
export interface Labelled {
  readonly label: string;
  /** Which set it is of. */
  readonly dataset: string;
  /** FER+'s votes, where there are any. */
  readonly votes?: FaceVotes | undefined;
}

type VoteSettings = FaceLearnSettings['votes'];

/** Whether a face can be trained on: not if most voters saw no face, nothing they could name, or contempt. */
export const isTrainable = ({ votes }: Labelled, { share, least }: VoteSettings): boolean =>
  votes === undefined || share === 0 || voteDistribution(votes, least) !== undefined;

/**
 * Distributions over the labels `[faces, labels]`: `share` of the votes and the rest of the label itself; the label alone
 * for faces without votes.
 */
export function labelDistributions(
  faces: readonly Labelled[],
  labels: readonly string[],
  { share, least }: VoteSettings,
): Float32Array {
  const all = new Float32Array(faces.length * labels.length);
  faces.forEach(({ label, votes }, i) => {
    const voted = votes && share > 0 ? voteDistribution(votes, least) : undefined;
    const own = voted === undefined ? 1 : 1 - share;
    all[i * labels.length + labels.indexOf(label)]! += own;
    voted?.forEach((part, c) => (all[i * labels.length + labels.indexOf(FACE_LABELS[c]!)]! += share * part));
  });
  return all;
}

/**
 * How often each item is met in an epoch, on average: as often as its set's are, and items of a set's rarer labels more
 * often, by (most frequent / own count)^power, but at most `most` times as often.
 */
export function repeatsOfItems(
  labels: ArrayLike<number>,
  datasets: readonly string[],
  repeatsOf: (dataset: string) => number,
  { power, most }: FaceLearnSettings['rebalance'],
): number[] {
  const counts = new Map<string, number>();
  const keyOf = (i: number): string => `${datasets[i]} ${labels[i]}`;
  datasets.forEach((_, i) => counts.set(keyOf(i), (counts.get(keyOf(i)) ?? 0) + 1));
  const largest = new Map<string, number>();
  datasets.forEach((set, i) => largest.set(set, Math.max(largest.get(set) ?? 0, counts.get(keyOf(i))!)));
  return datasets.map((set, i) => {
    const factor = (largest.get(set)! / counts.get(keyOf(i))!) ** power;
    return repeatsOf(set) * Math.min(factor, most);
  });
}

/** Mean of the rows of `items`, weighted: `[labels]`, every number above 0. */
export function meanTarget(
  targetOf: (item: number) => Float32Array,
  items: readonly number[],
  weights: ArrayLike<number>,
  classes: number,
): number[] {
  const sum = new Float64Array(classes).fill(1e-6);
  for (const i of items) targetOf(i).forEach((part, c) => (sum[c]! += part * weights[i]!));
  const total = sum.reduce((a, b) => a + b, 0);
  return Array.from(sum, (part) => part / total);
}

/** The most likely label of each row. */
export const mostLikely = (rows: Float32Array, classes: number): Uint8Array =>
  Uint8Array.from({ length: rows.length / classes }, (_, i) => {
    const row = rows.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
