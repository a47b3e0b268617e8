// Optimiser steps of an encoder: several in one run of the runtime, with parameters, moments and running averages
// carried from step to step as matrices.
import { defined } from 'mien-engine/base';
import {
  add,
  addScaled,
  applyUpdates,
  boundParameters,
  collectParameters,
  constant,
  createGraph,
  createSession,
  type DType,
  encodeModel,
  flattenState,
  float32,
  gradients,
  type Graph,
  input,
  type Named,
  nestState,
  type Optimizer,
  type Parameters,
  type ParameterSpec,
  reshape,
  scan,
  sizeOf,
  sub,
  type Tensor,
  type Tensors,
  type Value,
  zeros,
} from 'mien-engine';

/** A model in training on batches of one shape. */
export interface Trainee {
  /** What a batch consists of, by name; shapes of one batch. */
  readonly batch: Readonly<Record<string, { readonly dtype: DType; readonly shape: readonly number[] }>>;
  readonly build: (
    p: Parameters,
    batch: Named,
  ) => {
    readonly loss: Value;
    /** How many items of the batch are classified rightly, float32 scalar. */
    readonly hits: Value;
    /** Parameters that change in training without a gradient, by name, as they are after this batch. */
    readonly statistics?: Named;
  };
}

export interface StepOptions {
  /** The model's parameters before training; those that are not trained are taken from here for good. */
  readonly weights: Tensors;
  readonly isTrained: (name: string) => boolean;
  readonly optimizer: Optimizer;
  readonly threads?: number | undefined;
  /** Whether threads spin while they wait for each other; see `SessionOptions`. */
  readonly spinning?: boolean | undefined;
}

/** Carried values by name: parameters, `sum …` and `squares …` of Adam, `average …` of parameters, `step`. */
export type LearnState = Tensors;

interface StepResult {
  readonly state: LearnState;
  /** Mean loss of each step. */
  readonly losses: Float32Array;
  /** Items of each step that were classified rightly. */
  readonly hits: Float32Array;
}

export interface StepSession {
  /**
   * As many steps as `batches` has along its first axis; `averageDecay` is what remains of the averaged parameters
   * after this run.
   */
  run(state: LearnState, batches: Tensors, averageDecay: number): Promise<StepResult>;
  dispose(): Promise<void>;
}

const STEP = 'step';
const average = (name: string): string => `average ${name}`;

/** Kernels are carried as `[out, rest]`: the runtime is slow with a scalar and a tensor of rank 4. */
const matrixShape = (shape: readonly number[]): readonly number[] =>
  shape.length < 2 ? shape : [shape[0]!, sizeOf(shape.slice(1))];

const asMatrix = ({ shape, data }: Tensor): Tensor<'float32'> =>
  float32(matrixShape(shape), data as Float32Array);

const batchInputs = (graph: Graph, batch: Trainee['batch'], leading: readonly string[]): Named =>
  Object.fromEntries(
    Object.entries(batch).map(([name, { dtype, shape }]) => [
      name,
      input(graph, name, dtype, [...leading, ...shape]),
    ]),
  );

/** The trainee's parameters, and the names of those that change: weights that are trained, and statistics. */
export function traineeParameters(
  { build, batch }: Trainee,
  isTrained: (name: string) => boolean,
): { specs: ParameterSpec[]; trained: string[]; statistics: string[] } {
  let statistics: string[] = [];
  const specs = collectParameters((p) => {
    statistics = Object.keys(build(p, batchInputs(p.graph, batch, [])).statistics ?? {});
  });
  const trained = specs.map(({ name }) => name).filter(isTrained);
  return { specs, trained, statistics };
}

/** State before the first step; averages begin at the parameters. */
export function initialLearnState(
  trainee: Trainee,
  { weights, isTrained, optimizer }: StepOptions,
): LearnState {
  const { trained, statistics } = traineeParameters(trainee, isTrained);
  const matrices = (names: readonly string[], rename = (name: string) => name): Record<string, Tensor> =>
    Object.fromEntries(names.map((name) => [rename(name), asMatrix(weights[name]!)]));
  const changing = [...trained, ...statistics];
  return {
    ...matrices(changing),
    ...flattenState(optimizer.init(matrices(trained))),
    ...matrices(changing, average),
    [STEP]: zeros('float32', []),
  };
}

/** All parameters of the model with those that changed as they are in the state, averaged ones by default. */
export function weightsOf(
  state: LearnState,
  weights: Tensors,
  which: 'average' | 'last' = 'average',
): Tensors {
  return Object.fromEntries(
    Object.entries(weights).map(([name, before]) => {
      const now = state[which === 'average' ? average(name) : name];
      return [name, now === undefined ? before : { ...now, shape: before.shape }];
    }),
  );
}

/**
 * Prepares the steps: a Scan whose body builds the loss, differentiates it and updates. Running averages of all that
 * changes follow the last step of a run.
 */
export async function createStepSession(trainee: Trainee, options: StepOptions): Promise<StepSession> {
  const { weights, isTrained, optimizer, threads, spinning } = options;
  const { specs, trained, statistics } = traineeParameters(trainee, isTrained);
  const changing = new Set([...trained, ...statistics]);
  const state = initialLearnState(trainee, options);
  const moments = optimizer.init(Object.fromEntries(trained.map((name) => [name, state[name]!])));
  const graph = createGraph('steps');
  const values = Object.fromEntries(
    Object.entries(state).map(([name, { dtype, shape }]) => [name, input(graph, name, dtype, shape)]),
  );
  const averages = [...changing].map(average);
  const carried = Object.fromEntries(Object.entries(values).filter(([name]) => !averages.includes(name)));
  const scanned = batchInputs(graph, trainee.batch, ['steps']);
  const kept = input(graph, 'average decay', 'float32', []);

  const steps = scan(graph, carried, scanned, ({ graph: body, carried: before, scanned: batch }) => {
    const parameters = Object.fromEntries(
      specs.map(({ name, shape }) => [
        name,
        changing.has(name) ? reshape(before[name]!, shape) : constant(body, weights[name]!),
      ]),
    );
    const { loss, hits, statistics: after } = trainee.build(boundParameters(body, parameters), batch);
    const matrices = Object.fromEntries(trained.map((name) => [name, before[name]!]));
    const found = gradients(loss, Object.values(matrices));
    const named = Object.fromEntries(trained.map((name, i) => [name, found[i]!]));
    const step = before[STEP]!;
    const update = optimizer.update(named, nestState(before, moments), { parameters: matrices, step });
    return {
      carried: {
        ...applyUpdates(matrices, update.updates),
        ...flattenState(update.state),
        ...after,
        [STEP]: add(step, 1),
      },
      outputs: { losses: loss, hits },
    };
  });
  const averaged = Object.fromEntries(
    [...changing].map((name) => {
      const now = steps.carried[name]!;
      return [average(name), addScaled(now, sub(values[average(name)]!, now), kept)];
    }),
  );
  const outputs = Object.fromEntries(
    Object.entries({ ...steps.carried, ...averaged }).map(([name, value]) => [`new ${name}`, value]),
  );
  const model = encodeModel(graph, { ...outputs, ...steps.outputs });
  const session = await createSession(model, defined({ threads, spinning }));
  const run: StepSession['run'] = async (before, batches, averageDecay) => {
    const result = await session.run({
      ...before,
      ...batches,
      'average decay': float32([], [averageDecay]),
    });
    return {
      state: Object.fromEntries(Object.keys(before).map((name) => [name, result[`new ${name}`]!])),
      losses: result['losses']!.data as Float32Array,
      hits: result['hits']!.data as Float32Array,
    };
  };
  return { run, dispose: () => session.dispose() };
}
