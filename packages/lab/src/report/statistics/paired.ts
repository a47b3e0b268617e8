// Models on the same pairs, side by side: accuracies with intervals over seeds, subjects and faces; paired tests; how
// far fused heads are additive; and what becomes of them when the pairing is broken.
import { defined } from 'mien-engine/base';
import {
  argmax,
  bootstrapPValue,
  hitsAgainst,
  type Interval,
  meanOf,
  percentileInterval,
  resampleMeans,
  type Scores,
} from 'mien/parts';
import { holm, mcnemar, type McNemar } from '../../evaluate/intervals.js';
import type { ModelName, RowAnalysis } from '../../experiments/results.js';
import type { System } from '../folder.js';
import type { PairedIds } from '../row-ids.js';
import { factorsOf, firstPairing, hitsOf, layoutOf, onFirstPairing, type Layout } from './pair-layout.js';

/** A model on the pairs of one source. */
export interface PairedModel {
  readonly id: string;
  readonly model: ModelName;
  readonly accuracy: Interval;
  /** On the first pairing alone, which additive projections are made on. */
  readonly first: Interval;
  /** Accuracy of the additive projection, and what the model itself has above it; fused heads only. */
  readonly additive?: { readonly projection: Interval; readonly difference: Interval };
  /** With a face of another label: shares of predictions that are the text's label, the face's, and neither. */
  readonly mismatched?: { readonly text: number; readonly face: number; readonly neither: number };
}

/** The main model against another one. */
export interface ModelComparison {
  readonly other: ModelName;
  readonly difference: Interval;
  readonly pValue: number;
  /** Holm's, over all comparisons of the system. */
  readonly adjusted: number;
  /** Of the first seed's models on the first pairing. */
  readonly mcnemar: McNemar;
}

export interface PairedStatistics {
  readonly dataset: string;
  /** Pairs of one pairing, pairings, model seeds. */
  readonly n: number;
  readonly pairings: number;
  readonly seeds: number;
  /** How many wrote the texts; null where that is unknown and every text counts as a subject of its own. */
  readonly subjects: number | null;
  readonly models: readonly PairedModel[];
  readonly comparisons: readonly ModelComparison[];
}

/** The model that comparisons are about. */
const MAIN: ModelName = 'gated';

interface Loaded {
  readonly id: string;
  readonly model: ModelName;
  /** 1 or 0 for each observation of the layout. */
  readonly hits: Uint8Array;
  readonly analysis: RowAnalysis | undefined;
}

/** What is known of the pairs of one source before tests are adjusted; undefined where the main model is missing. */
export async function pairedStatistics(
  system: System,
  ids: PairedIds,
  replicates = 2000,
): Promise<PairedStatistics | undefined> {
  const predictions = await system.predictions(ids.heads.find(({ head }) => head === MAIN)!.id);
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

/** The same with p-values adjusted over all comparisons given, those of all sources together. */
export function adjustComparisons(all: readonly PairedStatistics[]): PairedStatistics[] {
  const adjusted = holm(all.flatMap(({ comparisons }) => comparisons.map(({ pValue }) => pValue)));
  let at = 0;
  return all.map((statistics) => ({
    ...statistics,
    comparisons: statistics.comparisons.map((one) => ({ ...one, adjusted: adjusted[at++]! })),
  }));
}

/** The models that have all runs of the layout. */
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

/** Accuracies on the first pairing, with additive projections beside. */
function onFirst(
  loaded: readonly Loaded[],
  layout: Layout,
  subjects: ArrayLike<number> | null,
  replicates: number,
): Pick<PairedModel, 'first' | 'additive'>[] {
  const models = loaded.map(({ hits, analysis }) => {
    const own = onFirstPairing(layout, hits);
    const projection =
      analysis?.additive?.length === layout.seeds.length
        ? hitsOfScores(analysis.additive, layout.truth)
        : undefined;
    return projection ? [own, projection, differencesOf(own, projection)] : [own];
  });
  const resampled = resampleMeans(models.flat(), factorsOf(firstPairing(layout), subjects), { replicates });
  let at = 0;
  return models.map((statistics) => {
    const [first, projection, difference] = statistics.map(() => percentileInterval(resampled[at++]!));
    return { first: first!, ...(projection && difference ? { additive: { projection, difference } } : {}) };
  });
}

/** Whose label is predicted when text and face bear different ones; means over seeds. */
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
