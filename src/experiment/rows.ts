// From the logits of all runs to the rows of the paper's tables, with the predictions behind each.
import { MienError } from '../base/errors.js';
import { FACE_LABELS, TEXT_LABELS } from '../data/labels.js';
import { fitTemperature, labelPrior, productOfPosteriors, type Evidence } from '../evaluate/calibration.js';
import { crossedInterval } from '../evaluate/intervals.js';
import { brierScore, evaluateScores, expectedCalibrationError, logLoss } from '../evaluate/metrics.js';
import { scores, softmax, type Scores } from '../evaluate/scores.js';
import type { HeadName } from '../models/heads.js';
import type { Config } from './config.js';
import { take, type ExperimentData, type FaceSource, type Selection } from './data.js';
import {
  FACE_SOURCES,
  fusedHeads,
  fusedModel,
  pairedFaceModel,
  sevenFaceModel,
  textModel,
  type ModelSpec,
} from './plan.js';
import {
  metricNames,
  type MetricName,
  type PredictionRun,
  type ResultRow,
  type RowPredictions,
} from './results.js';
import { testPairs, validationPairs, type RunResult } from './run.js';

/** The finished runs of a model, one a seed in the configuration's order. */
export type RunsOf = (model: ModelSpec) => readonly RunResult[];

export interface TableRow {
  readonly row: ResultRow;
  readonly predictions: RowPredictions;
}

type RowHead = Omit<ResultRow, MetricName | 'n' | 'seeds' | 'pairings' | 'calibration' | 'features'>;

interface Context {
  readonly config: Config;
  readonly data: ExperimentData;
  readonly runs: RunsOf;
  /** What the embeddings are, for instance `frozen` or `frozen (pack)`. */
  readonly features: string;
}

/** Posteriors and truth of one model seed on one pairing (or on unpaired items). */
interface Cell {
  readonly posteriors: Scores;
  readonly truth: Uint8Array;
  readonly ids: readonly string[];
  readonly faceIds: readonly string[] | null;
}

const setTitles: Readonly<Record<FaceSource, string>> = {
  fer2013: 'FER2013',
  rafdb: 'RAF-DB',
  both: 'FER2013 + RAF-DB',
};

/** The rows of Tables II, III and IV, in the order in which they stand. */
export function tableRows(context: Context): TableRow[] {
  const { faces } = context.config.pairing;
  return [
    ...tableTwo(context),
    ...tableThree(context),
    fusedRow(context, 'IV', 'gated', faces),
    productRow(context, 'IV', faces),
  ];
}

function* tableTwo(context: Context): Generator<TableRow> {
  const { labels, pairing } = context.config;
  yield textRow(context, 'II', labels);
  yield textRow(context, 'II', TEXT_LABELS);
  for (const faces of FACE_SOURCES) {
    yield naturalFaceRow(context, faces);
    yield pairedFaceRow(context, 'II', faces);
  }
  for (const faces of FACE_SOURCES) yield sevenFaceRow(context, faces);
  if (context.data.sets.faces.fer2013.usage.includes('PrivateTest'))
    yield sevenFaceRow(context, 'fer2013', 'PrivateTest');
  for (const faces of [pairing.faces, ...FACE_SOURCES.filter((source) => source !== pairing.faces)]) {
    yield fusedRow(context, 'II', 'gated', faces);
    yield productRow(context, 'II', faces);
  }
}

function* tableThree(context: Context): Generator<TableRow> {
  const { config } = context;
  const main = config.pairing.faces;
  yield textRow(context, 'III', config.labels);
  yield pairedFaceRow(context, 'III', main);
  for (const faces of [main, ...FACE_SOURCES.filter((source) => source !== main)]) {
    for (const head of fusedHeads(config, faces)) yield fusedRow(context, 'III', head, faces);
    yield productRow(context, 'III', faces);
  }
}

/** Posteriors of a run's logits at the temperature that suits its validation items. */
function calibrated(result: RunResult, truth: Uint8Array, test = 0): Scores {
  const logits = (data: Float32Array) => scores(result.validation.shape[1]!, data);
  const { temperature } = fitTemperature(logits(result.validation.data), truth);
  return softmax(logits(result.tests[test]!.data), temperature);
}

function textRow(context: Context, table: 'II' | 'III', labels: readonly string[]): TableRow {
  const { data, runs } = context;
  const validation = data.texts(labels, 'validation').labels;
  const { labels: truth, ids } = data.texts(labels, 'test');
  const shared = labels.length === context.config.labels.length;
  const head = {
    id: `${table}-text-${labels.length}`,
    table,
    model: 'text',
    labels,
    dataset: 'ISEAR',
    variant: null,
    reproduces: !shared ? null : table === 'II' ? 'text' : 'ablation-text',
  } as const;
  const cells = runs(textModel(labels)).map((run) => [
    { posteriors: calibrated(run, validation), truth, ids, faceIds: null },
  ]);
  return finish(context, head, cells);
}

/** A face head trained on all seven labels, tested on all test faces or on one official part of FER2013's. */
function sevenFaceRow(context: Context, faces: FaceSource, usage?: string): TableRow {
  const { data, runs } = context;
  const validation = data.faces(faces, FACE_LABELS, 'validation').labels;
  const test = data.faces(faces, FACE_LABELS, 'test');
  const kept = usage === undefined ? test : data.faces(faces, FACE_LABELS, 'test', usage);
  const position = new Map(Array.from(test.rows, (row, i) => [row, i]));
  const positions = Array.from(kept.rows, (row) => position.get(row)!);
  const head = {
    id: `II-face-7-${faces}${usage === undefined ? '' : `-${usage}`}`,
    table: 'II',
    model: 'face',
    labels: FACE_LABELS,
    dataset: setTitles[faces] + (usage === undefined ? '' : ` ${usage}`),
    variant: null,
    reproduces: null,
  } as const;
  const cells = runs(sevenFaceModel(faces)).map((run) => [
    {
      posteriors: pick(calibrated(run, validation), positions),
      truth: kept.labels,
      ids: kept.ids,
      faceIds: null,
    },
  ]);
  return finish(context, head, cells);
}

/** Rows of scores by position. */
function pick({ classes, data }: Scores, positions: ArrayLike<number>): Scores {
  const out = new Float64Array(positions.length * classes);
  for (let i = 0; i < positions.length; i++)
    for (let k = 0; k < classes; k++) out[i * classes + k] = data[positions[i]! * classes + k]!;
  return { classes, data: out };
}

const logitsOf = (tensor: { shape: readonly number[]; data: Float32Array }): Scores =>
  scores(tensor.shape[1]!, tensor.data);

interface PairSelections {
  readonly texts: { readonly validation: Selection; readonly test: Selection };
  readonly faces: { readonly validation: Selection; readonly test: Selection };
}

const pairSelections = ({ config, data }: Context, source: FaceSource): PairSelections => {
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
function pairedFaceTemperature(
  { config }: Context,
  { texts, faces }: PairSelections,
  run: RunResult,
): number {
  const pairs = validationPairs(config, texts.validation, faces.validation);
  return fitTemperature(
    pick(logitsOf(run.validation), pairs.faces),
    take(faces.validation, pairs.faces).labels,
  ).temperature;
}

/** The label distribution the paired heads are trained under: that of the training texts. */
const pairPrior = ({ config, data }: Context): number[] =>
  labelPrior(data.texts(config.labels, 'train').labels, config.labels.length);

/**
 * The face head of the pairs on all test faces, at the faces' own label distribution: its posterior is moved from
 * the prior of the pairs to that of the training faces.
 */
function naturalFaceRow(context: Context, source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const { labels: truth, ids } = selections.faces.test;
  const prior = pairPrior(context);
  const target = labelPrior(data.faces(source, config.labels, 'train').labels, config.labels.length);
  const head = {
    id: `II-face-${config.labels.length}-${source}`,
    table: 'II',
    model: 'face',
    labels: config.labels,
    dataset: setTitles[source],
    variant: null,
    reproduces: source === config.pairing.faces ? 'face' : null,
  } as const;
  const cells = runs(pairedFaceModel(config.labels, source)).map((run) => {
    const evidence: Evidence = {
      logits: logitsOf(run.tests[0]!),
      temperature: pairedFaceTemperature(context, selections, run),
      prior,
    };
    return [{ posteriors: softmax(productOfPosteriors([evidence], target)), truth, ids, faceIds: null }];
  });
  return finish(context, head, cells);
}

/** The faces of the test pairings, judged by the face alone. */
function pairedFaceRow(context: Context, table: 'II' | 'III', source: FaceSource): TableRow {
  const { config, runs } = context;
  const selections = pairSelections(context, source);
  const head = {
    id: `${table}-face-${config.labels.length}-${source}-paired`,
    table,
    model: 'face',
    labels: config.labels,
    dataset: setTitles[source],
    variant: 'label distribution of the pairs',
    reproduces: table === 'III' && source === config.pairing.faces ? 'ablation-face' : null,
  } as const;
  const cells = runs(pairedFaceModel(config.labels, source)).map((run) => {
    const temperature = pairedFaceTemperature(context, selections, run);
    const posteriors = softmax(logitsOf(run.tests[0]!), temperature);
    return pairings(context, selections).map(({ faces, ...cell }) => ({
      ...cell,
      posteriors: pick(posteriors, faces),
    }));
  });
  return finish(context, head, cells);
}

/** Truth, ids and face positions of every test pairing. */
function pairings({ config }: Context, { texts, faces }: PairSelections) {
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

function fusedRow(
  context: Context,
  table: 'II' | 'III' | 'IV',
  model: HeadName,
  source: FaceSource,
): TableRow {
  const { config, runs } = context;
  const selections = pairSelections(context, source);
  const pairs = validationPairs(config, selections.texts.validation, selections.faces.validation);
  const validation = take(selections.texts.validation, pairs.texts).labels;
  const cells = runs(fusedModel(model, config.labels, source)).map((run) =>
    pairings(context, selections).map(({ truth, ids, faceIds }, index) => ({
      posteriors: calibrated(run, validation, index),
      truth,
      ids,
      faceIds,
    })),
  );
  return finish(context, pairedHead(context, table, model, source), cells);
}

/** The two unimodal heads' calibrated posteriors, multiplied (see `productOfPosteriors`). */
function productRow(context: Context, table: 'II' | 'III' | 'IV', source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const prior = pairPrior(context);
  const textTruth = data.texts(config.labels, 'validation').labels;
  const faceRuns = runs(pairedFaceModel(config.labels, source));
  const cells = runs(textModel(config.labels)).map((textRun, seed) => {
    const faceRun = faceRuns[seed]!;
    const text: Evidence = {
      logits: logitsOf(textRun.tests[0]!),
      temperature: fitTemperature(logitsOf(textRun.validation), textTruth).temperature,
      prior,
    };
    const temperature = pairedFaceTemperature(context, selections, faceRun);
    return pairings(context, selections).map(({ faces, truth, ids, faceIds }) => {
      const face: Evidence = { logits: pick(logitsOf(faceRun.tests[0]!), faces), temperature, prior };
      return { posteriors: softmax(productOfPosteriors([text, face], prior)), truth, ids, faceIds };
    });
  });
  return finish(context, pairedHead(context, table, 'product', source), cells);
}

function pairedHead(
  { config }: Context,
  table: 'II' | 'III' | 'IV',
  model: HeadName | 'product',
  source: FaceSource,
): RowHead {
  const main = source === config.pairing.faces;
  const reproduces =
    main && table === 'II' && model === 'gated'
      ? 'multimodal'
      : main && table === 'III' && (model === 'gated' || model === 'concatenation')
        ? (`ablation-${model}` as const)
        : null;
  return {
    id: `${table}-${model}-${source}`,
    table,
    model,
    labels: config.labels,
    dataset: `ISEAR × ${setTitles[source]}`,
    variant: null,
    reproduces,
  };
}

/** Metrics of every cell, their means and intervals over seeds × pairings. */
function finish({ config, features }: Context, head: RowHead, cells: readonly (readonly Cell[])[]): TableRow {
  const first = cells[0]?.[0];
  if (first === undefined) throw new MienError('store', `row ${head.id} has no runs`);
  const paired = first.faceIds !== null;
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
