// A head on items of feature tables: as a graph for training and prediction, with the inputs that it has in both.
import { defined, int64 } from 'mien-engine/base';
import {
  boundParameters,
  cast,
  collectParameters,
  concat,
  createGraph,
  createSession,
  encodeModel,
  gather,
  greaterOrEqual,
  type Named,
  type Parameters,
  type ParameterSpec,
  reshape,
  type Sequence,
  type Tensor,
  type Tensors,
  type Value,
} from 'mien-engine';
import type { StateTable } from '../features/store.js';
import type { Modality } from 'mien/parts/bundle';
import {
  buildHead,
  modalitiesOf,
  readsStates,
  type HeadName,
  type HeadOutputs,
  type HeadSizes,
} from '../heads/heads.js';
import { standardizeRows, type Standardization } from './standardize.js';
import { declareInputs, prefixed, type TensorType, withPrefix } from './step.js';

/** The modalities that the paper pairs: those of its experiments and of the bundled fusion. */
export type Paired = 'text' | 'face';

/** Embeddings `[n, width]` of each modality a head reads. */
export type FeatureTables = Readonly<Partial<Record<Modality, Tensor<'float32'>>>>;

/** All token states and regions, of heads that read those. */
export type StateTables = Readonly<Partial<Record<Modality, StateTable>>>;

/**
 * Items by their rows in the feature tables (of states: in their places); all arrays have the same length. Of heads that do
 * without a modality, −1 stands for a missing one.
 */
export interface Items extends Readonly<Partial<Record<Modality, Int32Array>>> {
  readonly labels: ArrayLike<number>;
  /** What each item's mean gate should be, from 0 to 1; needed where the gate is guided. */
  readonly gate?: ArrayLike<number>;
}

export interface HeadGraphOptions {
  readonly head: HeadName;
  /** The modalities that the head fuses; by default text and face. */
  readonly modalities?: readonly Modality[];
  /** Whether items may lack modalities; of the gate only, which is then a softmax over those that are there. */
  readonly incomplete?: boolean;
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

/** The head's parameters. */
export const headParameters = (options: HeadGraphOptions): ParameterSpec[] =>
  collectParameters((p) =>
    applyHead(p, options, declareInputs(p.graph, { ...tableTypes(options), ...itemTypes(options) })),
  );

/** Feature tables as inputs of a graph: embeddings by item, or states and which of them each item has. */
export const tableTypes = ({
  head,
  modalities,
  widths,
  most,
}: HeadGraphOptions): Record<string, TensorType> =>
  Object.fromEntries(
    modalitiesOf(head, modalities).flatMap((modality): [string, TensorType][] => {
      const width = widths[modality]!;
      return readsStates(head)
        ? [
            [`${modality} states`, { dtype: 'float16', shape: [`${modality} states`, width] }],
            [`${modality} places`, { dtype: 'int64', shape: [`${modality}s`, most![modality]!] }],
          ]
        : [[`${modality} embeddings`, { dtype: 'float32', shape: [`${modality}s`, width] }]];
    }),
  );

/** Tables under the names that `tableTypes` gives their inputs. */
export const tableTensors = (features: FeatureTables | StateTables): Tensors =>
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

/** Each modality's items, by their rows in its table, as inputs of a graph. */
const itemTypes = ({ head, modalities }: HeadGraphOptions): Record<string, TensorType> =>
  Object.fromEntries(
    modalitiesOf(head, modalities).map((modality) => [modality, { dtype: 'int64', shape: ['items'] }]),
  );

/** The same as distinct rows of each modality, and the place of each item's row among them. */
const distinctTypes = ({ head, modalities }: HeadGraphOptions) => {
  const each = (shapeOf: (modality: Modality) => string): Record<string, TensorType> =>
    Object.fromEntries(
      modalitiesOf(head, modalities).map((modality) => [
        modality,
        { dtype: 'int64', shape: [shapeOf(modality)] },
      ]),
    );
  return { rows: each((modality) => `distinct ${modality} rows`), places: each(() => 'items') };
};

/** The distinct ones of some rows, and the place of each row among them. */
function distinct(all: Int32Array): { rows: number[]; places: Int32Array } {
  const placeOf = new Map<number, number>();
  const places = all.map((row) => {
    const place = placeOf.get(row) ?? placeOf.size;
    placeOf.set(row, place);
    return place;
  });
  return { rows: [...placeOf.keys()], places };
}

/**
 * The head on items picked from the tables and standardised; `inputs` has both, by modality. With `places`, the rows are
 * distinct and an item's place says which of them it has.
 */
export function applyHead(
  p: Parameters,
  { head, modalities, incomplete = false, sizes, standardization }: HeadGraphOptions,
  inputs: Named,
  places?: Named,
): HeadOutputs {
  const standard = (modality: Modality, rows: Value): Value => {
    const statistics = standardization?.[modality];
    return statistics ? standardizeRows(rows, statistics) : rows;
  };
  const embeddings = (modality: Modality): Value =>
    standard(modality, gather(inputs[`${modality} embeddings`]!, inputs[modality]!));
  const sequence = (modality: Modality): Sequence => {
    const places = gather(inputs[`${modality} places`]!, inputs[modality]!);
    // An index of −1 picks some row, which counts as absent.
    const states = standard(modality, cast(gather(inputs[`${modality} states`]!, places), 'float32'));
    return { states, present: cast(greaterOrEqual(places, 0), 'float32') };
  };
  if (readsStates(head))
    return buildHead(p, head, { tokens: sequence('text'), regions: sequence('face') }, sizes);
  const read = modalitiesOf(head, modalities);
  // A row of −1 picks some embedding, which counts as absent.
  const isThere = (modality: Modality): Value => {
    const rows = places ? gather(inputs[modality]!, places[modality]!) : inputs[modality]!;
    return reshape(cast(greaterOrEqual(rows, 0), 'float32'), [rows.shape[0]!, 1]);
  };
  return buildHead(
    p,
    head,
    {
      ...Object.fromEntries(read.map((modality) => [modality, embeddings(modality)])),
      ...defined({ places }),
      ...(incomplete ? { present: concat(read.map(isThere), 1) } : {}),
    },
    sizes,
  );
}

export interface Prediction {
  /** `[n, labels]` */
  readonly logits: Tensor<'float32'>;
  /** `[n, hidden]` */
  readonly representation: Tensor<'float32'>;
  /** `[n, width]`, or `[1, width]` of a static gate; missing without a gate. */
  readonly gate?: Tensor<'float32'>;
  /** Of a gate over three or more modalities, `[n, modalities, width]`. */
  readonly gates?: Tensor<'float32'>;
}

type PredictionInputs = [
  parameters: Tensors,
  features: FeatureTables | StateTables,
  items: Omit<Items, 'labels'>,
];

export interface PredictionSession {
  run(...inputs: PredictionInputs): Promise<Prediction>;
  /** The logits alone: of many items, handing over all of a prediction takes as long as computing it. */
  logits(...inputs: PredictionInputs): Promise<Prediction['logits']>;
  dispose(): Promise<void>;
}

/**
 * The head applied to any number of items, parameters being inputs so that one session serves every epoch. What several
 * items have in common, such as a text in many pairs, is projected once.
 */
export async function createPredictionSession(
  options: HeadGraphOptions,
  threads?: number,
): Promise<PredictionSession> {
  const graph = createGraph('prediction');
  const specs = headParameters(options);
  const values = declareInputs(
    graph,
    Object.fromEntries(specs.map(({ name, shape }) => [name, { dtype: 'float32', shape }])),
  );
  const read = modalitiesOf(options.head, options.modalities);
  const isShared = read.length > 1 && !readsStates(options.head);
  const types = isShared ? distinctTypes(options) : { rows: itemTypes(options) };
  const inputs = declareInputs(graph, { ...tableTypes(options), ...types.rows });
  const places =
    'places' in types ? withPrefix(declareInputs(graph, prefixed(types.places, PLACES)), PLACES) : undefined;
  const bound = boundParameters(graph, values);
  const { gate, gates, ...outputs } = applyHead(bound, options, inputs, places);
  const session = await createSession(
    encodeModel(graph, { ...outputs, ...defined({ gate, gates }) }),
    defined({ threads }),
  );
  const itemsOf = (modality: Modality, all: Int32Array): Tensors => {
    if (!places) return { [modality]: int64([all.length], all) };
    const { rows, places: own } = distinct(all);
    return { [modality]: int64([rows.length], rows), [PLACES + modality]: int64([own.length], own) };
  };
  const feeds = (...[parameters, features, items]: PredictionInputs): Tensors => {
    const rows = Object.assign({}, ...read.map((modality) => itemsOf(modality, items[modality]!))) as Tensors;
    const trained = Object.fromEntries(specs.map(({ name }) => [name, parameters[name]!]));
    return { ...trained, ...tableTensors(features), ...rows };
  };
  return {
    run: async (...inputs) => (await session.run(feeds(...inputs))) as unknown as Prediction,
    logits: async (...inputs) =>
      (await session.run(feeds(...inputs), ['logits'])).logits as Prediction['logits'],
    dispose: () => session.dispose(),
  };
}

const PLACES = 'places of ';
