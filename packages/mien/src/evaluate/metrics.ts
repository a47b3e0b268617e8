// Metrics of predictions, defined as scikit-learn defines them, so that numbers can be compared across papers.
import { MienError } from 'mien-engine/base';
import { argmax, rowCount, type Scores } from './scores.js';

/** `counts[t][p]`: items of label t predicted as label p. */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Metrics of one label; zero where its denominator is zero. */
export interface LabelScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Items that bear the label. */
  readonly support: number;
}

/** What a table row states: accuracy, and unweighted means over all labels of precision, recall and F1. */
export interface Score {
  readonly accuracy: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly perLabel: readonly LabelScore[];
}

function checkLength(truth: ArrayLike<number>, n: number): void {
  if (truth.length !== n || n === 0)
    throw new MienError(
      'shape',
      `${truth.length} labels for ${n} predictions; at least one of each is needed`,
    );
}

/** A label index, checked. */
export function labelAt(truth: ArrayLike<number>, index: number, classes: number): number {
  const label = truth[index]!;
  if (!Number.isInteger(label) || label < 0 || label >= classes)
    throw new MienError('shape', `label ${label} of item ${index} is not one of 0 … ${classes - 1}`);
  return label;
}

/**
 * Counts `[classes, classes]`, rows by true label, columns by predicted one.
 * @throws MienError `shape` when lengths differ, nothing is given, or an index is out of range.
 */
export function confusionMatrix(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): ConfusionMatrix {
  checkLength(truth, predicted.length);
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < predicted.length; i++)
    counts[labelAt(truth, i, classes)]![labelAt(predicted, i, classes)]! += 1;
  return counts;
}

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/**
 * Accuracy, per-label and macro precision, recall and F1. As scikit-learn's `precision_recall_fscore_support` with
 * `labels` = all labels, `average='macro'` and `zero_division=0`: a label without items or without predictions
 * counts as zero, and macro F1 is the mean of the labels' F1.
 */
export function scoreOf(counts: ConfusionMatrix): Score {
  const perLabel = counts.map((row, label): LabelScore => {
    const hits = row[label]!;
    const support = sum(row);
    const predicted = sum(counts.map((other) => other[label]!));
    return {
      precision: ratio(hits, predicted),
      recall: ratio(hits, support),
      f1: ratio(2 * hits, support + predicted),
      support,
    };
  });
  return {
    accuracy: ratio(sum(counts.map((row, label) => row[label]!)), sum(counts.map(sum))),
    precision: mean(perLabel.map((score) => score.precision)),
    recall: mean(perLabel.map((score) => score.recall)),
    f1: mean(perLabel.map((score) => score.f1)),
    perLabel,
  };
}

/** Means over the labels that occur in the truth. */
export interface OccurringMeans {
  /** Mean of the labels' recalls (scikit-learn's `balanced_accuracy_score`). */
  readonly meanRecall: number;
  /** Mean of the labels' F1. */
  readonly f1: number;
}

/** For test sets that need not hold every label a model knows: one that never occurs has no part in the means. */
export function meansOverOccurring(perLabel: readonly LabelScore[]): OccurringMeans {
  const occurring = perLabel.filter(({ support }) => support > 0);
  return {
    meanRecall: mean(occurring.map(({ recall }) => recall)),
    f1: mean(occurring.map(({ f1 }) => f1)),
  };
}

/** `scoreOf` the labels with the largest score (logits or posteriors alike). */
export const evaluateScores = (truth: ArrayLike<number>, logits: Scores): Score =>
  scoreOf(confusionMatrix(truth, argmax(logits), logits.classes));

/**
 * Mean over items of the squared distance between posterior and one-hot label: 0 to 2 (scikit-learn's
 * `brier_score_loss` with `scale_by_half=False`).
 */
export function brierScore(truth: ArrayLike<number>, posteriors: Scores): number {
  return meanOverItems(truth, posteriors, (label, start) => {
    let total = 0;
    for (let k = 0; k < posteriors.classes; k++)
      total += (posteriors.data[start + k]! - (k === label ? 1 : 0)) ** 2;
    return total;
  });
}

/** Mean negative log posterior of the true label in nats; posteriors are cut at 2⁻⁵² as in scikit-learn. */
export function logLoss(truth: ArrayLike<number>, posteriors: Scores): number {
  return meanOverItems(
    truth,
    posteriors,
    (label, start) => -Math.log(Math.min(1, Math.max(Number.EPSILON, posteriors.data[start + label]!))),
  );
}

/**
 * Expected calibration error: over `bins` equal-width bins of the largest probability, the mean distance between
 * accuracy and confidence, weighted by the bin's items. Source: Guo et al. 2017, "On Calibration of Modern Neural
 * Networks", equation 5; bins are open below and closed above.
 */
export function expectedCalibrationError(truth: ArrayLike<number>, posteriors: Scores, bins = 15): number {
  const n = rowCount(posteriors);
  checkLength(truth, n);
  const predicted = argmax(posteriors);
  /** Per bin: hits minus summed confidence, whose size over n is the bin's share of the error. */
  const gaps = new Float64Array(bins);
  for (let row = 0; row < n; row++) {
    const confidence = posteriors.data[row * posteriors.classes + predicted[row]!]!;
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
    gaps[bin]! += (predicted[row] === labelAt(truth, row, posteriors.classes) ? 1 : 0) - confidence;
  }
  return gaps.reduce((total, gap) => total + Math.abs(gap), 0) / n;
}

function meanOverItems(
  truth: ArrayLike<number>,
  posteriors: Scores,
  loss: (label: number, start: number) => number,
): number {
  const n = rowCount(posteriors);
  checkLength(truth, n);
  let total = 0;
  for (let row = 0; row < n; row++)
    total += loss(labelAt(truth, row, posteriors.classes), row * posteriors.classes);
  return total / n;
}
