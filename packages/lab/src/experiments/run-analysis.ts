// What a trained head is asked besides the logits of its table rows: what its classifier sees, its gate, how far it
// is additive, and what it makes of faces of another label.
import {
  defined,
  float32,
  MienError,
  randomStream,
  stackRows,
  type Tensor,
  type Tensors,
} from 'mien-engine/base';
import { pairFaces } from '../data/pairing.js';
import { additiveProjection, type ModalityRows } from '../evaluate/emap.js';
import { stratifiedSample } from '../evaluate/projection.js';
import { MODALITIES } from 'mien/parts/bundle';
import { scores, type Scores } from 'mien/parts/evaluate';
import type {
  FeatureTables,
  Items,
  Prediction,
  PredictionSession,
  StateTables,
} from '../train/head-graph.js';
import type { Config } from './config.js';
import { take, type EvaluationItems, type ExperimentData, type Selection } from './data.js';
import { readBy, type ModelSpec } from './plan.js';

/** All of one trained head (a model seed). */
export interface RunAnalysis {
  /** What the classifier sees of the items of `mapPositions`, `[m, hidden]`. */
  readonly representation: Tensor<'float32'>;
  /** Heads with a gate only: its mean over all dimensions for each test pair, `[pairings, n]`. */
  readonly gate?: Tensor<'float32'>;
  /** Heads on triples only: each modality's mean share in the gate in every test, `[tests, modalities]`. */
  readonly shares?: Tensor<'float32'>;
  /** Fused heads only: logits of their additive projection on the first test pairing, `[n, labels]`. */
  readonly additive?: Tensor<'float32'>;
  /** Fused heads only: logits on the pairs of `mismatchedPairs`, `[n, labels]`. */
  readonly mismatched?: Tensor<'float32'>;
}

const NAMES = ['representation', 'gate', 'shares', 'additive', 'mismatched'] as const;

/** Points of a map: exact t-SNE is quadratic in them. */
const MAP_POINTS = 1000;
/** Texts and faces that additive projections average over; on 256 instead, accuracies differ by some tenths of a point. */
const ANCHORS = 32;
/** Of triples, whose anchors are combined by twos, 64 for each item; on 12 instead, accuracies differ by less than a point. */
const TRIPLE_ANCHORS = 8;
/** Items a prediction run takes at once where nothing else is said, so that memory stays small. */
const PREDICTION_ITEMS = 2048;

/** The test items (of pairs: those of the first pairing) that maps show, by position. */
export const mapPositions = ({ seed }: Config, labels: Uint8Array): Int32Array =>
  stratifiedSample(labels, MAP_POINTS, randomStream(seed, 'map'));

/** A face of another label for every text, by position: the control in which pairing by label is broken. */
export function mismatchedPairs({ seed }: Config, texts: Selection, faces: Selection): Int32Array {
  const labelled = ({ labels }: Selection) => Array.from(labels, (label) => ({ label: String(label) }));
  return pairFaces(labelled(texts), labelled(faces), seed, 0, { mismatch: true, stream: 'test pairing' });
}

/** A trained head, ready to be asked. */
export interface Asked {
  readonly session: PredictionSession;
  readonly parameters: Tensors;
  readonly tables: FeatureTables | StateTables;
  /** Items a run; fewer where each is large. */
  readonly atOnce?: number;
}

/** Something of the rows of each modality that the items have. */
const rowsBy = (items: Items, of: (rows: Int32Array) => Int32Array): ModalityRows =>
  Object.fromEntries(
    MODALITIES.flatMap((modality) => (items[modality] ? [[modality, of(items[modality])]] : [])),
  );

/** Items in parts that a session takes at once, with where each begins. */
function* partsOf(items: Items, atOnce = PREDICTION_ITEMS): Generator<{ start: number; part: ModalityRows }> {
  for (let start = 0; start < items.labels.length; start += atOnce)
    yield { start, part: rowsBy(items, (rows) => rows.subarray(start, start + atOnce)) };
}

/** Predictions of all items, part by part. */
export async function* predictParts(
  { session, parameters, tables, atOnce }: Asked,
  items: Items,
): AsyncGenerator<Prediction & { readonly start: number }> {
  for (const { start, part } of partsOf(items, atOnce))
    yield { start, ...(await session.run(parameters, tables, part)) };
}

/** Logits `[n, labels]` of all items. */
export async function predictAll(
  { session, parameters, tables, atOnce }: Asked,
  items: Items,
  labels: number,
): Promise<Tensor<'float32'>> {
  const out = new Float32Array(items.labels.length * labels);
  for (const { start, part } of partsOf(items, atOnce)) {
    const { data } = await session.logits(parameters, tables, part);
    out.set(data, start * labels);
  }
  return float32([items.labels.length, labels], out);
}

/** Asks a head everything that `RunAnalysis` holds. */
export async function analyseRun(
  asked: Asked,
  config: Config,
  data: ExperimentData,
  { model, seed }: { readonly model: ModelSpec; readonly seed: number },
  tests: EvaluationItems['tests'],
): Promise<RunAnalysis> {
  const first = tests[0]!;
  const positions = mapPositions(config, first.labels);
  const shown = { ...rowsBy(first, (rows) => pickRows(rows, positions)), labels: positions };
  const seen: Tensor<'float32'>[] = [];
  for await (const { representation } of predictParts(asked, shown)) seen.push(representation);
  const representation = stackRows(seen);
  const read = readBy(model);
  if (read.length === 1) return { representation };
  if (model.modalities) {
    const shares = await sharesOf(asked, tests, read.length);
    // A projection of the many texts over seven labels would take as long as the training.
    if (model.incomplete || model.texts === 'all') return { representation, shares };
    const projection = await additiveOf(asked, first, model.labels.length, seed);
    return { representation, shares, additive: logitsOf(projection) };
  }

  const texts = data.texts(model.labels, 'test');
  const faces = data.faces(model.faces!, model.labels, 'test');
  const others = take(faces, mismatchedPairs(config, texts, faces));
  const classes = model.labels.length;
  const additive = await additiveOf(asked, first, classes, seed);
  const gates = await gatesOf(asked, tests);
  return {
    representation,
    ...defined({ gate: gates }),
    additive: logitsOf(additive),
    mismatched: await predictAll(
      asked,
      { text: texts.rows, face: others.rows, labels: texts.labels },
      classes,
    ),
  };
}

const logitsOf = ({ classes, data }: Scores<Float64Array>): Tensor<'float32'> =>
  float32([data.length / classes, classes], Float32Array.from(data));

/**
 * A head's additive projection on pairs or triples. Anchors are others for every seed: what a sample gets wrong evens out.
 */
export function additiveOf(
  asked: Asked,
  items: Items & { readonly labels: Uint8Array },
  classes: number,
  seed: number,
): Promise<Scores<Float64Array>> {
  const rows = rowsBy(items, (all) => all);
  const count = Object.keys(rows).length > 2 ? TRIPLE_ANCHORS : ANCHORS;
  const anchors = stratifiedSample(items.labels, count, randomStream(seed, 'anchors'));
  return additiveProjection(
    async (some) => {
      const { length } = Object.values(some)[0]!;
      return scores(classes, (await predictAll(asked, { ...some, labels: { length } }, classes)).data);
    },
    rows,
    rowsBy(items, (all) => pickRows(all, anchors)),
  );
}

/** Mean share of every modality in the gate, over dimensions and items, in each test. */
async function sharesOf(
  asked: Asked,
  tests: EvaluationItems['tests'],
  modalities: number,
): Promise<Tensor<'float32'>> {
  const out = new Float64Array(tests.length * modalities);
  for (const [test, items] of tests.entries())
    for await (const part of predictParts(asked, items))
      addShares(out.subarray(test * modalities), part, modalities, items.labels.length);
  return float32([tests.length, modalities], Float32Array.from(out));
}

/** Adds what some of n items contribute to the mean share of every modality. */
export function addShares(
  out: Float64Array,
  { gate, gates }: Pick<Prediction, 'gate' | 'gates'>,
  modalities: number,
  n: number,
): void {
  // Of two modalities the gate is the share of the second.
  const { data, shape } = (gates ?? gate)!;
  const width = shape.at(-1)!;
  for (let i = 0; i < data.length; i++) {
    const share = data[i]! / width / n;
    if (gates) out[Math.floor(i / width) % modalities]! += share;
    else {
      out[1]! += share;
      out[0]! += 1 / width / n - share;
    }
  }
}

/** Mean gate of every test pair; undefined where there is no gate, or one for all pairs. */
async function gatesOf(
  asked: Asked,
  tests: EvaluationItems['tests'],
): Promise<Tensor<'float32'> | undefined> {
  const n = tests[0]!.labels.length;
  const out = new Float32Array(tests.length * n);
  for (const [pairing, items] of tests.entries())
    for await (const { start, gate, logits } of predictParts(asked, items)) {
      if (gate?.shape[0] !== logits.shape[0]) return undefined;
      const width = gate!.shape[1]!;
      for (let i = 0; i < logits.shape[0]!; i++) {
        let sum = 0;
        for (let d = 0; d < width; d++) sum += gate!.data[i * width + d]!;
        out[pairing * n + start + i] = sum / width;
      }
    }
  return float32([tests.length, n], out);
}

const pickRows = (rows: Int32Array, positions: Int32Array): Int32Array =>
  positions.map((position) => rows[position]!);

/** An analysis from a file's tensors. @throws MienError `store` when it is not one. */
export function runAnalysisOf(tensors: Tensors, file: string): RunAnalysis {
  if (tensors['representation'] === undefined)
    throw new MienError('store', 'is not the analysis of a run', {
      file,
      hint: 'Remove it; it is made anew.',
    });
  return Object.fromEntries(
    NAMES.flatMap((name) => (tensors[name] === undefined ? [] : [[name, tensors[name]]])),
  ) as unknown as RunAnalysis;
}
