// Renders predictions: for people one by one or as a table, for programs as CSV or JSONL.
import { stringify } from 'csv-stringify/sync';
import type { ParquetColumn } from '../data/parquet.js';
import { modalities, MODALITIES } from '../modalities/list.js';
import { renderText, wrap } from './text-table.js';
import { renderExplanation, summarizeExplanation, type PrintedExplanation } from './explanations.js';
import type {
  Probabilities,
  Recognition,
  RecognizerInfo,
  Result,
  VoiceSegment,
} from '../recognizer/types.js';

export type FileFormat = 'jsonl' | 'csv' | 'parquet';
export type Format = 'table' | FileFormat;

export interface Predicted {
  readonly id: string;
  readonly result: Result;
  /** If requested and there is an answer. */
  readonly explanation?: PrintedExplanation | undefined;
}

/** All labels of answers, alphabetical. */
export const predictedLabels = ({ labels: { fused, fine: _fine, ...own } }: RecognizerInfo): string[] =>
  [
    ...new Set(Object.entries(own).flatMap(([name, labels]) => (name === 'text' && fused ? fused : labels))),
  ].sort();

interface ResultColumn extends Pick<ParquetColumn, 'name' | 'type'> {
  /** Undefined or an empty list where the result has none. */
  readonly of: (row: Predicted) => string | number | boolean | readonly string[] | undefined;
}

/** The columns of a table of results; probabilities of these labels. */
const resultColumns = (labels: readonly string[]): readonly ResultColumn[] => {
  const answer = ({ result }: Predicted): Recognition | undefined => (result.error ? undefined : result);
  return [
    { name: 'id', type: 'STRING', of: ({ id }) => id },
    { name: 'label', type: 'STRING', of: (row) => answer(row)?.label },
    { name: 'from', type: 'STRING', of: (row) => answer(row)?.from },
    { name: 'error', type: 'STRING', of: ({ result }) => result.error?.code },
    { name: 'warnings', type: 'STRING', of: ({ result }) => result.warnings.map(({ code }) => code) },
    { name: 'read', type: 'DOUBLE', of: (row) => answer(row)?.text?.read },
    { name: 'gate', type: 'DOUBLE', of: (row) => answer(row)?.gate?.mean },
    { name: 'disagreement', type: 'DOUBLE', of: (row) => answer(row)?.disagreement },
    { name: 'abstained', type: 'BOOLEAN', of: (row) => answer(row)?.abstained },
    { name: 'set', type: 'STRING', of: (row) => answer(row)?.set },
    ...labels.map((label) => ({
      name: `p_${label}`,
      type: 'DOUBLE' as const,
      of: (row: Predicted) => answer(row)?.probabilities[label],
    })),
  ];
};

/** Complete lines of a CSV or JSONL file. */
export function formatRows(
  rows: readonly Predicted[],
  format: 'jsonl' | 'csv',
  labels: readonly string[],
): string {
  if (format === 'jsonl')
    return rows
      .map(({ id, result, explanation }) => `${JSON.stringify({ id, ...result, explanation })}\n`)
      .join('');
  const columns = resultColumns(labels);
  const cell = (value: ReturnType<ResultColumn['of']>): string =>
    typeof value === 'number'
      ? digits(value)
      : typeof value === 'object'
        ? value.join(' ')
        : String(value ?? '');
  return stringify(rows.map((row) => columns.map(({ of }) => cell(of(row)))));
}

export const csvHeader = (labels: readonly string[]): string =>
  stringify([resultColumns(labels).map(({ name }) => name)]);

/** The same table as columns of a Parquet file; what a result does not have is missing. */
export const parquetColumns = (rows: readonly Predicted[], labels: readonly string[]): ParquetColumn[] =>
  resultColumns(labels).map(({ name, type, of }) => ({
    name,
    type,
    data: rows.map((row) => {
      const value = of(row);
      return typeof value === 'object' ? value.join(' ') || undefined : value;
    }),
  }));

const digits = (value: number | undefined): string => (value === undefined ? '' : value.toPrecision(6));
const share = (value: number | undefined): string =>
  value === undefined ? '–' : value.toFixed(2).replace(/^0\./, '.');

const presentIn = (result: Recognition) => MODALITIES.filter((modality) => result[modality]);
const listed = (names: readonly string[]): string => `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;

/** Which modalities decided: "from the text", "from text and face". */
function fromOf(result: Recognition): string {
  const present = presentIn(result);
  const [only] = present;
  return `from ${only && present.length === 1 ? modalities[only].drawn.the : listed(present)}`;
}

/** The number of finer labels to show, the most probable ones. */
const MAX_FINE_LABELS = 5;

/** A single prediction in detail. */
export function renderOne(
  result: Recognition,
  explanation: PrintedExplanation | undefined,
  width: number,
): string {
  const warnings = result.warnings.map(({ message }) => `note: ${message}`);
  const { label, probabilities, text, gate, disagreement, abstained, set } = result;
  const details = [
    ...(abstained ? ['withheld as too uncertain'] : []),
    fromOf(result),
    ...(text && text.read < 1 ? [`${share(text.read)} of the text was read`] : []),
    ...(gate ? [`the face’s share in the fusion is ${share(gate.mean)}`] : []),
    ...(set ? [`one of ${set.join(', ')}`] : []),
    ...(disagreement === undefined
      ? []
      : [`${listed(presentIn(result))} disagree by ${share(disagreement)}`]),
  ];
  const fine = Object.entries(result.text?.fine ?? {}).sort(([, a], [, b]) => b - a);
  const finer = fine.slice(0, MAX_FINE_LABELS).map(([name, value]) => `${name} ${share(value)}`);
  return [
    `${label} ${share(probabilities[label])} (${details.join('; ')})`,
    tableOf(result, width),
    ...(result.voice?.segments ? [segmentsOf(result.voice.segments, width)] : []),
    ...(finer.length > 0 ? [`finer labels of the text: ${finer.join(', ')}`] : []),
    ...(result.transcript?.text ? [wrap(`“${result.transcript.text}”`, width)] : []),
    ...(explanation ? [renderExplanation(explanation, width)] : []),
    ...(warnings.length > 0 ? [warnings.join('\n')] : []),
  ].join('\n\n');
}

/** The probabilities of the answer and of the modalities, except those of a face or voice alone, which are the answer's. */
function tableOf(result: Recognition, width: number): string {
  const columns: [string, Probabilities][] = [['answer', result.probabilities]];
  const present = presentIn(result);
  for (const modality of present)
    if (present.length > 1 || modality === 'text')
      columns.push([`${modality} alone`, result[modality]!.probabilities]);
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

/** What a voice expresses in each segment of a long recording. */
const segmentsOf = (segments: readonly VoiceSegment[], width: number): string =>
  renderText(
    {
      columns: [
        { header: 'from', align: 'right' },
        { header: 'to', align: 'right' },
        { header: 'voice' },
        { header: 'probability', align: 'right' },
      ],
      groups: [
        {
          rows: segments.map(({ start, end, label, probabilities }) => [
            `${start.toFixed(1)} s`,
            `${end.toFixed(1)} s`,
            label,
            share(probabilities[label]),
          ]),
        },
      ],
    },
    { width },
  );

/** Several predictions, one per line. */
export function renderMany(rows: readonly Predicted[], width: number): string {
  const isExplained = rows.some(({ explanation }) => explanation);
  return renderText(
    {
      columns: [
        { header: 'item' },
        { header: 'label' },
        { header: 'probability', align: 'right' },
        { header: 'from' },
        ...(isExplained ? [{ header: 'main reasons' }] : []),
        { header: 'remarks' },
      ],
      groups: [
        {
          rows: rows.map(({ id, result, explanation }) => {
            const reasons = isExplained ? [explanation ? summarizeExplanation(explanation) : '–'] : [];
            if (result.error) return [id, '–', '–', '–', ...reasons, result.error.message];
            const abstained = result.abstained ? ['too uncertain'] : [];
            const remarks = [...abstained, ...result.warnings.map(({ code }) => code)].join(', ');
            const probability = share(result.probabilities[result.label]);
            return [id, result.label, probability, result.from, ...reasons, remarks];
          }),
        },
      ],
    },
    { width },
  );
}
