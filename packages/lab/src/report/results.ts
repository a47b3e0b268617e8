// The documented form of `results.json` (docs/results.md): an experiment's results with the paper's figures.
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { readJson } from 'mien-engine/node';
import { checkData } from 'mien/parts/base';
import { MODALITIES } from 'mien/parts/bundle';
import type { Interval } from 'mien/parts/evaluate';
import { headNames } from '../heads/heads.js';
import {
  metricNames,
  type ExperimentResults,
  type MetricName,
  type PaperRow,
  type ResultRow,
} from '../experiments/results.js';

/**
 * The paper's figures as printed, with two decimals; null where it gives none. Source: Mishra et al. 2026, Tables II to
 * IV.
 */
type PaperFigures = Readonly<Record<MetricName, number | null>>;

const figures = (...values: readonly (number | undefined)[]): PaperFigures =>
  Object.fromEntries(metricNames.map((name, i) => [name, values[i] ?? null])) as unknown as PaperFigures;

/** Accuracy, precision, recall, F1 per row of the paper. */
const paperFigures: Readonly<Record<PaperRow, PaperFigures>> = {
  text: figures(0.61, 0.6, 0.59, 0.6),
  face: figures(0.69, 0.68, 0.67, 0.69),
  multimodal: figures(0.82, 0.81, 0.82, 0.81),
  'ablation-text': figures(0.61),
  'ablation-face': figures(0.69),
  'ablation-concatenation': figures(0.77),
  'ablation-gated': figures(0.82),
};

/** The figures for a row that reproduces `row` of the paper; all null if it reproduces none. */
const paperFiguresOf = (row: PaperRow | null): PaperFigures => (row === null ? figures() : paperFigures[row]);

/** A system whose figures are cited, not measured here. */
interface CitedSystem {
  readonly system: string;
  readonly accuracy: number;
  readonly f1: number | null;
  readonly limitations: string;
}

export const citedSystems: readonly CitedSystem[] = [
  {
    system: 'Wafa et al. 2025',
    accuracy: 0.78,
    f1: null,
    limitations: 'Large multimodal network; other data and splits, figure cited, not run here',
  },
  {
    system: 'El Maazouzi & Retbi 2025',
    accuracy: 0.74,
    f1: null,
    limitations: 'Made for e-learning; other data and splits, figure cited, not run here',
  },
  {
    system: 'Mishra et al. 2026 (the paper)',
    accuracy: 0.82,
    f1: 0.81,
    limitations: 'Pairs matched by label, in test too; no intervals; frozen encoders',
  },
];

/** Increased if a reader of the previous form would misread the new one. */
const RESULTS_VERSION = 1;

/** A metric of a row: ours with its interval, and the paper's figure or null. */
export interface ReportedMetric extends Interval {
  readonly paper: number | null;
}

export type ReportedRow = Omit<ResultRow, MetricName> & Readonly<Record<MetricName, ReportedMetric>>;

/** The content of `results.json`. */
export interface Results extends Omit<ExperimentResults, 'rows'> {
  readonly format: 'mien-results';
  readonly version: typeof RESULTS_VERSION;
  readonly rows: readonly ReportedRow[];
}

/**
 * An experiment's results with the paper's figures for the rows that reproduce them.
 * @throws MienError `usage` if two rows have the same id
 */
export function toResults(experiment: ExperimentResults): Results {
  const ids = new Set<string>();
  for (const { id } of experiment.rows) {
    if (ids.has(id)) throw new MienError('usage', 'two rows have this id', { field: id });
    ids.add(id);
  }
  return {
    format: 'mien-results',
    version: RESULTS_VERSION,
    rows: experiment.rows.map((row) => {
      const paper = paperFiguresOf(row.reproduces);
      const metrics = metricNames.map((name) => [name, { ...row[name], paper: paper[name] }]);
      return { ...row, ...(Object.fromEntries(metrics) as Record<MetricName, ReportedMetric>) };
    }),
    costs: experiment.costs,
    counts: experiment.counts,
    configuration: experiment.configuration,
    environment: experiment.environment,
  };
}

const interval = z.strictObject({
  mean: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
const metric = interval.extend({ paper: z.number().nullable() });
const perLabel = z.record(z.string(), z.int().min(0));
const schema = z.strictObject({
  format: z.literal('mien-results'),
  version: z.literal(RESULTS_VERSION),
  rows: z.array(
    z.strictObject({
      id: z.string().regex(/^[\w.-]+$/),
      table: z.enum(['II', 'III', 'IV', 'seven', 'triples', 'corrupted']),
      model: z.enum([...headNames, 'product'] as const satisfies readonly ResultRow['model'][]),
      labels: z.array(z.string()),
      dataset: z.string(),
      variant: z.string().nullable(),
      features: z.string(),
      n: z.int().min(1),
      seeds: z.array(z.int()),
      pairings: z.array(z.int()),
      reproduces: z
        .enum([
          'text',
          'face',
          'multimodal',
          'ablation-text',
          'ablation-face',
          'ablation-concatenation',
          'ablation-gated',
        ])
        .nullable(),
      modalities: z.array(z.enum(MODALITIES)).min(1).exactOptional(),
      gate: z.partialRecord(z.enum(MODALITIES), z.number()).exactOptional(),
      additive: interval.exactOptional(),
      agreement: z.record(z.string(), z.number()).exactOptional(),
      corrupted: z
        .strictObject({ of: z.enum(MODALITIES), as: z.string(), level: z.number() })
        .exactOptional(),
      calibration: z.strictObject({ brier: z.number(), logLoss: z.number(), ece: z.number() }).nullable(),
      accuracy: metric,
      precision: metric,
      recall: metric,
      f1: metric,
    }),
  ),
  costs: z.array(
    z.strictObject({
      profile: z.string(),
      part: z.enum(['text encoder', 'face encoder', 'head', 'total']),
      name: z.string(),
      item: z.string(),
      parameters: z.number(),
      trainedParameters: z.number(),
      multiplyAdds: z.number(),
      bytes: z.number(),
      milliseconds: z.number().nullable(),
    }),
  ),
  counts: z.record(
    z.string(),
    z.strictObject({
      train: perLabel,
      validation: perLabel,
      test: perLabel,
      dropped: perLabel,
      encoder: z.strictObject({
        id: z.string(),
        revision: z.string(),
        sha256: z.string(),
        dtype: z.string(),
      }),
      terms: z.string(),
    }),
  ),
  configuration: z.custom<Results['configuration']>((value) => typeof value === 'object' && value !== null),
  environment: z.strictObject({
    mien: z.string(),
    node: z.string(),
    onnxruntime: z.string(),
    platform: z.string(),
    cpu: z.string(),
    cores: z.int(),
  }),
});

/** @throws MienError `format` with the first field that does not have the form in docs/results.md */
export const parseResults = (value: unknown, file?: string): Results =>
  checkData(schema, value, {
    file,
    hint: 'docs/results.md describes the form.',
  });

/** Reads `results.json`. @throws MienError `file` or `format`. */
export const readResults = async (file: string): Promise<Results> => parseResults(await readJson(file), file);
