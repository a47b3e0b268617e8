// The situations in which heads are compared: the same validation pairs clean, under each corruption, and with a side
// missing.
import { stackRows, takeRows, type Tensor } from 'mien-engine/base';
import type { Scores } from 'mien/parts/evaluate';
import { take, type Selection } from '../../experiments/data.js';
import type { Variation } from '../../experiments/run.js';
import { joinStates, type StateTable } from '../../features/store.js';
import type { Items, Paired } from '../../train/head-graph.js';
import type { Posterior } from '../corrupted-pairs.js';
import type { ComparedFeatures, Condition } from './features.js';

/** Pairs by the rows of their sides, text and face both. */
export type LabelledPairs = Required<Pick<Items, 'text' | 'face'>> & { readonly labels: Uint8Array };

export interface Situation {
  /** `clean`, `text: words dropped .75`, `no face` */
  readonly name: string;
  readonly kind: 'clean' | 'corrupted' | 'missing';
  /** The side that is worse or missing. */
  readonly of: Paired | null;
  readonly items: LabelledPairs;
}

/** Tables of everything that training and the situations refer to, pooled and as states. */
export interface AskedTables {
  readonly tables: Readonly<Record<Paired, Tensor<'float32'>>>;
  readonly states: Readonly<Record<Paired, StateTable>>;
}

const nameOf = ({ of, as, level }: Condition): string => `${of}: ${as} ${String(level).replace(/^0/, '')}`;

/** The training's tables with the rows of all conditions below them. */
export function askedTables({ conditions }: ComparedFeatures, variation: Variation): AskedTables {
  const further = (modality: Paired) =>
    conditions.flatMap(({ condition, rows }) => (condition.of === modality ? [rows] : []));
  const pooled = (modality: Paired) =>
    stackRows([variation.tables[modality]!, ...further(modality).map(({ embeddings }) => embeddings)]);
  const states = (modality: Paired) =>
    joinStates([variation.states![modality]!, ...further(modality).map((rows) => rows.states!)]);
  return {
    tables: { text: pooled('text'), face: pooled('face') },
    states: { text: states('text'), face: states('face') },
  };
}

/** All situations of these pairs, given as positions in the validation items. */
export function situationsOf(
  { conditions }: ComparedFeatures,
  variation: Variation,
  validation: { readonly texts: Selection; readonly faces: Selection },
  pairs: { readonly texts: ArrayLike<number>; readonly faces: ArrayLike<number> },
): Situation[] {
  const texts = take(validation.texts, pairs.texts);
  const clean: LabelledPairs = {
    text: texts.rows,
    face: take(validation.faces, pairs.faces).rows,
    labels: texts.labels,
  };
  const own = { text: variation.tables.text!.shape[0]!, face: variation.tables.face!.shape[0]! };
  const next = { ...own };
  const corrupted = conditions.map(({ condition, rows: { from } }): Situation => {
    const { of } = condition;
    const first = next[of];
    next[of] += from.length;
    const placeOf = new Map(Array.from(from, (row, place) => [row, first + place]));
    const items = { ...clean, [of]: clean[of].map((row) => placeOf.get(row)!) };
    return { name: nameOf(condition), kind: 'corrupted', of, items };
  });
  // The last row of the training's tables is the mean, which carries no information.
  const missing = (['text', 'face'] as const).map((of): Situation => ({
    name: `no ${of}`,
    kind: 'missing',
    of,
    items: { ...clean, [of]: new Int32Array(clean[of].length).fill(own[of] - 1) },
  }));
  return [{ name: 'clean', kind: 'clean', of: null, items: clean }, ...corrupted, ...missing];
}

/**
 * The product of the encoders' own posteriors, the label distribution of the pairs counted once; of pairs with a
 * missing side, the other's posterior. Logarithms, `[n, labels]`.
 */
export function productLogits(
  { tables }: Pick<AskedTables, 'tables'>,
  posteriors: Readonly<Record<Paired, Posterior>>,
  prior: readonly number[],
  { items, kind, of }: Pick<Situation, 'items' | 'kind' | 'of'>,
): Scores {
  const side = (modality: Paired): Scores =>
    posteriors[modality](takeRows(tables[modality], items[modality]));
  const sides = (['text', 'face'] as const).filter((one) => kind !== 'missing' || one !== of).map(side);
  const data = sides[0]!.data.map((_, i) => {
    const logs = sides.reduce((sum, one) => sum + Math.log(Math.max(one.data[i]!, 1e-30)), 0);
    return logs - (sides.length - 1) * Math.log(prior[i % prior.length]!);
  });
  return { classes: prior.length, data };
}
