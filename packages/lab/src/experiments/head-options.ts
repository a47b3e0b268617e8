// What a model's graph is made with: what it reads of the features, sizes, widths and standardisation.
import { MienError, type Tensor } from 'mien-engine/base';
import type { StateTable } from '../features/store.js';
import { modalitiesOf, readsStates, type HeadName } from '../heads/heads.js';
import type { FeatureTables, HeadGraphOptions, Paired, StateTables } from '../train/head-graph.js';
import { standardization, stateStandardization } from '../train/standardize.js';
import type { Config } from './config.js';
import type { ExperimentData } from './data.js';
import type { ModelSpec } from './plan.js';

/**
 * What a head reads of the features: pooled embeddings, or all states.
 * @throws MienError `data` when it reads states and there are none.
 */
export function tablesOf(
  { tables, states }: { readonly tables: FeatureTables; readonly states?: StateTables },
  { head }: Pick<ModelSpec, 'head'>,
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
  return Object.fromEntries(modalitiesOf(head).map((modality) => [modality, read[modality]!]));
}

/** Sizes, widths and standardisation of a model on these features. */
export function graphOptions(model: ModelSpec, config: Config, data: ExperimentData): HeadGraphOptions {
  const training = (modality: Paired): Int32Array =>
    (modality === 'text'
      ? data.texts(model.labels, 'train')
      : data.faces(model.faces!, model.labels, 'train')
    ).rows;
  if (!readsStates(model.head))
    return headGraph(model.head, model.labels.length, config, (modality) => ({
      table: data.tables[modality],
      rows: training(modality),
    }));
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
  training: (modality: Paired) => { readonly table: Tensor<'float32'>; readonly rows: Int32Array },
): HeadGraphOptions {
  const parts = (modalitiesOf(head) as Paired[]).map((modality) => ({ modality, ...training(modality) }));
  return {
    ...common(head, labels, config),
    widths: Object.fromEntries(parts.map(({ modality, table }) => [modality, table.shape[1]!])),
    standardization: Object.fromEntries(
      parts.map(({ modality, table, rows }) => [modality, standardization(table, rows)]),
    ),
  };
}

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
