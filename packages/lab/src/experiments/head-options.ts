// What a model's graph is made with: what it reads of the features, sizes, widths and standardisation.
import { defined, memoized, MienError, type Tensor } from 'mien-engine/base';
import type { Split } from '../features/sets.js';
import type { StateTable } from '../features/store.js';
import { modalitiesOf, readsStates, type HeadName } from '../heads/heads.js';
import type { Modality } from 'mien/parts/bundle';
import type { FeatureTables, HeadGraphOptions, Paired, StateTables } from '../train/head-graph.js';
import { standardization, stateStandardization } from '../train/standardize.js';
import type { Config } from './config.js';
import type { ExperimentData, Selection } from './data.js';
import { readBy, type ModelSpec } from './plan.js';

/**
 * What a head reads of the features: pooled embeddings, or all states.
 * @throws MienError `data` when it reads states and there are none.
 */
export function tablesOf(
  { tables, states }: { readonly tables: FeatureTables; readonly states?: StateTables },
  { head, modalities }: Pick<ModelSpec, 'head' | 'modalities'>,
): FeatureTables | StateTables {
  const read = readsStates(head) ? states : tables;
  if (read === undefined)
    throw new MienError(
      'data',
      `the ${head} head reads token states and feature maps, of which there are none`,
      {
        hint: 'Compare heads on the data sets: mien compare --data DIR',
      },
    );
  return Object.fromEntries(modalitiesOf(head, modalities).map((modality) => [modality, read[modality]!]));
}

/** The items of a modality that a model is about. */
export function selectionOf(
  data: ExperimentData,
  { labels, faces }: Pick<ModelSpec, 'labels' | 'faces'>,
  modality: Modality,
  split: Split,
): Selection {
  if (modality === 'text') return data.texts(labels, split);
  return modality === 'face' ? data.faces(faces!, labels, split) : data.voices(labels, split);
}

/** Sizes, widths and standardisation of a model on these features. */
export function graphOptions(model: ModelSpec, config: Config, data: ExperimentData): HeadGraphOptions {
  const training = (modality: Modality): Int32Array => selectionOf(data, model, modality, 'train').rows;
  if (!readsStates(model.head)) {
    const { head, labels, modalities, incomplete } = model;
    const parts = readBy(model).map((modality) => ({
      modality,
      table: data.tables[modality]!,
      rows: training(modality),
    }));
    return { ...embeddingGraph(head, labels.length, config, parts), ...defined({ modalities, incomplete }) };
  }
  const read = Object.entries(tablesOf(data, model) as Record<Paired, StateTable>) as [Paired, StateTable][];
  const each = <T>(of: (table: StateTable, modality: Paired) => T) =>
    Object.fromEntries(read.map(([modality, table]) => [modality, of(table, modality)]));
  return {
    ...common(model.head, model.labels.length, config),
    widths: each(({ states }) => states.shape[1]!),
    most: each(({ places }) => places.shape[1]!),
    standardization: each((table, modality) => stateStandardization(table, training(modality))),
  };
}

/** A head as it is configured, on tables standardised by their training rows. */
export function headGraph(
  head: HeadName,
  labels: number,
  config: Config,
  training: (modality: Paired) => TrainingPart,
): HeadGraphOptions {
  const parts = (modalitiesOf(head) as Paired[]).map((modality) => ({ modality, ...training(modality) }));
  return embeddingGraph(head, labels, config, parts);
}

/** A modality's table, and the rows of it that are trained on. */
interface TrainingPart {
  readonly table: Tensor<'float32'>;
  readonly rows: Int32Array;
}

function embeddingGraph(
  head: HeadName,
  labels: number,
  config: Config,
  parts: readonly (TrainingPart & { readonly modality: Modality })[],
): HeadGraphOptions {
  return {
    ...common(head, labels, config),
    widths: Object.fromEntries(parts.map(({ modality, table }) => [modality, table.shape[1]!])),
    standardization: Object.fromEntries(
      parts.map(({ modality, table, rows }) => [modality, standardizationOf(table)(rows)]),
    ),
  };
}

/** Statistics of a table's rows, computed once for all heads and seeds that train on the same rows. */
const standardizationOf = memoized((table: Tensor<'float32'>) =>
  memoized((rows: Int32Array) => standardization(table, rows)),
);

const common = (head: HeadName, labels: number, { head: own, batchSize }: Config) => ({
  head,
  batchSize,
  sizes: {
    width: own.width,
    hidden: own.lstm,
    labels,
    tensor: own.tensor,
    rank: own.rank,
    attention: own.attention,
  },
});
