// Metrics of predictions, defined as in scikit-learn, so that numbers can be compared across papers.
import { MienError } from 'mien-engine/base';
import { argmax, rowCount, type Scores } from './scores.js';

/** `counts[t][p]`: items of label t predicted as label p. */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Metrics of one label; zero where the denominator is zero. */
export interface LabelScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Items with the label. */
  readonly support: number;
}

/** Accuracy, and unweighted means over all labels of precision, recall and F1. */
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

/** The label index of an item. @throws MienError `shape` when it is out of range. */
export function labelAt(truth: ArrayLike<number>, index: number, classes: number): number {
  const label = truth[index]!;
  if (!Number.isInteger(label) || label < 0 || label >= classes)
    throw new MienError('shape', `label ${label} of item ${index} is not one of 0 … ${classes - 1}`);
  return label;
}

/**
 * Counts `[classes, classes]`: rows by true label, columns by predicted label.
 * @throws MienError `shape` when lengths differ or are zero, or an index is out of range.
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
 * Accuracy, and precision, recall and F1 per label and as macro averages, as scikit-learn's
 * `precision_recall_fscore_support` with `labels` = all labels, `average='macro'` and `zero_division=0`: a label without
 * items or without predictions counts as zero, and macro F1 is the mean of the labels' F1.
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

/** Means over the labels that occur among the true ones. */
export interface OccurringMeans {
  /** Mean of the labels' recalls (scikit-learn's `balanced_accuracy_score`). */
  readonly meanRecall: number;
  /** Mean of the labels' F1. */
  readonly f1: number;
}

/** For test sets that lack some of a model's labels: labels that never occur are left out of the means. */
export function meansOverOccurring(perLabel: readonly LabelScore[]): OccurringMeans {
  const occurring = perLabel.filter(({ support }) => support > 0);
  return {
    meanRecall: mean(occurring.map(({ recall }) => recall)),
    f1: mean(occurring.map(({ f1 }) => f1)),
  };
}

/** `scoreOf` the labels with the largest score (logits or posteriors). */
export const evaluateScores = (truth: ArrayLike<number>, logits: Scores): Score =>
  scoreOf(confusionMatrix(truth, argmax(logits), logits.classes));

/**
 * Mean squared distance between posterior and one-hot label, 0 to 2 (scikit-learn's `brier_score_loss` with
 * `scale_by_half=False`).
 */
export function brierScore(truth: ArrayLike<number>, posteriors: Scores): number {
  return meanOverItems(truth, posteriors, (label, start) => {
    let total = 0;
    for (let k = 0; k < posteriors.classes; k++)
      total += (posteriors.data[start + k]! - (k === label ? 1 : 0)) ** 2;
    return total;
  });
}

/** Mean negative log posterior of the true label in nats; posteriors are clipped at 2⁻⁵² as in scikit-learn. */
export function logLoss(truth: ArrayLike<number>, posteriors: Scores): number {
  return meanOverItems(
    truth,
    posteriors,
    (label, start) => -Math.log(Math.min(1, Math.max(Number.EPSILON, posteriors.data[start + label]!))),
  );
}

/**
 * Expected calibration error: the mean distance between accuracy and confidence over `bins` equal-width bins of the
 * largest posterior, weighted by the items in each; bins are open below and closed above.
 * Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 5.
 */
export function expectedCalibrationError(truth: ArrayLike<number>, posteriors: Scores, bins = 15): number {
  const n = rowCount(posteriors);
  checkLength(truth, n);
  const predicted = argmax(posteriors);
  /** Per bin: hits minus summed confidence. */
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

/**
 * Area under the ROC curve: the probability that an item with the label scores higher than one without, ties counted half
 * (the normalised Mann–Whitney U statistic, scikit-learn's `roc_auc_score`). NaN when all or no items have the label.
 * @param scores `[n]`
 * @param positive `[n]`: whether the item has the label
 * @throws MienError `shape` when lengths differ.
 */
export function areaUnderRoc(scores: ArrayLike<number>, positive: ArrayLike<boolean | number>): number {
  const n = scores.length;
  if (positive.length !== n)
    throw new MienError('shape', `${positive.length} labels for ${n} scores; the numbers must be equal`);
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let rankSum = 0;
  let count = 0;
  for (let start = 0; start < n;) {
    let end = start + 1;
    while (end < n && scores[order[end]!] === scores[order[start]!]) end++;
    // Tied scores share the mean of their ranks, counted from one.
    for (let i = start; i < end; i++)
      if (positive[order[i]!]) {
        rankSum += (start + end + 1) / 2;
        count++;
      }
    start = end;
  }
  return (rankSum - (count * (count + 1)) / 2) / (count * (n - count));
}

/**
 * The mean area under the ROC curve of each label against the rest; of two labels, both areas are equal. Labels without
 * items are left out.
 * @param posteriors `[n][labels]`
 * @param truth `[n]`: index of each item's label
 */
export function meanAreaUnderRoc(posteriors: readonly ArrayLike<number>[], truth: ArrayLike<number>): number {
  const labels = posteriors[0]?.length ?? 0;
  const areas = Array.from({ length: labels }, (_, label) =>
    areaUnderRoc(
      posteriors.map((row) => row[label]!),
      Array.from(truth, (one) => one === label),
    ),
  ).filter((area) => !Number.isNaN(area));
  return areas.reduce((sum, area) => sum + area, 0) / areas.length;
}
