// How a face encoder in training does on validation, by data set and by what is taken for the truth.
import { argmax, confusionMatrix, scoreOf, scores } from 'mien/parts';
import type { Validation } from '../train/position.js';

/** What is known of the faces that are judged. */
export interface FaceTruth {
  /** Published label's index of each face. */
  readonly labels: Uint8Array;
  readonly datasets: readonly string[];
  /** What most voters chose; undefined where they did not vote, did not agree, or chose none of the labels. */
  readonly majority: readonly (number | undefined)[];
}

/**
 * Accuracy of each set by its published labels, mean recall of its labels, and, where faces were voted on, accuracy by
 * the votes and that of the second classifier by the published labels. The score is the mean over the sets, of the votes
 * where there are any: the larger set does not outweigh the smaller.
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
    const of = (values: ArrayLike<number>): Uint8Array => Uint8Array.from(members, (i) => values[i]!);
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
