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
  const side = (modality: Paired) =>
    withFurther(data.tables[modality], clean[modality], corrupted[modality], posteriors[modality]);
  const [text, face] = [side('text'), side('face')];
  /** As the table: the clean items, the corrupted ones, and one of the mean state. */
  const statesOf = (modality: Paired): StateTable => {
    const own = data.states![modality];
    const mean = stateStandardization(own, clean[modality].rows).mean;
    return joinStates([own, corrupted[modality].states!, oneState(mean)]);
  };
  const placeOf = new Map(Array.from(corrupted.text.from, (row, place) => [row, place]));
  const placesOf = labels.map((_, label) =>
    [...corrupted.face.labels.keys()].filter((place) => corrupted.face.labels[place] === label),
  );
  const hashes = Object.values(corrupted).map(({ embeddings }) => sha256(bytesOf(embeddings)));
  return {
    key: sha256(JSON.stringify([shares, guidance, hashes])),
    gateGuidance: guidance,
    tables: { text: text.table, face: face.table },
    ...(data.states ? { states: { text: statesOf('text'), face: statesOf('face') } } : {}),
    vary(items, seed, epoch) {
      const draw = randomStream(seed, 'corrupted pairs', epoch);
      const [texts, faces] = [items.text!.slice(), items.face!.slice()];
      for (let i = 0; i < texts.length; i++) {
        const [fate, which] = [draw.uniform(), draw.uniform()];
        const pool = placesOf[items.labels[i]!]!;
        switch (fateOf(fate, shares)) {
          case 'text corrupted':
            texts[i] = text.worse + placeOf.get(texts[i]!)!;
            break;
          case 'face corrupted':
            if (pool.length > 0) faces[i] = face.worse + pool[Math.floor(which * pool.length)]!;
            break;
          case 'text missing':
            texts[i] = text.missing;
            break;
          case 'face missing':
            faces[i] = face.missing;
        }
      }
      const gate = Float32Array.from(texts, (row, i) => {
        const [ofText, ofFace] = [text.evidence[row]!, face.evidence[faces[i]!]!];
        return ofFace / (ofFace + ofText);
      });
      return { ...items, text: texts, face: faces, gate };
    },
  };
}

type Fate = `${Paired} ${keyof PairShares}`;

/** So that of two sides that are both sure of another label neither divides by nothing. */
const LEAST = 1e-6;

/** What a number from 0 to 1 makes of a pair; one side at most, for of two bad ones neither is to be believed. */
function fateOf(fate: number, { corrupted, missing }: PairShares): Fate | undefined {
  let end = 0;
  for (const [name, share] of [
    ['text corrupted', corrupted.text],
    ['face corrupted', corrupted.face],
    ['text missing', missing.text],
    ['face missing', missing.face],
  ] as const) {
    end += share;
    if (fate < end) return name;
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
