// The result of a model's test on labelled data: what model cards, `mien evaluate` and reports state.
import { wilsonInterval, type Interval } from './intervals.js';
import {
  brierScore,
  confusionMatrix,
  expectedCalibrationError,
  meansOverOccurring,
  scoreOf,
  type ConfusionMatrix,
  type LabelScore,
  type OccurringMeans,
} from './metrics.js';
import { argmax, type Scores } from './scores.js';

export interface TestResult extends OccurringMeans {
  /** `ISEAR`, `FER2013 PrivateTest`, `ISEAR × RAF-DB, gated`, … */
  readonly name: string;
  /** Items tested. */
  readonly n: number;
  /** With Wilson's 95% interval over items; of pairs, the mean over pairings. */
  readonly accuracy: Interval;
  /** Expected calibration error in 15 bins, and Brier score (0 to 2). */
  readonly calibrationError: number;
  readonly brier: number;
  /** Alphabetical; the order of `perLabel` and of the rows and columns of `confusion`. */
  readonly labels: readonly string[];
  readonly perLabel: readonly LabelScore[];
  readonly confusion: ConfusionMatrix;
}

/**
 * The test result of posteriors.
 * @param posteriors `[rows, labels]`
 * @param truth `[rows]`: the index of each row's label
 * @param n independent items, of which the interval is; fewer than rows if several rows share an item, such as a text
 *   paired with several faces
 * @throws MienError `shape` if the number of labels differs from that of rows or is 0, or a label is out of range.
 */
export function testResult(
  name: string,
  labels: readonly string[],
  posteriors: Scores,
  truth: Uint8Array,
  n = truth.length,
): TestResult {
  const confusion = confusionMatrix(truth, argmax(posteriors), labels.length);
  const { accuracy, perLabel } = scoreOf(confusion);
  return {
    name,
    labels,
    n,
    perLabel,
    confusion,
    ...meansOverOccurring(perLabel),
    accuracy: wilsonInterval(accuracy * n, n),
    calibrationError: expectedCalibrationError(truth, posteriors),
    brier: brierScore(truth, posteriors),
  };
}
