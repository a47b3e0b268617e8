// Evaluates a recogniser on labelled items: the answer, each modality alone, and groups.
import { MienError } from 'mien-engine/base';
import { groupAccuracies, type GroupAccuracy } from '../evaluate/intervals.js';
import { MODALITIES, type Modality } from '../modalities/list.js';
import { argmax, scores } from '../evaluate/scores.js';
import { testResult, type TestResult } from '../evaluate/test-result.js';
import type { FailureCode, Probabilities, Recognition, Result } from './types.js';

/** A recognised item with its label, as the recogniser names it. */
export interface Judged {
  readonly result: Result;
  readonly label: string;
  /** Its group, if any; groups are reported separately. */
  readonly group?: string;
}

export interface Evaluation {
  readonly items: number;
  /** Items without an answer, by reason; they are in no row. */
  readonly failures: Readonly<Partial<Record<FailureCode, number>>>;
  /** Of the answer, and of each modality alone, each over the items that have it. */
  readonly rows: readonly TestResult[];
  /** Of the answer, by group. */
  readonly groups: readonly GroupAccuracy[];
}

export interface EvaluationOptions {
  /** Whether only labels that occur can be answered: posteriors are renormalised over them. */
  readonly restrict?: boolean;
  /** The modalities that have a row each; by default all of the list. */
  readonly modalities?: readonly string[];
}

/** @throws MienError `data` when no item was recognised, or the recogniser does not have a label. */
export function evaluateResults(
  judged: readonly Judged[],
  known: readonly string[],
  { restrict = false, modalities = MODALITIES }: EvaluationOptions = {},
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

  const views: (readonly [string, (result: Recognition) => Probabilities | undefined])[] = [
    ['answer', ({ probabilities }) => probabilities],
    ...modalities.map(
      (one) => [`${one} alone`, (result: Recognition) => result[one as Modality]?.probabilities] as const,
    ),
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
  name: string,
  items: readonly { readonly label: string; readonly probabilities: Probabilities }[],
  labels: readonly string[],
): TestResult {
  const truth = Uint8Array.from(items, ({ label }) => labels.indexOf(label));
  const posteriors = items.flatMap(({ probabilities }) => over(probabilities, labels));
  return testResult(name, labels, scores(labels.length, Float64Array.from(posteriors)), truth);
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
