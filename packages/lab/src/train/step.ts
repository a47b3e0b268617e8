// The training step of every model: loss, gradients, update and step counter, as the body of a Scan over mini-batches,
// so that many steps are one run of the runtime (paper, Algorithm 1, lines of the training loop).
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
  type OptimizerState,
  type Parameters,
  type ParameterSpec,
  reshape,
  scan,
  type Shape,
  sizeOf,
  sub,
  type Tensor,
  type Tensors,
  type Value,
  zeros,
} from 'mien-engine';

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A model in training on batches of one shape. */
export interface Trainee {
  /** What a batch consists of, by name; shapes of one batch. */
  readonly batch: Readonly<Record<string, TensorType & { readonly shape: readonly number[] }>>;
  /** What all batches refer to, such as tables of embeddings. */
  readonly tables?: Readonly<Record<string, TensorType>>;
  readonly build: (
    p: Parameters,
    /** A batch and the tables. */
    inputs: Named,
  ) => {
    readonly loss: Value;
    /** How many items of the batch are classified correctly, float32 scalar. */
    readonly hits: Value;
    /** Parameters that change in training without a gradient, by name, as they are after this batch. */
    readonly statistics?: Named;
  };
}

/** A trainee whose `build` gets a value for each name in its batch. */
export const defineTrainee = <const Batch extends Trainee['batch']>(
  trainee: Omit<Trainee, 'batch' | 'build'> & {
    readonly batch: Batch;
    readonly build: (
      p: Parameters,
      inputs: { readonly [Name in keyof Batch]: Value } & Named,
    ) => ReturnType<Trainee['build']>;
  },
): Trainee =>
  // The step passes to `build` what `batch` declares.
  trainee as unknown as Trainee;

export interface StepOptions {
  /** The model's parameters before training; those that are not trained are constants of the step. */
  readonly weights: Tensors;
  readonly isTrained: (name: string) => boolean;
  readonly optimizer: Optimizer;
  /** Decay per step of running averages of all that changes; without it no averages are kept. */
  readonly averageDecay?: number | undefined;
  readonly threads?: number | undefined;
  /** Whether threads spin while they wait for each other; see `SessionOptions`. */
  readonly spinning?: boolean | undefined;
  /** Whether memory is kept from run to run; see `SessionOptions`. */
  readonly keepMemory?: boolean | undefined;
}

/** What is carried from step to step. */
export interface TrainingState<T = Tensor> {
  /** Trained parameters and statistics. Kernels are `[out, rest]`: ONNX Runtime is slow at scalar times rank 4. */
  readonly parameters: Readonly<Record<string, T>>;
  readonly optimizer: OptimizerState<T>;
  /** Running averages of the parameters; empty if none are kept. Updated once per run, after its last step. */
  readonly averages: Readonly<Record<string, T>>;
  /** Steps done, float32 scalar. */
  readonly step: T;
}

export interface StepSession {
  /**
   * As many steps as the batches in `inputs` have along their first axis; `inputs` also has the tables.
   * Returns the mean loss of each step and how many of its items were classified correctly.
   */
  run(
    state: TrainingState,
    inputs: Tensors,
  ): Promise<{ state: TrainingState; losses: Float32Array; hits: Float32Array }>;
  dispose(): Promise<void>;
}

/** Prepares the steps of a model on batches of one shape. */
export async function createStepSession(trainee: Trainee, options: StepOptions): Promise<StepSession> {
  const { weights, isTrained, optimizer, averageDecay, threads, spinning, keepMemory } = options;
  const { specs, trained } = traineeParameters(trainee, isTrained);
  const start = initialState(trainee, options);

  const graph = createGraph('steps');
  const { averages, ...before } = nested(declareInputs(graph, flat(start)), start);
  const tables = declareInputs(graph, trainee.tables ?? {});
  const batches = declareInputs(graph, trainee.batch, ['steps']);

  const steps = scan(graph, flat({ ...before, averages: {} }), batches, (body) => {
    const { parameters, step, ...now } = nested(body.carried, { ...start, averages: {} });
    const bound = specs.map(({ name, shape }): [string, Value] => {
      const value = parameters[name];
      return [name, value ? reshape(value, shape) : constant(body.graph, weights[name]!)];
    });
    const inputs = { ...body.scanned, ...tables };
    const { loss, hits, statistics } = trainee.build(
      boundParameters(body.graph, Object.fromEntries(bound)),
      inputs,
    );
    const changing = pick(parameters, trained);
    const found = gradients(loss, Object.values(changing));
    const named = Object.fromEntries(trained.map((name, i) => [name, found[i]!]));
    const { updates, state } = optimizer.update(named, now.optimizer, { parameters: changing, step });
    const after: TrainingState<Value> = {
      parameters: { ...applyUpdates(changing, updates), ...statistics },
      optimizer: state,
      averages: {},
      step: add(step, 1),
    };
    return { carried: flat(after), outputs: { losses: loss, hits } };
  });

  const after = nested(steps.carried, { ...start, averages: {} });
  const names = Object.keys(averages);
  const remaining = names.length > 0 ? input(graph, DECAY, 'float32', []) : undefined;
  const moved = names.map((name): [string, Value] => {
    const now = after.parameters[name]!;
    return [name, addScaled(now, sub(averages[name]!, now), remaining!)];
  });
  const state = flat({ ...after, averages: Object.fromEntries(moved) });
  const model = encodeModel(graph, { ...prefixed(state, 'new '), ...steps.outputs });
  const session = await createSession(model, defined({ threads, spinning, keepMemory }));

  const run: StepSession['run'] = async (state, inputs) => {
    const count = inputs[Object.keys(trainee.batch)[0]!]!.shape[0]!;
    const decay =
      averageDecay === undefined
        ? {}
        : { [DECAY]: float32([], [decayOver(averageDecay, stepsDone(state), count)]) };
    const result = await session.run({ ...flat(state), ...inputs, ...decay });
    return {
      state: nested(withPrefix(result, 'new '), start),
      losses: result['losses']!.data as Float32Array,
      hits: result['hits']!.data as Float32Array,
    };
  };
  return { run, dispose: () => session.dispose() };
}

const DECAY = 'average decay';

/** The trainee's parameters, and the names of those that change: weights that are trained, and statistics. */
export function traineeParameters(
  { build, batch, tables = {} }: Trainee,
  isTrained: (name: string) => boolean,
): { specs: ParameterSpec[]; trained: string[]; statistics: string[] } {
  let statistics: string[] = [];
  const specs = collectParameters((p) => {
    statistics = Object.keys(build(p, declareInputs(p.graph, { ...batch, ...tables })).statistics ?? {});
  });
  return { specs, trained: specs.map(({ name }) => name).filter(isTrained), statistics };
}

/** State before the first step; averages begin at the parameters. */
export function initialState(
  trainee: Trainee,
  { weights, isTrained, optimizer, averageDecay }: StepOptions,
): TrainingState {
  const { trained, statistics } = traineeParameters(trainee, isTrained);
  const matrices = (names: readonly string[]): Tensors =>
    Object.fromEntries(names.map((name) => [name, asMatrix(weights[name]!)]));
  const parameters = matrices([...trained, ...statistics]);
  return {
    parameters,
    optimizer: optimizer.init(matrices(trained)),
    averages: averageDecay === undefined ? {} : parameters,
    step: zeros('float32', []),
  };
}

/** All parameters of the model, those that changed as they are in the state, averaged if averages are kept. */
export const weightsOf = ({ parameters, averages }: TrainingState, weights: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(weights).map(([name, before]) => {
      const now = averages[name] ?? parameters[name];
      return [name, now === undefined ? before : { ...now, shape: before.shape }];
    }),
  );

export const stepsDone = ({ step }: TrainingState): number => Number(step.data[0]);

/** The state under flat names, for the runtime and for files: `weight`, `sum weight`, `average weight`, `step`. */
export const flat = <T>({ parameters, optimizer, averages, step }: TrainingState<T>): Record<string, T> => ({
  ...parameters,
  ...flattenState(optimizer),
  ...prefixed(averages, 'average '),
  step,
});

/** The state of the same form as `like`, from values under flat names. */
export const nested = <T>(
  values: Readonly<Record<string, T>>,
  like: TrainingState<unknown>,
): TrainingState<T> => ({
  parameters: pick(values, Object.keys(like.parameters)),
  optimizer: nestState(values, like.optimizer),
  averages: pick(withPrefix(values, 'average '), Object.keys(like.averages)),
  step: values['step']!,
});

const pick = <T>(values: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> =>
  Object.fromEntries(names.map((name) => [name, values[name]!]));

/** The same values under longer names, to keep several sets in one. */
export const prefixed = <T>(values: Readonly<Record<string, T>>, prefix: string): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));

/** The values whose names begin with the prefix, without it. */
export const withPrefix = <T>(values: Readonly<Record<string, T>>, prefix: string): Record<string, T> =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );

/** Inputs of a graph, by name, with further leading axes. */
export const declareInputs = (
  graph: Graph,
  types: Readonly<Record<string, TensorType>>,
  leading: Shape = [],
): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(types).map(([name, { dtype, shape }]) => [
      name,
      input(graph, name, dtype, [...leading, ...shape]),
    ]),
  );

const asMatrix = ({ shape, data }: Tensor): Tensor<'float32'> =>
  float32(shape.length < 4 ? shape : [shape[0]!, sizeOf(shape.slice(1))], data as Float32Array);

/**
 * What remains of an average after some steps. An average over few steps has a shorter memory, which grows with the
 * steps done, as in TensorFlow's moving averages.
 */
const decayOver = (decay: number, done: number, steps: number): number =>
  Math.min(decay, (1 + done) / (10 + done)) ** steps;
