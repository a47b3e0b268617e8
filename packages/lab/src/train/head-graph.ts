// The two graphs behind training a head: an epoch of optimiser steps in one run, and prediction.
import { defined } from 'mien-engine/base';
import {
  add,
  applyUpdates,
  argMax,
  boundParameters,
  cast,
  collectParameters,
  createGraph,
  createSession,
  crossEntropy,
  encodeModel,
  equal,
  float32,
  gather,
  gradients,
  type Graph,
  greaterOrEqual,
  input,
  int64,
  mean,
  mul,
  type Optimizer,
  type Parameters,
  type ParameterSpec,
  scan,
  type Sequence,
  type Session,
  shareCrossEntropy,
  sum,
  type Tensor,
  type Tensors,
  type Value,
  zeros,
} from 'mien-engine';
import type { StateTable } from '../features/store.js';
import { buildHead, modalitiesOf, readsStates, type HeadName, type HeadSizes } from '../heads/heads.js';
import { standardizeRows, type Standardization } from './standardize.js';

export type Modality = 'text' | 'face';

/** Embeddings `[n, width]` of each modality a head reads. */
export type FeatureTables = Readonly<Partial<Record<Modality, Tensor<'float32'>>>>;

/** All token states and regions, of heads that read those. */
export type StateTables = Readonly<Partial<Record<Modality, StateTable>>>;

/** Items by their rows in the feature tables (of states: in their places); all arrays have the same length. */
export interface Items {
  readonly text?: Int32Array;
  readonly face?: Int32Array;
  readonly labels: ArrayLike<number>;
  /** What each item's mean gate should be, from 0 to 1; needed where the gate is guided. */
  readonly gate?: ArrayLike<number>;
}

export interface HeadGraphOptions {
  readonly head: HeadName;
  readonly sizes: HeadSizes;
  /** Width of each modality's embeddings or states. */
  readonly widths: Readonly<Partial<Record<Modality, number>>>;
  /** States that an item of each modality has at most; needed of heads that read states. */
  readonly most?: Readonly<Partial<Record<Modality, number>>>;
  /** Applied to embeddings before the head; without it they are taken as they are. */
  readonly standardization?: Readonly<Partial<Record<Modality, Standardization>>>;
  readonly batchSize: number;
  /**
   * Guides the gate in training: this times the cross-entropy of each item's mean gate with the share it is given
   * (`Items.gate`) is added to the loss. Heads without a gate by item are not guided.
   */
  readonly gateGuidance?: number;
}

const isGuided = ({ head, gateGuidance = 0 }: HeadGraphOptions): boolean =>
  gateGuidance > 0 && (head === 'gated' || head === 'gated-no-lstm');

/** Parameters, optimiser state and the number of steps done, by name. */
export type TrainingState = Tensors;

const STEP = 'step';

/** The head's parameters. */
export const headParameters = (options: HeadGraphOptions): ParameterSpec[] =>
  collectParameters((p) => applyHead(p, options, tables(p.graph, options), indices(p.graph)));

/** A feature table in a graph: embeddings by item, or states and which of them each item has. */
interface Source {
  readonly rows: Value;
  readonly places?: Value;
}

type Sources = Readonly<Partial<Record<Modality, Source>>>;

/** Feature tables as inputs of a graph. */
const tables = (graph: Graph, { head, widths, most }: HeadGraphOptions): Sources =>
  Object.fromEntries(
    modalitiesOf(head).map((modality): [Modality, Source] => {
      const width = widths[modality]!;
      if (!readsStates(head))
        return [
          modality,
          { rows: input(graph, `${modality} embeddings`, 'float32', [`${modality}s`, width]) },
        ];
      const rows = input(graph, `${modality} states`, 'float16', [`${modality} states`, width]);
      const places = input(graph, `${modality} places`, 'int64', [`${modality}s`, most![modality]!]);
      return [modality, { rows, places }];
    }),
  );

/** The head on items picked from the tables, standardised on the way. */
function applyHead(
  p: Parameters,
  { head, sizes, standardization }: HeadGraphOptions,
  { text, face }: Sources,
  itemsOf: (modality: Modality) => Value,
) {
  const standard = (modality: Modality, rows: Value): Value => {
    const statistics = standardization?.[modality];
    return statistics ? standardizeRows(rows, statistics) : rows;
  };
  const embeddings = (modality: Modality, { rows }: Source): Value =>
    standard(modality, gather(rows, itemsOf(modality)));
  const sequence = (modality: Modality, { rows, places }: Source): Sequence => {
    const own = gather(places!, itemsOf(modality));
    // An index of −1 picks some row, which counts as absent.
    const states = standard(modality, cast(gather(rows, own), 'float32'));
    return { states, present: cast(greaterOrEqual(own, 0), 'float32') };
  };
  return buildHead(
    p,
    head,
    readsStates(head)
      ? { tokens: sequence('text', text!), regions: sequence('face', face!) }
      : {
          ...(text ? { text: embeddings('text', text) } : {}),
          ...(face ? { face: embeddings('face', face) } : {}),
        },
    sizes,
  );
}

/** The items of each modality as an input of the graph. */
const indices = (graph: Graph) => (modality: Modality) => input(graph, modality, 'int64', ['items']);

/** State before the first step. */
export const initialState = (parameters: Tensors, optimizer: Optimizer): TrainingState => ({
  ...parameters,
  ...optimizer.init(parameters),
  [STEP]: zeros('float32', []),
});

export interface EpochSession {
  /**
   * Runs all optimiser steps of an epoch. The last batch is filled up with items of weight 0, so that every item
   * counts once. Returns the mean loss of each step and the share of items that were classified rightly on the way.
   */
  run(
    state: TrainingState,
    features: FeatureTables | StateTables,
    items: Items,
  ): Promise<{ state: TrainingState; losses: Float32Array; accuracy: number }>;
  dispose(): Promise<void>;
}

/**
 * An epoch as one run: a Scan over mini-batches that carries parameters and moments (paper, Algorithm 1, lines of
 * the training loop). Each step gathers its rows, computes the loss, differentiates and updates.
 */
export async function createEpochSession(
  options: HeadGraphOptions,
  optimizer: Optimizer,
  threads?: number,
): Promise<EpochSession> {
  const { batchSize } = options;
  const specs = headParameters(options);
  const names = specs.map(({ name }) => name);
  const graph = createGraph('epoch');
  const shapes = initialState(
    Object.fromEntries(specs.map(({ name, shape }) => [name, zeros('float32', shape)])),
    optimizer,
  );
  const carried = Object.fromEntries(
    Object.entries(shapes).map(([name, { dtype, shape }]) => [name, input(graph, name, dtype, shape)]),
  );
  const from = tables(graph, options);
  const batched = (name: string, dtype: 'int64' | 'float32') =>
    input(graph, name, dtype, ['steps', batchSize]);
  const scanned = {
    ...Object.fromEntries(
      modalitiesOf(options.head).map((modality) => [modality, batched(modality, 'int64')]),
    ),
    labels: batched('labels', 'int64'),
    weights: batched('weights', 'float32'),
    ...(isGuided(options) ? { gate: batched('gate', 'float32') } : {}),
  };
  const epoch = scan(graph, carried, scanned, ({ graph: body, carried: before, scanned: batch }) => {
    const parameters = Object.fromEntries(names.map((name) => [name, before[name]!]));
    const { labels, weights } = batch as { labels: Value; weights: Value };
    const { logits, gate } = applyHead(
      boundParameters(body, parameters),
      options,
      from,
      (modality) => batch[modality]!,
    );
    const entropy = crossEntropy(logits, labels, weights);
    const loss = isGuided(options)
      ? add(entropy, mul(shareCrossEntropy(mean(gate!, [1]), batch['gate']!, weights), options.gateGuidance!))
      : entropy;
    const found = gradients(loss, Object.values(parameters));
    const named = Object.fromEntries(names.map((name, i) => [name, found[i]!]));
    const step = before[STEP]!;
    const { updates, state } = optimizer.update(named, before, { parameters, step });
    const hits = sum(mul(cast(equal(argMax(logits), labels), 'float32'), weights));
    return {
      carried: { ...applyUpdates(parameters, updates), ...state, [STEP]: add(step, 1) },
      outputs: { losses: loss, hits },
    };
  });
  const after = Object.fromEntries(
    Object.entries(epoch.carried).map(([name, value]) => [`new ${name}`, value]),
  );
  const session = await createSession(
    encodeModel(graph, { ...after, ...epoch.outputs }),
    defined({ threads }),
  );

  const run: EpochSession['run'] = async (state, features, items) => {
    const result = await session.run({
      ...state,
      ...named(features),
      ...batches(items, options),
    });
    const hits = result['hits']!.data as Float32Array;
    return {
      state: Object.fromEntries(Object.keys(state).map((name) => [name, result[`new ${name}`]!])),
      losses: result['losses']!.data as Float32Array,
      accuracy: hits.reduce((total, value) => total + value, 0) / items.labels.length,
    };
  };
  return { run, dispose: () => session.dispose() };
}

const named = (features: FeatureTables | StateTables): Tensors =>
  Object.fromEntries(
    Object.entries(features).flatMap(([modality, table]) =>
      'places' in table
        ? [
            [`${modality} states`, table.states],
            [`${modality} places`, table.places],
          ]
        : [[`${modality} embeddings`, table]],
    ),
  );

/** Items in rows of one batch each, the last row filled up with item 0 at weight 0. */
function batches(items: Items, options: HeadGraphOptions): Tensors {
  const { batchSize, head } = options;
  const n = items.labels.length;
  const shape = [Math.ceil(n / batchSize), batchSize];
  const padded = (values: ArrayLike<number>) =>
    int64(
      shape,
      Array.from({ length: shape[0]! * batchSize }, (_, i) => (i < n ? values[i]! : values[0]!)),
    );
  const weights = new Float32Array(shape[0]! * batchSize).fill(1, 0, n);
  const shares = new Float32Array(shape[0]! * batchSize).fill(0.5);
  if (items.gate) shares.set(Array.from(items.gate));
  return {
    ...Object.fromEntries(modalitiesOf(head).map((modality) => [modality, padded(items[modality]!)])),
    labels: padded(items.labels),
    weights: { dtype: 'float32', shape, data: weights },
    ...(isGuided(options) ? { gate: float32(shape, shares) } : {}),
  };
}

export interface Prediction {
  /** `[n, labels]` */
  readonly logits: Tensor<'float32'>;
  /** `[n, hidden]` */
  readonly representation: Tensor<'float32'>;
  /** `[n, width]`, or `[1, width]` of a static gate; missing without a gate. */
  readonly gate?: Tensor<'float32'>;
}

export interface PredictionSession {
  run(
    parameters: Tensors,
    features: FeatureTables | StateTables,
    items: Omit<Items, 'labels'>,
  ): Promise<Prediction>;
  dispose(): Promise<void>;
}

/** The head applied to any number of items, parameters being inputs so that one session serves every epoch. */
export async function createPredictionSession(
  options: HeadGraphOptions,
  threads?: number,
): Promise<PredictionSession> {
  const graph = createGraph('prediction');
  const specs = headParameters(options);
  const values = Object.fromEntries(
    specs.map(({ name, shape }) => [name, input(graph, name, 'float32', shape)]),
  );
  const from = tables(graph, options);
  const { gate, ...outputs } = applyHead(boundParameters(graph, values), options, from, indices(graph));
  const session: Session = await createSession(
    encodeModel(graph, { ...outputs, ...defined({ gate }) }),
    defined({ threads }),
  );
  const run: PredictionSession['run'] = async (parameters, features, items) => {
    const rows = Object.fromEntries(
      modalitiesOf(options.head).map((modality) => [
        modality,
        int64([items[modality]!.length], items[modality]!),
      ]),
    );
    const trained = Object.fromEntries(specs.map(({ name }) => [name, parameters[name]!]));
    return (await session.run({ ...trained, ...named(features), ...rows })) as unknown as Prediction;
  };
  return { run, dispose: () => session.dispose() };
}
