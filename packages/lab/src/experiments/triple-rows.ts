// The three-way table: label-matched triples of text, face and voice, judged by each modality alone, every two, and all, by
// the gate and by the product of posteriors; and by one gate that does without those that are missing.
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import {
  type Evidence,
  fitTemperature,
  argmax,
  meanOf,
  pick,
  productOfPosteriors,
  type Scores,
  scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import type { Tensor } from 'mien-engine/base';
import { crossedInterval } from '../evaluate/intervals.js';
import { take, type Selection } from './data.js';
import { selectionOf } from './head-options.js';
import { choicesOf } from './incomplete.js';
import {
  incompleteModel,
  type ModelSpec,
  pairedFaceModel,
  textOnlyModel,
  TRIPLE_FACES,
  TRIPLE_PAIRS,
  tripleModel,
  voiceModel,
} from './plan.js';
import type { ResultRow } from './results.js';
import {
  type Cell,
  type Context,
  finish,
  pairPrior,
  type RowHead,
  scoresOf,
  setTitles,
  type TableRow,
  textTitles,
} from './row-parts.js';
import { testMatches, validationMatches, type RunResult } from './run.js';

/** The test triples of one pairing, by positions, and the labels of the validation triples. */
interface Triples {
  readonly validation: Readonly<Record<Modality, Selection>>;
  readonly test: Readonly<Record<Modality, Selection>>;
  readonly pairings: readonly Readonly<Record<Modality, ArrayLike<number>>>[];
}

function triplesOf({ config, data }: Context): Triples {
  const about = { labels: config.labels, faces: TRIPLE_FACES };
  const selections = (split: 'validation' | 'test') =>
    Object.fromEntries(
      MODALITIES.map((modality) => [modality, selectionOf(data, about, modality, split)]),
    ) as Record<Modality, Selection>;
  const test = selections('test');
  const text = Array.from(test.text.rows, (_, i) => i);
  return {
    validation: selections('validation'),
    test,
    pairings: Array.from({ length: config.pairing.testSeeds }, (_, pairing) => ({
      ...testMatches(config, test, pairing),
      text,
    })),
  };
}

/** The rows of the three-way table; over seven labels those of voices and of all three only. */
export function tripleRows(context: Context): TableRow[] {
  const { config, data } = context;
  const triples = triplesOf(context);
  const pairs = data.source === 'all' ? [] : TRIPLE_PAIRS;
  const alone = (data.source === 'all' ? ['voice'] : MODALITIES) as readonly Modality[];
  return [
    ...alone.map((modality) => aloneRow(context, triples, modality)),
    ...[...pairs, MODALITIES].flatMap((modalities) => [
      gatedRow(context, triples, modalities),
      productRow(context, triples, modalities),
    ]),
    ...(data.source === 'all'
      ? []
      : choicesOf(MODALITIES).map((choice, i) =>
          incompleteRow(context, triples, incompleteModel(config.labels, data.source), choice, i),
        )),
  ];
}

const unimodalModel = ({ config: { labels }, data: { source } }: Context, modality: Modality): ModelSpec =>
  modality === 'text'
    ? textOnlyModel(labels, source)
    : modality === 'face'
      ? pairedFaceModel(labels, TRIPLE_FACES, source)
      : voiceModel(labels, source);

function headOf(
  { config, data }: Context,
  model: RowHead['model'],
  modalities: readonly Modality[],
  kind: string,
): RowHead {
  return {
    id: ['triples', config.labels.length, kind, ...modalities].join('-'),
    table: 'triples',
    model,
    labels: config.labels,
    dataset: `${textTitles[data.source]} × ${setTitles[TRIPLE_FACES]} × RAVDESS`,
    variant: kind === 'incomplete' ? 'trained with some missing' : null,
    reproduces: null,
    modalities,
  };
}

/** What each run says of the triples of each pairing, as a row that reads these modalities. */
function ofTriples(
  context: Context,
  { test, pairings }: Triples,
  modalities: readonly Modality[],
  runs: readonly RunResult[],
  judgeOf: (run: RunResult, seed: number) => (pairing: number) => Scores,
): Cell[][] {
  const idsOf = (modality: Modality, positions: ArrayLike<number>) =>
    Array.from(positions, (position) => test[modality].ids[position]!);
  return runs.map((run, seed) => {
    const judge = judgeOf(run, seed);
    return pairings.map(({ face, voice }, pairing): Cell => ({
      posteriors: judge(pairing),
      truth: test.text.labels,
      ids: test.text.ids,
      faceIds: modalities.includes('face') ? idsOf('face', face) : null,
      ...(modalities.includes('voice') ? { voiceIds: idsOf('voice', voice) } : {}),
    }));
  });
}

/** What a unimodal head says of all test items, at the temperature that suits the items of the validation triples. */
function evidenceOf(context: Context, { validation }: Triples, modality: Modality, run: RunResult): Evidence {
  const matched = validationMatches(context.config, validation);
  // A text stands in as many triples as there are pairings: it counts once, as in the paper's rows.
  const positions = modality === 'text' ? validation.text.rows.map((_, i) => i) : matched[modality];
  const { labels } = take(validation[modality], positions);
  const { temperature } = fitTemperature(pick(scoresOf(run.validation), positions), labels);
  return { logits: scoresOf(run.tests[0]!), temperature, prior: pairPrior(context) };
}

function aloneRow(context: Context, triples: Triples, modality: Modality): TableRow {
  const found = context.runs(unimodalModel(context, modality));
  const cells = ofTriples(context, triples, [modality], found, (run) => {
    const { logits, temperature } = evidenceOf(context, triples, modality, run);
    const posteriors = toPosteriors(logits, temperature);
    return (pairing) => pick(posteriors, triples.pairings[pairing]![modality]);
  });
  // What a text alone says is the same in every pairing.
  const distinct = modality === 'text' ? cells.map(([first]) => [first!]) : cells;
  return finish(context, headOf(context, modality, [modality], 'alone'), distinct);
}

/** The unimodal heads' calibrated posteriors, multiplied. */
function productRow(context: Context, triples: Triples, modalities: readonly Modality[]): TableRow {
  const prior = pairPrior(context);
  const runs = modalities.map((modality) => context.runs(unimodalModel(context, modality)));
  const cells = ofTriples(context, triples, modalities, runs[0]!, (_run, seed) => {
    const evidence = modalities.map((modality, m) => evidenceOf(context, triples, modality, runs[m]![seed]!));
    return (pairing) => {
      const picked = evidence.map((one, m) => ({
        ...one,
        logits: pick(one.logits, triples.pairings[pairing]![modalities[m]!]),
      }));
      return toPosteriors(productOfPosteriors(picked, prior));
    };
  });
  return finish(context, headOf(context, 'product', modalities, 'product'), cells);
}

function gatedRow(context: Context, triples: Triples, modalities: readonly Modality[]): TableRow {
  const { config, data } = context;
  const found = context.runs(tripleModel(modalities, config.labels, data.source));
  const truth = validationTruth(context, triples);
  const cells = ofTriples(context, triples, modalities, found, (run) => {
    const { temperature } = fitTemperature(scoresOf(run.validation), truth);
    return (pairing) => toPosteriors(scoresOf(run.tests[pairing]!), temperature);
  });
  const additive = found.flatMap(({ analysis }) => analysis?.additive ?? []);
  const row = finish(context, headOf(context, 'gated', modalities, 'gated'), cells);
  return withFacts(row, {
    ...sharesOf(found, modalities, (run) => run.analysis?.shares ?? pairShares(run)),
    ...(additive.length === found.length
      ? {
          additive: crossedInterval(additive.map((logits) => [accuracyOf(logits, triples.test.text.labels)])),
        }
      : {}),
  });
}

/** The head that does without modalities, on those of this choice. */
function incompleteRow(
  context: Context,
  triples: Triples,
  model: ModelSpec,
  choice: readonly Modality[],
  index: number,
): TableRow {
  const { config, runs } = context;
  const { testSeeds } = config.pairing;
  const found = runs(model);
  const truth = validationTruth(context, triples, 1);
  const n = truth.length;
  const cells = ofTriples(context, triples, choice, found, ({ validation, tests }) => {
    const own = pick(
      scoresOf(validation),
      Int32Array.from({ length: n }, (_, i) => index * n + i),
    );
    const { temperature } = fitTemperature(own, truth);
    return (pairing) => toPosteriors(scoresOf(tests[index * testSeeds + pairing]!), temperature);
  });
  const distinct = choice.length === 1 && choice[0] === 'text' ? cells.map(([first]) => [first!]) : cells;
  const row = finish(context, headOf(context, 'gated', choice, 'incomplete'), distinct);
  const first = index * testSeeds;
  return withFacts(
    row,
    sharesOf(found, MODALITIES, ({ analysis }) => {
      const shares = analysis?.shares;
      const [, width = 0] = shares?.shape ?? [];
      return shares && rows(shares, width, first, first + testSeeds);
    }),
  );
}

const rows = (
  { data }: Tensor<'float32'>,
  width: number,
  start: number,
  end: number,
): Pick<Tensor<'float32'>, 'data' | 'shape'> => ({
  shape: [end - start, width],
  data: data.subarray(start * width, end * width),
});

/** The labels of the validation triples. */
function validationTruth({ config }: Context, { validation }: Triples, count?: number): Uint8Array {
  return take(validation.text, validationMatches(config, validation, count).text).labels;
}

/** Of a head of the paper's pairs: its gate, which is the face's share. */
function pairShares({ analysis }: RunResult): Pick<Tensor<'float32'>, 'data' | 'shape'> | undefined {
  if (!analysis?.gate) return undefined;
  const face = meanOf(analysis.gate.data);
  return { shape: [1, 2], data: Float32Array.of(1 - face, face) };
}

/** Mean shares of the modalities over runs and tests; nothing where a run has none. */
function sharesOf(
  runs: readonly RunResult[],
  modalities: readonly Modality[],
  of: (run: RunResult) => Pick<Tensor<'float32'>, 'data' | 'shape'> | undefined,
): Pick<ResultRow, 'gate'> {
  const found = runs.flatMap((run) => of(run) ?? []);
  if (found.length < runs.length) return {};
  const mean = (m: number): number =>
    meanOf(found.flatMap(({ data }) => Array.from(data).filter((_, i) => i % modalities.length === m)));
  return { gate: Object.fromEntries(modalities.map((modality, m) => [modality, mean(m)])) };
}

const withFacts = (
  { row, predictions }: TableRow,
  facts: Pick<ResultRow, 'gate' | 'additive'>,
): TableRow => ({
  row: { ...row, ...facts },
  predictions,
});

function accuracyOf({ shape, data }: Tensor<'float32'>, truth: Uint8Array): number {
  const predicted = argmax(scores(shape[1]!, data));
  return predicted.filter((label, i) => label === truth[i]).length / truth.length;
}
