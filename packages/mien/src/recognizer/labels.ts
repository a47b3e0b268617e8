// Posteriors by label: from logits, restricted to some labels, and how far two of them are apart.
import type { BundleManifest } from '../bundle/manifest.js';
import { argmax, scores, softmax } from '../evaluate/scores.js';
import type { ModalityPosterior, Probabilities } from './types.js';

type Part = NonNullable<BundleManifest['text'] | BundleManifest['face'] | BundleManifest['fusion']>;

/** Values in the order of labels, by label. */
export const byLabel = (labels: readonly string[], values: ArrayLike<number>): Probabilities =>
  Object.fromEntries(labels.map((label, i) => [label, values[i]!]));

/** The label with the highest probability, the first of equals. */
export const topOf = (probabilities: Probabilities): string => {
  const labels = Object.keys(probabilities);
  return labels[argmax(scores(labels.length, Float64Array.from(Object.values(probabilities))))[0]!]!;
};

/** Row `row` of a model's logits `[n, labels]` as a calibrated posterior. */
export function posteriorOf(
  { labels, temperature }: Pick<Part, 'labels' | 'temperature'>,
  logits: Float32Array,
  row: number,
): ModalityPosterior {
  const own = logits.subarray(row * labels.length, (row + 1) * labels.length);
  const probabilities = byLabel(labels, softmax(scores(labels.length, own), temperature).data);
  return { label: topOf(probabilities), probabilities, logits: byLabel(labels, own) };
}

/** The posterior given that the label is one of `labels`; uniform where none of them has any probability. */
export function restricted(probabilities: Probabilities, labels: readonly string[]): Probabilities {
  const total = labels.reduce((sum, label) => sum + (probabilities[label] ?? 0), 0);
  return byLabel(
    labels,
    labels.map((label) => (total > 0 ? (probabilities[label] ?? 0) / total : 1 / labels.length)),
  );
}

/** Jensen–Shannon divergence of two posteriors over the same labels, in bits: 0 to 1. */
export function divergence(a: Probabilities, b: Probabilities): number {
  const term = (p: number, mean: number): number => (p > 0 ? p * Math.log2(p / mean) : 0);
  const total = Object.keys(a).reduce((sum, label) => {
    const [p, q] = [a[label]!, b[label]!];
    return sum + term(p, (p + q) / 2) + term(q, (p + q) / 2);
  }, 0);
  return Math.min(1, Math.max(0, total / 2));
}
