// What all rows of the tables are made of: calibrated posteriors, test pairs, metrics with intervals.
import { crossedInterval } from '../evaluate/intervals.js';
import { memoized, MienError } from 'mien-engine/base';
import { corpusTitle } from '../data/corpora/definitions.js';
import { TESTED } from '../data/corpora/prepare.js';
import {
  brierScore,
  evaluateScores,
  expectedCalibrationError,
  fitTemperature,
  labelPrior,
  logLoss,
  pick,
  productOfPosteriors,
  scores,
  type Scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import type { Config } from './config.js';
import { take, type ExperimentData, type FaceSource, type Selection, type TextSource } from './data.js';
import type { ModelSpec } from './plan.js';
import {
  metricNames,
  type MetricName,
  type PredictionRun,
  type ResultRow,
  type RowPredictions,
} from './results.js';
import { testPairs, validationPairs, type RunResult } from './run.js';

/** The finished runs of a model, one a seed in the configuration's order. */
type RunsOf = (model: ModelSpec) => readonly RunResult[];

export interface TableRow {
  readonly row: ResultRow;
  readonly predictions: RowPredictions;
}

export type RowHead = Omit<ResultRow, MetricName | 'n' | 'seeds' | 'pairings' | 'calibration' | 'features'>;

export interface Context {
  readonly config: Config;
  readonly data: ExperimentData;
  readonly runs: RunsOf;
  /** What the embeddings are, for instance `frozen` or `frozen (pack)`. */
  readonly features: string;
}

/** Posteriors and truth of one model seed on one pairing (or on unpaired items). */
export interface Cell {
  readonly posteriors: Scores;
  readonly truth: Uint8Array;
  readonly ids: readonly string[];
  readonly faceIds: readonly string[] | null;
  readonly voiceIds?: readonly string[];
}

export const setTitles: Readonly<Record<FaceSource, string>> = {
  fer2013: 'FER2013',
  rafdb: 'RAF-DB',
  both: 'FER2013 + RAF-DB',
};

/** Whose test texts the rows are about. */
export const textTitles: Readonly<Record<TextSource, string>> = {
  isear: 'ISEAR',
  all: corpusTitle(TESTED),
};

/** Posteriors of a run's logits at the temperature that suits its validation items. */
export function calibrated(result: RunResult, truth: Uint8Array, test = 0): Scores {
  return toPosteriors(scoresOf(result.tests[test]!), temperatureOf(result, truth));
}

/** Fitted temperatures, by the run: several rows, pairings and analyses ask for the same. */
const fittedOf = memoized((_run: RunResult): { truth: Uint8Array; temperature: number }[] => []);

/** The temperature that suits a run's validation items with these labels. */
export function temperatureOf(run: RunResult, truth: Uint8Array): number {
  const fitted = fittedOf(run);
  const isSame = (labels: Uint8Array) =>
    labels.length === truth.length && labels.every((label, i) => label === truth[i]);
  const known = fitted.find((one) => isSame(one.truth));
  if (known) return known.temperature;
  const { temperature } = fitTemperature(scoresOf(run.validation), truth);
  fitted.push({ truth, temperature });
  return temperature;
}

export const scoresOf = (tensor: { shape: readonly number[]; data: Float32Array }): Scores =>
  scores(tensor.shape[1]!, tensor.data);

export interface PairSelections {
  readonly texts: { readonly validation: Selection; readonly test: Selection };
  readonly faces: { readonly validation: Selection; readonly test: Selection };
}

export const pairSelections = ({ config, data }: Context, source: FaceSource): PairSelections => {
  const both = (of: (split: 'validation' | 'test') => Selection) => ({
    validation: of('validation'),
    test: of('test'),
  });
  return {
    texts: both((split) => data.texts(config.labels, split)),
    faces: both((split) => data.faces(source, config.labels, split)),
  };
};

/** The temperature of the face head on validation pairs, where its labels are distributed as in training. */
export const pairedFaceTemperature = (
  { config }: Context,
  { texts, faces }: PairSelections,
  run: RunResult,
): number => pairedTemperatures(config)(texts.validation)(faces.validation)(run);

/** Computed once for a run and these validation items, which several rows share. */
const pairedTemperatures = memoized((config: Config) =>
  memoized((texts: Selection) =>
    memoized((faces: Selection) => {
      const pairs = validationPairs(config, texts, faces);
      const { labels } = take(faces, pairs.faces);
      return memoized(
        (run: RunResult) => fitTemperature(pick(scoresOf(run.validation), pairs.faces), labels).temperature,
      );
    }),
  ),
);

/** The labels of the validation pairs. */
export function pairTruth({ config }: Context, { texts, faces }: PairSelections): Uint8Array {
  const pairs = validationPairs(config, texts.validation, faces.validation);
  return take(texts.validation, pairs.texts).labels;
}

/**
 * Posteriors of a face head of the pairs under the faces' own label distribution: moved from the prior of the pairs to
 * that of the training faces.
 */
export function underFacePrior(
  context: Context,
  source: FaceSource,
): (logits: Scores, temperature: number) => Scores {
  const { config, data } = context;
  const prior = pairPrior(context);
  const target = labelPrior(data.faces(source, config.labels, 'train').labels, config.labels.length);
  return (logits, temperature) => toPosteriors(productOfPosteriors([{ logits, temperature, prior }], target));
}

/** The label distribution the paired heads are trained under: that of the training texts. */
export const pairPrior = ({ config, data }: Context): number[] =>
  labelPrior(data.texts(config.labels, 'train').labels, config.labels.length);

/** Truth, ids and face positions of every test pairing. */
export function pairings({ config }: Context, { texts, faces }: PairSelections) {
  return Array.from({ length: config.pairing.testSeeds }, (_, index) => {
    const positions = testPairs(config, texts.test, faces.test, index);
    return {
      faces: positions,
      truth: texts.test.labels,
      ids: texts.test.ids,
      faceIds: Array.from(positions, (position) => faces.test.ids[position]!),
    };
  });
}

/** Metrics of every cell, their means and intervals over seeds × pairings. */
export function finish(
  { config, features }: Pick<Context, 'config' | 'features'>,
  head: RowHead,
  cells: readonly (readonly Cell[])[],
): TableRow {
  const first = cells[0]?.[0];
  if (first === undefined) throw new MienError('store', `row ${head.id} has no runs`);
  const paired = first.faceIds !== null || first.voiceIds !== undefined;
  const scored = cells.map((row) => row.map(({ truth, posteriors }) => evaluateScores(truth, posteriors)));
  const mean = (of: (truth: Uint8Array, posteriors: Scores) => number): number => {
    const values = cells.flat().map(({ truth, posteriors }) => of(truth, posteriors));
    return values.reduce((total, value) => total + value, 0) / values.length;
  };
  const metrics = Object.fromEntries(
    metricNames.map((name) => [name, crossedInterval(scored.map((row) => row.map((score) => score[name])))]),
  ) as unknown as Pick<ResultRow, MetricName>;
  const runs = cells.flatMap((row, s) =>
    row.map((cell, p): PredictionRun => ({ seed: config.seeds[s]!, pairing: paired ? p : null, ...cell })),
  );
  return {
    row: {
      ...head,
      ...metrics,
      features,
      n: first.truth.length,
      seeds: config.seeds,
      pairings: paired ? cells[0]!.map((_, p) => p) : [],
      calibration: { brier: mean(brierScore), logLoss: mean(logLoss), ece: mean(expectedCalibrationError) },
    },
    predictions: { row: head.id, labels: head.labels, runs },
  };
}
