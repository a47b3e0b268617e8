// The rows of the paper's tables: the order in which they stand, and what each kind of row is made of.
import { FACE_LABELS, TEXT_LABELS } from 'mien/parts/data';
import { type Evidence, pick, productOfPosteriors, type Scores, toPosteriors } from 'mien/parts/evaluate';
import type { HeadName } from '../heads/heads.js';
import { type FaceSource, type Selection } from './data.js';
import {
  FACE_SOURCES,
  fusedHeads,
  fusedModel,
  pairedFaceModel,
  SEVEN_SOURCES,
  sevenFaceModel,
  textOnlyModel,
} from './plan.js';
import type { TableName } from './results.js';
import {
  calibrated,
  type Cell,
  type Context,
  finish,
  scoresOf,
  pairedFaceTemperature,
  pairings,
  pairPrior,
  pairSelections,
  type PairSelections,
  pairTruth,
  type RowHead,
  setTitles,
  type TableRow,
  temperatureOf,
  textTitles,
  underFacePrior,
} from './row-parts.js';
import type { RunResult } from './run.js';

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

/** The rows over the faces' seven labels, on pairs with the texts of other corpora; the paper has none. */
export function sevenRows(context: Context): TableRow[] {
  return [
    textRow(context, 'seven', context.config.labels),
    ...SEVEN_SOURCES.flatMap((faces) => [
      pairedFaceRow(context, 'seven', faces),
      fusedRow(context, 'seven', 'gated', faces),
      productRow(context, 'seven', faces),
    ]),
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

/** What each run says of the items, by themselves. */
const ofItems = (
  { labels: truth, ids }: Selection,
  runs: readonly RunResult[],
  posteriorsOf: (run: RunResult) => Scores,
): Cell[][] => runs.map((run) => [{ posteriors: posteriorsOf(run), truth, ids, faceIds: null }]);

/** What each run says of the test pairs of each pairing, which has the faces at these positions. */
function ofPairs(
  context: Context,
  selections: PairSelections,
  runs: readonly RunResult[],
  judgeOf: (run: RunResult, seed: number) => (faces: Int32Array, pairing: number) => Scores,
): Cell[][] {
  const all = pairings(context, selections);
  return runs.map((run, seed) => {
    const judge = judgeOf(run, seed);
    return all.map(({ faces, ...pairs }, i) => ({ posteriors: judge(faces, i), ...pairs }));
  });
}

function textRow(context: Context, table: 'II' | 'III' | 'seven', labels: readonly string[]): TableRow {
  const { config, data, runs } = context;
  const validation = data.texts(labels, 'validation').labels;
  const shared = labels.length === config.labels.length;
  const head: RowHead = {
    id: `${table}-text-${labels.length}`,
    table,
    model: 'text',
    labels,
    dataset: textTitles[data.source],
    variant: null,
    reproduces: !shared || table === 'seven' ? null : table === 'II' ? 'text' : 'ablation-text',
  };
  const found = runs(textOnlyModel(labels, data.source));
  return finish(
    context,
    head,
    ofItems(data.texts(labels, 'test'), found, (run) => calibrated(run, validation)),
  );
}

/** A face head trained on all seven labels, tested on all test faces or on one official part of FER2013's. */
function sevenFaceRow(context: Context, faces: FaceSource, usage?: string): TableRow {
  const { data, runs } = context;
  const validation = data.faces(faces, FACE_LABELS, 'validation').labels;
  const test = data.faces(faces, FACE_LABELS, 'test');
  const kept = usage === undefined ? test : data.faces(faces, FACE_LABELS, 'test', usage);
  const position = new Map(Array.from(test.rows, (row, i) => [row, i]));
  const positions = Array.from(kept.rows, (row) => position.get(row)!);
  const head: RowHead = {
    id: `II-face-7-${faces}${usage === undefined ? '' : `-${usage}`}`,
    table: 'II',
    model: 'face',
    labels: FACE_LABELS,
    dataset: setTitles[faces] + (usage === undefined ? '' : ` ${usage}`),
    variant: null,
    reproduces: null,
  };
  const found = runs(sevenFaceModel(faces));
  return finish(
    context,
    head,
    ofItems(kept, found, (run) => pick(calibrated(run, validation), positions)),
  );
}

/** The face head of the pairs on all test faces, under the faces' own label distribution. */
function naturalFaceRow(context: Context, source: FaceSource): TableRow {
  const { config, runs } = context;
  const selections = pairSelections(context, source);
  const moved = underFacePrior(context, source);
  const head: RowHead = {
    id: `II-face-${config.labels.length}-${source}`,
    table: 'II',
    model: 'face',
    labels: config.labels,
    dataset: setTitles[source],
    variant: null,
    reproduces: source === config.pairing.faces ? 'face' : null,
  };
  const found = runs(pairedFaceModel(config.labels, source));
  const cells = ofItems(selections.faces.test, found, (run) =>
    moved(scoresOf(run.tests[0]!), pairedFaceTemperature(context, selections, run)),
  );
  return finish(context, head, cells);
}

/** The faces of the test pairings, judged by the face alone. */
function pairedFaceRow(context: Context, table: 'II' | 'III' | 'seven', source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const head: RowHead = {
    id: `${table}-face-${config.labels.length}-${source}-paired`,
    table,
    model: 'face',
    labels: config.labels,
    dataset: setTitles[source],
    variant: 'label distribution of the pairs',
    reproduces: table === 'III' && source === config.pairing.faces ? 'ablation-face' : null,
  };
  const found = runs(pairedFaceModel(config.labels, source, data.source));
  const cells = ofPairs(context, selections, found, (run) => {
    const posteriors = toPosteriors(scoresOf(run.tests[0]!), pairedFaceTemperature(context, selections, run));
    return (faces) => pick(posteriors, faces);
  });
  return finish(context, head, cells);
}

function fusedRow(context: Context, table: TableName, model: HeadName, source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const validation = pairTruth(context, selections);
  const found = runs(fusedModel(model, config.labels, source, data.source));
  const cells = ofPairs(
    context,
    selections,
    found,
    (run) => (_faces, pairing) => calibrated(run, validation, pairing),
  );
  return finish(context, pairedHead(context, table, model, source), cells);
}

/** The two unimodal heads' calibrated posteriors, multiplied (see `productOfPosteriors`). */
function productRow(context: Context, table: TableName, source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const prior = pairPrior(context);
  const truth = data.texts(config.labels, 'validation').labels;
  const faceRuns = runs(pairedFaceModel(config.labels, source, data.source));
  const textRuns = runs(textOnlyModel(config.labels, data.source));
  const cells = ofPairs(context, selections, textRuns, (run, seed) => {
    const temperature = temperatureOf(run, truth);
    const text: Evidence = { logits: scoresOf(run.tests[0]!), temperature, prior };
    const face = faceEvidence(context, selections, faceRuns[seed]!);
    return (faces) =>
      toPosteriors(productOfPosteriors([text, { ...face, logits: pick(face.logits, faces) }], prior));
  });
  return finish(context, pairedHead(context, table, 'product', source), cells);
}

/** What a face head of the pairs says of all test faces. */
const faceEvidence = (context: Context, selections: PairSelections, run: RunResult): Evidence => ({
  logits: scoresOf(run.tests[0]!),
  temperature: pairedFaceTemperature(context, selections, run),
  prior: pairPrior(context),
});

function pairedHead(
  { config, data }: Context,
  table: TableName,
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
    dataset: `${textTitles[data.source]} × ${setTitles[source]}`,
    variant: null,
    reproduces,
  };
}
