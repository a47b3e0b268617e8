// The training pairs of a bundle's fusion: some have a side that was made worse, some a side that is not there.
import { sha256 } from 'mien-engine/node';
import { bytesOf, float32, randomStream, stackRows, takeRows, type Tensor } from 'mien-engine/base';
import type { Scores } from 'mien/parts/evaluate';
import type { ExperimentData, Selection } from '../experiments/data.js';
import type { Variation } from '../experiments/run.js';
import { joinStates, oneState, type StateTable } from '../features/store.js';
import type { Paired } from '../train/head-graph.js';
import { standardization, stateStandardization } from '../train/standardize.js';
import type { CorruptedItems, CorruptedRows } from './corrupted-items.js';

/** What becomes of a training pair: shares of all pairs; the rest stays as it is. */
export interface PairShares {
  /** The side is made worse. */
  readonly corrupted: Readonly<Record<Paired, number>>;
  /** The side is the mean of its training embeddings, which says nothing. */
  readonly missing: Readonly<Record<Paired, number>>;
}

/** What the encoder's own classifier makes of embeddings `[n, width]`: posteriors over the labels of the pairs. */
export type Posterior = (embeddings: Tensor<'float32'>) => Scores;

/** Weight of the gate's guidance beside the cross-entropy of the labels. */
export const GUIDANCE = 1;

/** Chosen on validation pairs; docs/models.md has what else was tried. */
export const PAIR_SHARES: PairShares = {
  corrupted: { text: 0.3, face: 0.25 },
  missing: { text: 0.1, face: 0.05 },
};

/**
 * Training pairs of which these shares are changed, anew in every epoch. The gate is guided to the face's share in the
 * evidence for the true label, p_v / (p_v + p_t) by the encoders' own posteriors of the pair as it has become.
 */
export function corruptedPairs(
  data: ExperimentData,
  labels: readonly string[],
  corrupted: CorruptedItems,
  posteriors: Readonly<Record<Paired, Posterior>>,
  { shares = PAIR_SHARES, guidance = GUIDANCE }: { shares?: PairShares; guidance?: number } = {},
): Variation {
  const clean = { text: data.texts(labels, 'train'), face: data.faces('both', labels, 'train') };
  const sides = ofEach((modality) =>
    withFurther(data.tables[modality], clean[modality], corrupted[modality], posteriors[modality]),
  );
  /** As the table: the clean items, the corrupted ones, and one of the mean state. */
  const statesOf = (modality: Paired): StateTable => {
    const own = data.states![modality];
    const mean = stateStandardization(own, clean[modality].rows).mean;
    return joinStates([own, corrupted[modality].states!, oneState(mean)]);
  };
  const worseOf = ofEach((modality) => replacements(modality, corrupted[modality], labels));
  const hashes = Object.values(corrupted).map(({ embeddings }) => sha256(bytesOf(embeddings)));
  return {
    key: sha256(JSON.stringify([shares, guidance, hashes])),
    gateGuidance: guidance,
    tables: ofEach((modality) => sides[modality].table),
    ...(data.states ? { states: ofEach(statesOf) } : {}),
    vary(items, seed, epoch) {
      const draw = randomStream(seed, 'corrupted pairs', epoch);
      const rows = ofEach((modality) => items[modality]!.slice());
      for (let i = 0; i < items.labels.length; i++) {
        const [fate, which] = [draw.uniform(), draw.uniform()];
        const { modality, kind } = fateOf(fate, shares) ?? {};
        if (!modality) continue;
        const place = worseOf[modality](rows[modality][i]!, items.labels[i]!, which);
        if (kind === 'missing') rows[modality][i] = sides[modality].missing;
        else if (place !== undefined) rows[modality][i] = sides[modality].worse + place;
      }
      const evidence = (modality: Paired, i: number): number => sides[modality].evidence[rows[modality][i]!]!;
      const gate = Float32Array.from(rows.face, (_, i) => {
        const all = PAIRED.reduce((sum, modality) => sum + evidence(modality, i), 0);
        return evidence('face', i) / all;
      });
      return { ...items, ...rows, gate };
    },
  };
}

/** The modalities of a pair: it starts from the first; the other is drawn for its label. */
const PAIRED = ['text', 'face'] as const satisfies readonly Paired[];
const ofEach = <T>(of: (modality: Paired) => T): Record<Paired, T> =>
  Object.fromEntries(PAIRED.map((modality) => [modality, of(modality)])) as Record<Paired, T>;

/**
 * Which corrupted row takes an item's place: the item itself made worse where pairs start from it, otherwise any of its
 * label by a number from 0 to 1, as they are paired by label.
 */
function replacements(
  modality: Paired,
  { from, labels: own }: CorruptedRows,
  labels: readonly string[],
): (row: number, label: number, which: number) => number | undefined {
  if (modality === PAIRED[0]) {
    const placeOf = new Map(Array.from(from, (row, place) => [row, place]));
    return (row) => placeOf.get(row);
  }
  const pools = labels.map((_, label) => [...own.keys()].filter((place) => own[place] === label));
  return (_, label, which) => pools[label]![Math.floor(which * pools[label]!.length)];
}

/** So that of two sides that are both sure of another label neither divides by nothing. */
const LEAST = 1e-6;

/** What a number from 0 to 1 makes of a pair; one side at most, for of two bad ones neither is to be believed. */
function fateOf(
  fate: number,
  shares: PairShares,
): { readonly modality: Paired; readonly kind: keyof PairShares } | undefined {
  let end = 0;
  for (const kind of ['corrupted', 'missing'] as const)
    for (const modality of PAIRED) {
      end += shares[kind][modality];
      if (fate < end) return { modality, kind };
    }
  return undefined;
}

interface Side {
  /** The clean rows, below them the corrupted ones, and last the mean of the training rows. */
  readonly table: Tensor<'float32'>;
  /** The first corrupted row, and the row of the mean. */
  readonly worse: number;
  readonly missing: number;
  /** The posterior of its own label, of each row that training may meet. */
  readonly evidence: Float32Array;
}

function withFurther(
  table: Tensor<'float32'>,
  training: Selection,
  { embeddings, labels }: CorruptedRows,
  posterior: Posterior,
): Side {
  const [worse, width] = table.shape as [number, number];
  const missing = worse + embeddings.shape[0]!;
  const mean = float32([1, width], standardization(table, training.rows).mean);
  const evidence = new Float32Array(missing + 1);
  const put = (rows: ArrayLike<number>, own: Uint8Array, { classes, data }: Scores): void =>
    own.forEach((label, i) => (evidence[rows[i]!] = Math.max(data[i * classes + label]!, LEAST)));
  const own = posterior(takeRows(table, training.rows));
  put(training.rows, training.labels, own);
  put(
    Array.from(labels, (_, i) => worse + i),
    labels,
    posterior(embeddings),
  );
  evidence[missing] = 1 / own.classes;
  return { table: stackRows([table, embeddings, mean]), worse, missing, evidence };
}
