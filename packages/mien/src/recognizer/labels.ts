// Values by label: posteriors, the most probable label, a posterior restricted to some labels.
import { argmax, scores } from '../evaluate/scores.js';
import type { Probabilities } from './types.js';

/** Values in the order of labels, by label. */
export const byLabel = (labels: readonly string[], values: ArrayLike<number>): Probabilities =>
  Object.fromEntries(labels.map((label, i) => [label, values[i]!]));

/** A posterior in the order of labels, by label: without the rounding of float32, so that it sums to one. */
export function probabilitiesOf(labels: readonly string[], posterior: Float32Array): Probabilities {
  let total = 0;
  for (const value of posterior) total += value;
  return Object.fromEntries(labels.map((label, i) => [label, posterior[i]! / total]));
}

/** The label with the highest probability, the first of equals. */
export const topOf = (probabilities: Probabilities): string => {
  const labels = Object.keys(probabilities);
  return labels[argmax(scores(labels.length, Float64Array.from(Object.values(probabilities))))[0]!]!;
};

/** The posterior given that the label is one of `labels`; uniform if all of them have probability zero. */
export function restricted(probabilities: Probabilities, labels: readonly string[]): Probabilities {
  const total = labels.reduce((sum, label) => sum + (probabilities[label] ?? 0), 0);
  return byLabel(
    labels,
    labels.map((label) => (total > 0 ? (probabilities[label] ?? 0) / total : 1 / labels.length)),
  );
}
