// What the rows of the three-way table and of its corrupted triples are made of: triples, who judges them, and shares.
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import { type Evidence, fitTemperature, meanOf, pick, type Scores } from 'mien/parts/evaluate';
import type { Tensor } from 'mien-engine/base';
import type { Degree } from '../features/corrupted.js';
import { take, type Selection } from './data.js';
import { selectionOf } from './head-options.js';
import { type ModelSpec, pairedFaceModel, textOnlyModel, TRIPLE_FACES, voiceModel } from './plan.js';
import type { ResultRow } from './results.js';
import {
  type Cell,
  type Context,
  pairPrior,
  type RowHead,
  scoresOf,
  setTitles,
  type TableRow,
  textTitles,
} from './row-parts.js';
import { testMatches, validationMatches, type RunResult } from './run.js';

/** A matrix. */
type Rows = Pick<Tensor<'float32'>, 'data' | 'shape'>;

/** Voices made worse to one degree. */
export interface Worse extends Degree {
  /** The degree's place among those that were measured. */
  readonly place: number;
}

/** The test triples of one pairing, by positions, and the labels of the validation triples. */
export interface Triples {
  readonly validation: Readonly<Record<Modality, Selection>>;
  readonly test: Readonly<Record<Modality, Selection>>;
  readonly pairings: readonly Readonly<Record<Modality, ArrayLike<number>>>[];
}

export function triplesOf({ config, data }: Context): Triples {
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

export const unimodalModel = (
  { config: { labels }, data: { source } }: Context,
  modality: Modality,
): ModelSpec =>
  modality === 'text'
    ? textOnlyModel(labels, source)
    : modality === 'face'
      ? pairedFaceModel(labels, TRIPLE_FACES, source)
      : voiceModel(labels, source);

/** How a row on triples judges: each alone, by a head of them, by the product, or by the gate that does without. */
export type TripleKind = 'alone' | 'gated' | 'product' | 'incomplete';

/** The id of a row on triples: `triples-5-gated-text-face-voice`, `corrupted-5-alone-voice-telephone-1`. */
export function tripleId(
  labels: number,
  kind: TripleKind,
  modalities: readonly Modality[],
  worse?: Degree,
): string {
  const degree = worse ? [worse.as.replaceAll(' ', '-'), worse.level] : [];
  return [worse ? 'corrupted' : 'triples', labels, kind, ...modalities, ...degree].join('-');
}

export function headOf(
  { config, data }: Context,
  model: RowHead['model'],
  modalities: readonly Modality[],
  kind: TripleKind,
  worse?: Worse,
): RowHead {
  return {
    id: tripleId(config.labels.length, kind, modalities, worse),
    table: worse ? 'corrupted' : 'triples',
    model,
    labels: config.labels,
    dataset: `${textTitles[data.source]} × ${setTitles[TRIPLE_FACES]} × RAVDESS`,
    variant: kind === 'incomplete' ? 'trained with some missing' : null,
    reproduces: null,
    modalities,
    ...(worse && { corrupted: { of: 'voice', as: worse.as, level: worse.level } }),
  };
}

/** What each run says of the triples of each pairing, as a row that reads these modalities. */
export function ofTriples(
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

/**
 * What a unimodal head says of all test items (of voices: as they are, or made worse), at the temperature that suits the
 * items of the validation triples.
 */
export function evidenceOf(
  context: Context,
  { validation }: Triples,
  modality: Modality,
  run: RunResult,
  worse?: Worse,
): Evidence {
  const matched = validationMatches(context.config, validation);
  // A text stands in as many triples as there are pairings: it counts once, as in the paper's rows.
  const positions = modality === 'text' ? validation.text.rows.map((_, i) => i) : matched[modality];
  const { labels } = take(validation[modality], positions);
  const { temperature } = fitTemperature(pick(scoresOf(run.validation), positions), labels);
  const test = worse && modality === 'voice' ? corruptedTest(run, worse.place) : run.tests[0]!;
  return { logits: scoresOf(test), temperature, prior: pairPrior(context) };
}

/** A run's logits on one test with corrupted voices; of a head that is tested on triples one a degree and pairing. */
export function corruptedTest({ corrupted }: RunResult, test: number): Rows {
  const { shape, data } = corrupted!.logits;
  const [, n, labels] = shape as [number, number, number];
  return { shape: [n, labels], data: data.subarray(test * n * labels, (test + 1) * n * labels) };
}

/** Some rows of a matrix. */
export const rowsOf = ({ shape, data }: Rows, start: number, end: number): Rows => ({
  shape: [end - start, shape[1]!],
  data: data.subarray(start * shape[1]!, end * shape[1]!),
});

/** The labels of the validation triples. */
export function validationTruth({ config }: Context, { validation }: Triples, count?: number): Uint8Array {
  return take(validation.text, validationMatches(config, validation, count).text).labels;
}

/** Of a head of the paper's pairs: its gate, which is the face's share. */
export function pairShares({ analysis }: RunResult): Rows | undefined {
  if (!analysis?.gate) return undefined;
  const face = meanOf(analysis.gate.data);
  return { shape: [1, 2], data: Float32Array.of(1 - face, face) };
}

/** Mean shares of the modalities over runs and tests; nothing where a run has none. */
export function sharesOf(
  runs: readonly RunResult[],
  modalities: readonly Modality[],
  of: (run: RunResult) => Rows | undefined,
): Pick<ResultRow, 'gate'> {
  const found = runs.flatMap((run) => of(run) ?? []);
  if (found.length < runs.length) return {};
  const mean = (m: number): number =>
    meanOf(found.flatMap(({ data }) => Array.from(data).filter((_, i) => i % modalities.length === m)));
  return { gate: Object.fromEntries(modalities.map((modality, m) => [modality, mean(m)])) };
}

export const withFacts = (
  { row, predictions }: TableRow,
  facts: Pick<ResultRow, 'gate' | 'additive' | 'agreement'>,
): TableRow => ({
  row: { ...row, ...facts },
  predictions,
});
