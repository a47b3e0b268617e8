// One test set through one model: the numbers that a card states of it.
import {
  argmax,
  brierScore,
  confusionMatrix,
  type ConfusionMatrix,
  expectedCalibrationError,
  type Interval,
  type LabelScore,
  meansOverOccurring,
  type OccurringMeans,
  scoreOf,
  type Scores,
  wilsonInterval,
} from 'mien/parts';

export interface TestResult extends OccurringMeans {
  /** `ISEAR`, `FER2013 PrivateTest`, `ISEAR × RAF-DB, gated`, … */
  readonly name: string;
  readonly labels: readonly string[];
  readonly n: number;
  /** Share of items classified rightly, with Wilson's interval over items; of pairs, the mean over pairings. */
  readonly accuracy: Interval;
  readonly perLabel: readonly LabelScore[];
  readonly confusion: ConfusionMatrix;
  readonly calibrationError: number;
  readonly brier: number;
}

export function testResult(
  name: string,
  labels: readonly string[],
  posteriors: Scores,
  truth: Uint8Array,
  items = truth.length,
): TestResult {
  const confusion = confusionMatrix(truth, argmax(posteriors), labels.length);
  const { accuracy, perLabel } = scoreOf(confusion);
  return {
    name,
    labels,
    n: items,
    perLabel,
    confusion,
    ...meansOverOccurring(perLabel),
    accuracy: wilsonInterval(accuracy * items, items),
    calibrationError: expectedCalibrationError(truth, posteriors),
    brier: brierScore(truth, posteriors),
  };
}

/** Labels of items as indices. */
export const indices = (
  items: readonly { readonly label: string }[],
  labels: readonly string[],
): Uint8Array => Uint8Array.from(items, ({ label }) => labels.indexOf(label));

/** Share of the largest scores that are of the true label. */
export const accuracyOf = (values: Scores, truth: Uint8Array): number =>
  argmax(values).filter((label, i) => label === truth[i]).length / truth.length;
