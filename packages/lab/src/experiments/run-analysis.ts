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
import { additiveProjection } from '../evaluate/emap.js';
import { stratifiedSample } from '../evaluate/projection.js';
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
import type { ModelSpec } from './plan.js';

/** All of one trained head (a model seed). */
export interface RunAnalysis {
  /** What the classifier sees of the items of `mapPositions`, `[m, hidden]`. */
  readonly representation: Tensor<'float32'>;
  /** Heads with a gate only: its mean over all dimensions for each test pair, `[pairings, n]`. */
  readonly gate?: Tensor<'float32'>;
  /** Fused heads only: logits of their additive projection on the first test pairing, `[n, labels]`. */
  readonly additive?: Tensor<'float32'>;
  /** Fused heads only: logits on the pairs of `mismatchedPairs`, `[n, labels]`. */
  readonly mismatched?: Tensor<'float32'>;
}

const NAMES = ['representation', 'gate', 'additive', 'mismatched'] as const;

/** Points of a map: exact t-SNE is quadratic in them. */
const MAP_POINTS = 1000;
/** Texts and faces that additive projections average over; on 256 instead, accuracies differ by some tenths of a point. */
const ANCHORS = 32;
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

/** Predictions of all items, part by part. */
export async function* predictParts(
  { session, parameters, tables, atOnce = PREDICTION_ITEMS }: Asked,
  { text, face, labels: { length } }: Items,
): AsyncGenerator<Prediction & { readonly start: number }> {
  for (let start = 0; start < length; start += atOnce) {
    const end = start + atOnce;
    const part = defined({ text: text?.subarray(start, end), face: face?.subarray(start, end) });
    yield { start, ...(await session.run(parameters, tables, part)) };
  }
}

/** Logits `[n, labels]` of all items. */
export async function predictAll(asked: Asked, items: Items, labels: number): Promise<Tensor<'float32'>> {
  const out = new Float32Array(items.labels.length * labels);
  for await (const { start, logits } of predictParts(asked, items)) out.set(logits.data, start * labels);
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
  const shown = {
    ...defined({
      text: first.text && pickRows(first.text, positions),
      face: first.face && pickRows(first.face, positions),
    }),
    labels: positions,
  };
  const seen: Tensor<'float32'>[] = [];
  for await (const { representation } of predictParts(asked, shown)) seen.push(representation);
  const representation = stackRows(seen);
  if (model.head === 'text' || model.head === 'face') return { representation };

  const texts = data.texts(model.labels, 'test');
  const faces = data.faces(model.faces!, model.labels, 'test');
  const others = take(faces, mismatchedPairs(config, texts, faces));
  const classes = model.labels.length;
  const additive = await additiveOf(
    asked,
    { text: first.text!, face: first.face!, labels: first.labels },
    classes,
    seed,
  );
  const gates = await gatesOf(asked, tests);
  return {
    representation,
    ...defined({ gate: gates }),
    additive: float32([first.labels.length, classes], Float32Array.from(additive.data)),
    mismatched: await predictAll(
      asked,
      { text: texts.rows, face: others.rows, labels: texts.labels },
      classes,
    ),
  };
}

/** A head's additive projection on pairs. Anchors are others for every seed: what a sample gets wrong evens out. */
export function additiveOf(
  asked: Asked,
  { text, face, labels }: Required<Pick<Items, 'text' | 'face' | 'labels'>>,
  classes: number,
  seed: number,
): Promise<Scores<Float64Array>> {
  const anchors = stratifiedSample(labels, ANCHORS, randomStream(seed, 'anchors'));
  return additiveProjection(
    async (rows) => scores(classes, (await predictAll(asked, { ...rows, labels: rows.text! }, classes)).data),
    { text, face },
    { text: pickRows(text, anchors), face: pickRows(face, anchors) },
  );
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
