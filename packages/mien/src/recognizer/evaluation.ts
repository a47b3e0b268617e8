// How a recogniser does on items whose labels are known: the answer, what each modality alone would have said, groups.
import { MienError } from 'mien-engine/base';
import { groupAccuracies, type GroupAccuracy, type Interval, wilsonInterval } from '../evaluate/intervals.js';
import {
  brierScore,
  confusionMatrix,
  expectedCalibrationError,
  meansOverOccurring,
  scoreOf,
  type ConfusionMatrix,
  type LabelScore,
  type OccurringMeans,
} from '../evaluate/metrics.js';
import { argmax, scores } from '../evaluate/scores.js';
import type { FailureCode, Probabilities, Recognition, Result } from './types.js';

/** A recognised item with its label, in the recogniser's words. */
export interface Judged {
  readonly result: Result;
  readonly label: string;
  /** Whom or what it is of: groups are reported by themselves. */
  readonly group?: string;
}

interface EvaluationRow extends OccurringMeans {
  readonly name: 'answer' | 'text alone' | 'face alone';
  /** Items that it could judge. */
  readonly n: number;
  /** With Wilson's interval over items at 95 %. */
  readonly accuracy: Interval;
  /** Expected calibration error in 15 bins, and Brier score (0 to 2). */
  readonly calibrationError: number;
  readonly brier: number;
  readonly labels: readonly string[];
  readonly perLabel: readonly LabelScore[];
  readonly confusion: ConfusionMatrix;
}

export interface Evaluation {
  readonly items: number;
  /** Items without an answer, by reason; they are in no row. */
  readonly failures: Readonly<Partial<Record<FailureCode, number>>>;
  readonly rows: readonly EvaluationRow[];
  /** Of the answer, by group. */
  readonly groups: readonly GroupAccuracy[];
}

export interface EvaluationOptions {
  /** Whether only labels that occur can be answered: posteriors are renormalised over them. */
  readonly restrict?: boolean;
}

/** @throws MienError `data` when no item was recognised, or a label is none that the recogniser knows. */
export function evaluateResults(
  judged: readonly Judged[],
  known: readonly string[],
  { restrict = false }: EvaluationOptions = {},
): Evaluation {
  const occurring = [...new Set(judged.map(({ label }) => label))].sort();
  const foreign = occurring.find((label) => !known.includes(label));
  if (foreign !== undefined)
    throw new MienError('data', `the label "${foreign}" is none of the model's`, {
      hint: `It knows ${[...known].sort().join(', ')}. A mapping file says which label stands for which.`,
    });
  const answered = judged.flatMap(({ result, ...rest }) => (result.error ? [] : [{ ...rest, result }]));
  if (answered.length === 0) throw new MienError('data', 'no item could be recognised');
  const failures: Partial<Record<FailureCode, number>> = {};
  for (const { result } of judged)
    if (result.error) failures[result.error.code] = (failures[result.error.code] ?? 0) + 1;

  const views: [EvaluationRow['name'], (result: Recognition) => Probabilities | undefined][] = [
    ['answer', ({ probabilities }) => probabilities],
    ['text alone', ({ text }) => text?.probabilities],
    ['face alone', ({ face }) => face?.probabilities],
  ];
  const rows = views.flatMap(([name, of]) => {
    const seen = answered.flatMap(({ result, label }) => {
      const probabilities = of(result);
      return probabilities ? [{ label, probabilities }] : [];
    });
    return seen.length > 0 ? [rowOf(name, seen, restrict ? occurring : [...known].sort())] : [];
  });
  return {
    items: judged.length,
    failures,
    rows,
    groups: groupsOf(answered, restrict ? occurring : undefined),
  };
}

function rowOf(
  name: EvaluationRow['name'],
  items: readonly { readonly label: string; readonly probabilities: Probabilities }[],
  labels: readonly string[],
): EvaluationRow {
  const truth = Uint8Array.from(items, ({ label }) => labels.indexOf(label));
  const posteriors = scores(
    labels.length,
    Float64Array.from(items.flatMap(({ probabilities }) => over(probabilities, labels))),
  );
  const confusion = confusionMatrix(truth, argmax(posteriors), labels.length);
  const { accuracy, perLabel } = scoreOf(confusion);
  return {
    name,
    n: items.length,
    labels,
    perLabel,
    confusion,
    ...meansOverOccurring(perLabel),
    accuracy: wilsonInterval(Math.round(accuracy * items.length), items.length),
    calibrationError: expectedCalibrationError(truth, posteriors),
    brier: brierScore(truth, posteriors),
  };
}

/** Probabilities of these labels, renormalised; even where none of them has any. */
function over(probabilities: Probabilities, labels: readonly string[]): number[] {
  const values = labels.map((label) => probabilities[label] ?? 0);
  const total = values.reduce((a, b) => a + b, 0);
  return values.map((value) => (total > 0 ? value / total : 1 / labels.length));
}

function groupsOf(
  answered: readonly { readonly result: Recognition; readonly label: string; readonly group?: string }[],
  among: readonly string[] | undefined,
): GroupAccuracy[] {
  const items = answered.map(({ result, label, group }) => {
    const labels = among ?? Object.keys(result.probabilities);
    const said =
      labels[argmax(scores(labels.length, Float64Array.from(over(result.probabilities, labels))))[0]!];
    return { group, hit: said === label };
  });
  return groupAccuracies(items).sort(({ group: a }, { group: b }) => (a < b ? -1 : 1));
}
