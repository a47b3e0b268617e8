// Renders recognised items: for people one by one or as a table, for programs as CSV or JSONL.
import { stringify } from 'csv-stringify/sync';
import { renderText } from './text-table.js';
import { briefly, renderExplained, type Explained } from './explained.js';
import type { RecognizerInfo, Probabilities, Recognition, Result } from '../recognizer/types.js';

export type Format = 'table' | 'jsonl' | 'csv';

export interface Predicted {
  readonly id: string;
  readonly result: Result;
  /** Where it was asked for and there is an answer. */
  readonly explanation?: Explained | undefined;
}

/** Every label that an answer can have, alphabetical. */
export const answerLabels = ({ labels: { text, face, fused } }: RecognizerInfo): string[] =>
  [...new Set([...(fused ?? text ?? []), ...(face ?? [])])].sort();

/** Lines of a CSV or JSONL file, each ended. */
export function formatRows(
  rows: readonly Predicted[],
  format: 'jsonl' | 'csv',
  labels: readonly string[],
): string {
  if (format === 'jsonl')
    return rows
      .map(({ id, result, explanation }) => `${JSON.stringify({ id, ...result, explanation })}\n`)
      .join('');
  return stringify(
    rows.map(({ id, result }) => {
      const known = result.error ? undefined : result;
      return [
        id,
        known?.label ?? '',
        known?.from ?? '',
        result.error?.code ?? '',
        result.warnings.map(({ code }) => code).join(' '),
        ...[known?.text?.read, known?.gate?.mean, known?.disagreement].map(digits),
        known?.abstained === undefined ? '' : String(known.abstained),
        known?.set?.join(' ') ?? '',
        ...labels.map((label) => digits(known?.probabilities[label])),
      ];
    }),
  );
}

export const csvHeader = (labels: readonly string[]): string =>
  stringify([
    [
      'id',
      'label',
      'from',
      'error',
      'warnings',
      'read',
      'gate',
      'disagreement',
      'abstained',
      'set',
      ...labels.map((label) => `p_${label}`),
    ],
  ]);

const digits = (value: number | undefined): string => (value === undefined ? '' : value.toPrecision(6));
const share = (value: number | undefined): string =>
  value === undefined ? '–' : value.toFixed(2).replace(/^0\./, '.');

const FROM = { text: 'from the text', face: 'from the face', both: 'from text and face' } as const;

/** Finer labels that are shown, the most probable ones. */
const FINE_SHOWN = 5;

/** One item at length. */
export function renderOne(result: Recognition, explanation: Explained | undefined, width: number): string {
  const warnings = result.warnings.map(({ message }) => `note: ${message}`);
  const { label, probabilities, from, text, gate, disagreement, abstained, set } = result;
  const details = [
    ...(abstained ? ['too unsure to be given'] : []),
    FROM[from],
    ...(text && text.read < 1 ? [`${share(text.read)} of the text was read`] : []),
    ...(gate ? [`the face’s share in the fusion is ${share(gate.mean)}`] : []),
    ...(set ? [`one of ${set.join(', ')}`] : []),
    ...(disagreement === undefined ? [] : [`text and face disagree by ${share(disagreement)}`]),
  ];
  const fine = Object.entries(result.text?.fine ?? {}).sort(([, a], [, b]) => b - a);
  const finer = fine.slice(0, FINE_SHOWN).map(([name, value]) => `${name} ${share(value)}`);
  const head = `${label} ${share(probabilities[label])} (${details.join('; ')})`;
  const why = explanation ? ['', renderExplained(explanation, width)] : [];
  const named = finer.length > 0 ? ['', `the text in finer labels: ${finer.join(', ')}`] : [];
  return [
    head,
    '',
    tableOf(result, width),
    ...named,
    ...why,
    ...(warnings.length > 0 ? ['', ...warnings] : []),
  ].join('\n');
}

function tableOf(result: Recognition, width: number): string {
  const columns: [string, Probabilities][] = [
    ['answer', result.probabilities],
    ...(result.from === 'both' || result.from === 'text'
      ? [['text alone', result.text!.probabilities] as [string, Probabilities]]
      : []),
    ...(result.from === 'both'
      ? [['face alone', result.face!.probabilities] as [string, Probabilities]]
      : []),
  ];
  const labels = [...new Set(columns.flatMap(([, values]) => Object.keys(values)))].sort();
  return renderText(
    {
      columns: [{ header: 'label' }, ...columns.map(([header]) => ({ header, align: 'right' as const }))],
      groups: [
        { rows: labels.map((label) => [label, ...columns.map(([, values]) => share(values[label]))]) },
      ],
    },
    { width },
  );
}

/** Many items, a line each. */
export function renderMany(rows: readonly Predicted[], width: number): string {
  const explained = rows.some(({ explanation }) => explanation);
  return renderText(
    {
      columns: [
        { header: 'item' },
        { header: 'label' },
        { header: 'probability', align: 'right' },
        { header: 'from' },
        ...(explained ? [{ header: 'what counted most' }] : []),
        { header: 'remarks' },
      ],
      groups: [
        {
          rows: rows.map(({ id, result, explanation }) => {
            const why = explained ? [explanation ? briefly(explanation) : '–'] : [];
            if (result.error) return [id, '–', '–', '–', ...why, result.error.message];
            const unsure = result.abstained ? ['too unsure'] : [];
            const remarks = [...unsure, ...result.warnings.map(({ code }) => code)].join(', ');
            const probability = share(result.probabilities[result.label]);
            return [id, result.label, probability, result.from, ...why, remarks];
          }),
        },
      ],
    },
    { width },
  );
}
