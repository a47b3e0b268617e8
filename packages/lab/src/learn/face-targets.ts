// Targets and validation of faces: published labels, annotators' votes, or both.
import { itemsAt } from 'mien-engine/base';
import { FACE_LABELS, type FaceVotes } from 'mien/parts/data';
import { argmax, confusionMatrix, scoreOf, scores } from 'mien/parts/evaluate';
import { voteDistribution } from '../data/votes.js';
import type { Validation } from '../train/position.js';
import type { FaceLearnSettings } from './settings.js';

/** What is known of a face's label. */
export interface VotedFace {
  readonly label: string;
  /** The data set it is from. */
  readonly dataset: string;
  /** FER+'s votes, if there are any. */
  readonly votes?: FaceVotes | undefined;
}

type VoteSettings = FaceLearnSettings['votes'];

/** Whether a face can be trained on: not if most voters saw no face, nothing they could name, or contempt. */
export const isTrainable = ({ votes }: VotedFace, { share, least }: VoteSettings): boolean =>
  votes === undefined || share === 0 || voteDistribution(votes, least) !== undefined;

/**
 * Distributions over the labels `[faces, labels]`: `share` of the votes and the rest of the label itself; the label
 * alone for faces without votes.
 */
export function labelDistributions(
  faces: readonly VotedFace[],
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
 * How often each item occurs in an epoch, on average: as often as its set's items do, and items of a set's rarer labels
 * (most frequent / own count)^power times as often, at most `most` times.
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

/** What is known of validation faces. */
export interface FaceTruth {
  /** Index of each face's published label. */
  readonly labels: Uint8Array;
  readonly datasets: readonly string[];
  /** The label with most votes; undefined without votes, without agreement, or if it is none of the labels. */
  readonly majority: readonly (number | undefined)[];
}

/**
 * For each set, accuracy on its published labels and mean recall over them; if faces were voted on, also accuracy on
 * the votes, and the second classifier's on the published labels. The score is the mean over sets of the accuracy on
 * votes (on published labels for sets without votes), so that the larger set does not outweigh the smaller.
 */
export function scoreFaces(
  { logits, published }: { readonly logits: Float32Array; readonly published?: Float32Array },
  { labels, datasets, majority }: FaceTruth,
  classes: number,
): Validation {
  const predicted = argmax(scores(classes, logits));
  const second = published && argmax(scores(classes, published));
  const sets = [...new Set(datasets)].sort();
  const details: Record<string, number> = {};
  const main: number[] = [];
  for (const name of sets) {
    const members = datasets.flatMap((set, i) => (set === name ? [i] : []));
    const share = (of: readonly number[], isHit: (i: number) => boolean): number =>
      of.filter(isHit).length / of.length;
    const of = (values: ArrayLike<number>): Uint8Array => Uint8Array.from(itemsAt(values, members));
    const matrix = confusionMatrix(of(labels), of(predicted), classes);
    details[name] = share(members, (i) => predicted[i] === labels[i]);
    details[`${name} recall`] = scoreOf(matrix).recall;
    const voted = members.filter((i) => majority[i] !== undefined);
    if (voted.length > 0) {
      details[`${name} votes`] = share(voted, (i) => predicted[i] === majority[i]);
      if (second) details[`${name} published`] = share(members, (i) => second[i] === labels[i]);
    }
    main.push(details[`${name} votes`] ?? details[name]!);
  }
  return { score: main.reduce((a, b) => a + b, 0) / sets.length, details };
}
