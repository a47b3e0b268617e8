// From what each model says to one answer: which labels it is over, and when a face may say neutral or surprise.
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

/** 1 − entropy / log(labels): 0 for a posterior that says nothing, 1 for one that is sure. */
export function decidedness(probabilities: Probabilities): number {
  const values = Object.values(probabilities);
  const entropy = values.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
  return Math.min(1, Math.max(0, 1 - entropy / Math.log(values.length)));
}

/**
 * The answer to a text with a face: the fused posterior over the shared labels, and beside it those labels that only a
 * face can show (neutral, surprise). Texts of the training data all tell of an emotion, so no text can speak for the
 * latter; it speaks against them as far as it is decided. With m the face's probability of face-only labels and d the
 * text's decidedness they receive m (1 − d) of the answer, shared out as the face does, and the fused posterior the rest.
 * A text that says nothing leaves m as it is; one that is sure leaves nothing of it.
 */
export function withFaceOnly(fused: Probabilities, face: Probabilities, text: Probabilities): Probabilities {
  const shared = Object.keys(fused);
  const faceOnly = Object.keys(face).filter((label) => !shared.includes(label));
  const mass = faceOnly.reduce((sum, label) => sum + face[label]!, 0);
  const share = mass * (1 - decidedness(restricted(text, shared)));
  const all = [
    ...shared.map((label) => [label, fused[label]! * (1 - share)] as const),
    ...faceOnly.map((label) => [label, mass > 0 ? (face[label]! / mass) * share : 0] as const),
  ];
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
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
