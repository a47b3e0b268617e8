// Models compared on the same pairs: accuracies with intervals over seeds, subjects and faces; paired tests; additive
// projections of fused heads; and mismatched pairs.
import { defined } from 'mien-engine/base';
import {
  argmax,
  bootstrapPValue,
  type Factor,
  factorOf,
  hitsAgainst,
  type Interval,
  meanOf,
  percentileInterval,
  resampleMeans,
  type Scores,
} from 'mien/parts/evaluate';
import { holm, mcnemar, type McNemar } from '../../evaluate/intervals.js';
import type { ModelName, RowAnalysis, RowPredictions } from '../../experiments/results.js';
import type { PairedIds, System } from '../folder.js';

/** A model on the pairs of one source. */
export interface PairedModel {
  readonly id: string;
  readonly model: ModelName;
  readonly accuracy: Interval;
  /** On the first pairing only, for which additive projections are computed. */
  readonly first: Interval;
  /** Accuracy of the additive projection, and the model's difference to it; fused heads only. */
  readonly additive?: { readonly projection: Interval; readonly difference: Interval };
  /** With a face of another label: shares of predictions that are the text's label, the face's, or neither. */
  readonly mismatched?: { readonly text: number; readonly face: number; readonly neither: number };
}

/** The main model compared with another one. */
export interface ModelComparison {
  readonly other: ModelName;
  readonly difference: Interval;
  readonly pValue: number;
  /** Corrected by Holm over all comparisons of the system. */
  readonly adjusted: number;
  /** For the first seed's models on the first pairing. */
  readonly mcnemar: McNemar;
}

export interface PairedStatistics {
  readonly dataset: string;
  /** Number of pairs per pairing, pairings, and model seeds. */
  readonly n: number;
  readonly pairings: number;
  readonly seeds: number;
  /** Number of subjects who wrote the texts; null if unknown, so that every text counts as a separate subject. */
  readonly subjects: number | null;
  readonly models: readonly PairedModel[];
  readonly comparisons: readonly ModelComparison[];
}

/** The main model of the comparisons. */
const MAIN = 'gated';

interface Loaded {
  readonly id: string;
  readonly model: ModelName;
  /** 1 or 0 for each observation of the layout. */
  readonly hits: Uint8Array;
  readonly analysis: RowAnalysis | undefined;
}

/** Statistics of the pairs of one source before the correction of p-values; undefined if the main model is missing. */
export async function pairedStatistics(
  system: System,
  ids: PairedIds,
  replicates = 2000,
): Promise<PairedStatistics | undefined> {
  const predictions = await system.predictions(ids.headId(MAIN));
  if (predictions === undefined) return undefined;
  const layout = layoutOf(predictions);
  const loaded = await load(system, ids, layout);
  const main = loaded.find(({ model }) => model === MAIN);
  if (main === undefined) return undefined;
  const others = loaded.filter((one) => one !== main);
  const subjects = main.analysis?.subjects ?? null;

  const resampled = resampleMeans(
    [...loaded.map(({ hits }) => hits), ...others.map(({ hits }) => differencesOf(main.hits, hits))],
    factorsOf(layout, subjects),
    { replicates },
  );
  const first = onFirst(loaded, layout, subjects, replicates);
  return {
    dataset: ids.dataset,
    n: layout.n,
    pairings: layout.pairings.length,
    seeds: layout.seeds.length,
    subjects: subjects === null ? null : new Set(Array.from(subjects)).size,
    models: loaded.map(({ id, model, analysis }, i) => {
      const mismatched = mismatchedOf(analysis, layout.truth);
      return {
        id,
        model,
        accuracy: percentileInterval(resampled[i]!),
        ...first[i]!,
        ...defined({ mismatched }),
      };
    }),
    comparisons: others.map(({ model, hits }, i) => {
      const difference = resampled[loaded.length + i]!;
      const pValue = bootstrapPValue(difference.replicates);
      return {
        other: model,
        difference: percentileInterval(difference),
        pValue,
        adjusted: pValue,
        mcnemar: mcnemar(main.hits.subarray(0, layout.n), hits.subarray(0, layout.n)),
      };
    }),
  };
}

/** The same with p-values corrected over all comparisons of all sources. */
export function adjustComparisons(all: readonly PairedStatistics[]): PairedStatistics[] {
  const adjusted = holm(all.flatMap(({ comparisons }) => comparisons.map(({ pValue }) => pValue)));
  let at = 0;
  return all.map((statistics) => ({
    ...statistics,
    comparisons: statistics.comparisons.map((one) => ({ ...one, adjusted: adjusted[at++]! })),
  }));
}

/** The models with all runs of the layout. */
async function load(system: System, ids: PairedIds, layout: Layout): Promise<Loaded[]> {
  const wanted: { id: string; model: ModelName }[] = [
    { id: ids.text, model: 'text' },
    { id: ids.face, model: 'face' },
    ...ids.heads.map(({ head, id }) => ({ id, model: head })),
    { id: ids.product, model: 'product' },
  ];
  const loaded: Loaded[] = [];
  for (const { id, model } of wanted) {
    const predictions = await system.predictions(id);
    const hits = predictions && hitsOf(predictions, layout);
    if (hits) loaded.push({ id, model, hits, analysis: await system.analysis(id) });
  }
  return loaded;
}

const differencesOf = (a: Uint8Array, b: Uint8Array): Int8Array => Int8Array.from(a, (hit, o) => hit - b[o]!);

const hitsOfScores = (all: readonly Scores[], truth: ArrayLike<number>): Uint8Array =>
  Uint8Array.from(all.flatMap((one) => [...hitsAgainst(one, truth)]));

/** Accuracies on the first pairing, and those of additive projections. */
function onFirst(
  loaded: readonly Loaded[],
  layout: Layout,
  subjects: ArrayLike<number> | null,
  replicates: number,
): Pick<PairedModel, 'first' | 'additive'>[] {
  const models = loaded.map(({ hits, analysis }) => {
    const model = onFirstPairing(layout, hits);
    const projection =
      analysis?.additive?.length === layout.seeds.length
        ? hitsOfScores(analysis.additive, layout.truth)
        : undefined;
    return projection ? [model, projection, differencesOf(model, projection)] : [model];
  });
  const resampled = resampleMeans(models.flat(), factorsOf(firstPairing(layout), subjects), { replicates });
  let at = 0;
  return models.map((statistics) => {
    const [first, projection, difference] = statistics.map(() => percentileInterval(resampled[at++]!));
    return { first: first!, ...(projection && difference && { additive: { projection, difference } }) };
  });
}

/** Which label is predicted if those of text and face differ; means over seeds. */
function mismatchedOf(
  analysis: RowAnalysis | undefined,
  textLabels: ArrayLike<number>,
): PairedModel['mismatched'] {
  if (!analysis?.mismatched) return undefined;
  const { faceLabels, posteriors } = analysis.mismatched;
  const predicted = posteriors.map(argmax);
  const share = (of: (label: number, i: number) => boolean): number =>
    meanOf(predicted.flatMap((labels) => Array.from(labels, (label, i) => (of(label, i) ? 1 : 0))));
  const text = share((label, i) => label === textLabels[i]);
  const face = share((label, i) => label === faceLabels[i]);
  return { text, face, neither: 1 - text - face };
}

/** The observations of models on the same pairs, ordered by seed, then pairing, then pair. */
interface Layout {
  readonly n: number;
  readonly seeds: readonly number[];
  readonly pairings: readonly number[];
  readonly ids: readonly string[];
  readonly truth: ArrayLike<number>;
  /** By pairing. */
  readonly faces: readonly (readonly string[])[];
}

function layoutOf({ runs }: RowPredictions): Layout {
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  const pairings = [...new Set(runs.map(({ pairing }) => pairing ?? 0))];
  const [{ ids, truth }] = runs as [RowPredictions['runs'][number]];
  const faces = pairings.map(
    (wanted) => runs.find(({ pairing }) => (pairing ?? 0) === wanted)!.faceIds ?? ids,
  );
  return { n: ids.length, seeds, pairings, ids, truth, faces };
}

/** Hits in the layout's order; a text-only row is the same for every pairing. Undefined if a run is missing. */
function hitsOf({ runs }: RowPredictions, layout: Layout): Uint8Array | undefined {
  const { n, seeds, pairings } = layout;
  const out = new Uint8Array(seeds.length * pairings.length * n);
  let at = 0;
  for (const seed of seeds)
    for (const pairing of pairings) {
      const run = runs.find((one) => one.seed === seed && (one.pairing ?? pairing) === pairing);
      if (run?.ids.length !== n) return undefined;
      out.set(hitsAgainst(run.posteriors, run.truth), at);
      at += n;
    }
  return out;
}

/** Seeds, subjects (or texts) and faces as factors; pairings are not a factor, since they differ in the faces. */
function factorsOf({ n, seeds, pairings, ids, faces }: Layout, subjects: ArrayLike<number> | null): Factor[] {
  const text = factorOf(subjects === null ? ids : Array.from(subjects));
  const face = factorOf(faces.flat());
  const total = seeds.length * pairings.length * n;
  const each = (of: (o: number) => number): Factor => Int32Array.from({ length: total }, (_, o) => of(o));
  return [
    each((o) => Math.floor(o / (pairings.length * n))),
    each((o) => text[o % n]!),
    each((o) => face[o % (pairings.length * n)]!),
  ];
}

/** The layout of the first pairing only. */
const firstPairing = (layout: Layout): Layout => ({
  ...layout,
  pairings: layout.pairings.slice(0, 1),
  faces: layout.faces.slice(0, 1),
});

/** The part of a list over all pairings that belongs to the first one. */
function onFirstPairing({ n, seeds, pairings }: Layout, hits: Uint8Array): Uint8Array {
  const size = pairings.length * n;
  const out = new Uint8Array(seeds.length * n);
  seeds.forEach((_seed, s) => out.set(hits.subarray(s * size, s * size + n), s * n));
  return out;
}
