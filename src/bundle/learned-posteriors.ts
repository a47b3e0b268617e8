// What learned encoders' own classifiers say of embeddings, calibrated on validation.
import { takeRows, type Tensor } from '../base/tensor.js';
import { fitTemperature, labelPrior, productOfPosteriors } from '../evaluate/calibration.js';
import type { Certainty } from '../evaluate/certainty.js';
import { fitCertainty } from '../evaluate/fit-certainty.js';
import { pick, restrictLogits, restrictPrior, scores, softmax } from '../evaluate/scores.js';
import type { Selection } from '../experiment/data.js';
import { classify } from '../learn/classifier.js';
import type { LearnedFace, LearnedText } from '../learn/read-learned.js';
import type { Posterior } from './corrupted-pairs.js';

/**
 * What validation says of a learned classifier: its temperature, and how sure it must be where it answers with the labels
 * `among`; and the label distribution of its training items.
 */
export function calibrated(
  { weights, labels }: LearnedText | LearnedFace,
  table: Tensor<'float32'>,
  { train, validation }: { readonly train: Selection; readonly validation: Selection },
  among: readonly string[],
): { temperature: number; prior: number[]; certainty: Certainty } {
  const logits = scores(
    labels.length,
    classify(takeRows(table, validation.rows).data, weights, labels.length),
  );
  const { temperature } = fitTemperature(logits, validation.labels);
  const asked = [...validation.labels.keys()].filter((i) => among.includes(labels[validation.labels[i]!]!));
  const truth = asked.map((i) => among.indexOf(labels[validation.labels[i]!]!));
  const posteriors = softmax(restrictLogits(pick(logits, asked), labels, among), temperature);
  return {
    temperature,
    prior: labelPrior(train.labels, labels.length),
    certainty: fitCertainty(truth, posteriors),
  };
}

/** What a learned classifier makes of embeddings, given that the label is one of `among`, each as likely as in `target`. */
export const posteriorsOf =
  (
    { weights, labels }: LearnedText | LearnedFace,
    { temperature, prior }: { readonly temperature: number; readonly prior: readonly number[] },
    among: readonly string[],
    target: readonly number[],
  ): Posterior =>
  ({ data }) => {
    const all = scores(labels.length, classify(data, weights, labels.length));
    const own = { temperature, prior: restrictPrior(prior, labels, among) };
    return softmax(productOfPosteriors([{ logits: restrictLogits(all, labels, among), ...own }], target));
  };
