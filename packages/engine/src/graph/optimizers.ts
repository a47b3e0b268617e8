// Optimisers as pure functions over named gradients, composed in sequence, and learning rate schedules; their arithmetic
// is part of the graph.
import { MienError } from '../base/errors.js';
import { sizeOf, zeros, type Tensor, type Tensors } from '../base/tensor.js';
import { staticShape, type Value } from './graph.js';
import type { Named } from './ops/control.js';
import { add, cos, div, maximum, minimum, mul, pow, sqrt, sub, type Operand } from './ops/elementwise.js';
import { addScaled } from './ops/fused.js';
import { concat, reshape, split } from './ops/movement.js';
import { sumOfSquares } from './ops/reduction.js';
import { sameShape } from './shapes.js';

/** A learning rate: a number, or a function of the number of steps done (float32 scalar). */
export type LearningRate = number | ((step: Value) => Value);

export interface UpdateContext {
  readonly parameters: Named;
  /** Steps done before this one, float32 scalar. */
  readonly step: Value;
}

/** What an optimiser keeps from step to step, by kind and parameter, such as `{ sum: { weight }, squares: { weight } }`. */
export type OptimizerState<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

/** Turns gradients into updates, which are added to the parameters. */
export interface Optimizer {
  /** State before the first step. */
  init(parameters: Tensors): OptimizerState<Tensor>;
  update(
    gradients: Named,
    state: OptimizerState<Value>,
    context: UpdateContext,
  ): { updates: Record<string, Value>; state: OptimizerState<Value> };
}

/** The state under flat names, such as `sum weight`, as inputs of graphs and files have them. */
export const flattenState = <T>(state: OptimizerState<T>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(state).flatMap(([kind, values]) =>
      Object.entries(values).map(([name, value]) => [`${kind} ${name}`, value]),
    ),
  );

/**
 * The state of the same kinds and parameters as `like`, from values under flat names; others among them are ignored.
 * @throws MienError `shape` if one is missing.
 */
export const nestState = <T>(
  flat: Readonly<Record<string, T>>,
  like: OptimizerState<unknown>,
): OptimizerState<T> =>
  Object.fromEntries(
    Object.entries(like).map(([kind, values]) => [
      kind,
      Object.fromEntries(Object.keys(values).map((name) => [name, entry(flat, `${kind} ${name}`)])),
    ]),
  );

/** @throws MienError `shape` if there is none, for instance in the state of another optimiser. */
function entry<T>(entries: Readonly<Record<string, T>>, name: string): T {
  const value = entries[name];
  if (value === undefined)
    throw new MienError('shape', 'is missing from the gradients, parameters or state', { field: name });
  return value;
}

const mapValues = (values: Named, change: (value: Value, name: string) => Value): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));

const zerosLike = (parameters: Tensors): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, zeros('float32', shape)]));

/** factor · η at this step; a number if η is one. */
const scaledRate = (rate: LearningRate, step: Value, factor: number): Operand =>
  typeof rate === 'number' ? rate * factor : mul(rate(step), factor);

/** The new parameters: each plus its update. */
export const applyUpdates = (parameters: Named, updates: Named): Record<string, Value> =>
  mapValues(parameters, (value, name) => addUpdate(value, entry(updates, name)));

/** Most updates are a product with a learning rate, which is fused with the addition into one pass over the parameter. */
function addUpdate(parameter: Value, update: Value): Value {
  const [direction, rate] = update.node?.operator.name === 'Mul' ? update.node.inputs : [];
  return direction && rate?.shape.length === 0 && sameShape(direction.shape, parameter.shape)
    ? addScaled(parameter, direction, rate)
    : add(parameter, update);
}

/** Several optimisers in sequence; each receives the updates of the previous one as gradients. */
export const chain = (...parts: readonly Optimizer[]): Optimizer => ({
  init: (parameters) =>
    Object.assign({}, ...parts.map((part) => part.init(parameters))) as OptimizerState<Tensor>,
  update: (gradients, state, context) => {
    let updates = { ...gradients };
    const after: Record<string, Named> = {};
    for (const part of parts) {
      const result = part.update(updates, state, context);
      updates = result.updates;
      Object.assign(after, result.state);
    }
    return { updates, state: after };
  },
});

/** Stochastic gradient descent; with momentum, b ← μ·b + g and b replaces the gradient (as in PyTorch). */
export const sgd = ({
  learningRate,
  momentum = 0,
}: {
  learningRate: LearningRate;
  momentum?: number;
}): Optimizer => ({
  init: (parameters) => (momentum === 0 ? {} : { velocity: zerosLike(parameters) }),
  update: (gradients, state, { step }) => {
    const rate = scaledRate(learningRate, step, -1);
    if (momentum === 0) return { updates: mapValues(gradients, (g) => mul(g, rate)), state: {} };
    const before = entry(state, 'velocity');
    const velocity = mapValues(gradients, (g, name) => addScaled(g, entry(before, name), momentum));
    return { updates: mapValues(velocity, (v) => mul(v, rate)), state: { velocity } };
  },
});

/** The learning rate of a parameter relative to the common one, for groups and layer-wise decay. */
export type RateOf = (name: string) => number;

/** The common factor of an update, times the parameter's own. */
const factorOf =
  (factor: Operand, rateOf: RateOf | undefined) =>
  (name: string): Operand => {
    const scale = rateOf?.(name) ?? 1;
    if (scale === 1) return factor;
    return typeof factor === 'number' ? factor * scale : mul(factor, scale);
  };

export interface AdamOptions {
  readonly learningRate: LearningRate;
  /** 1 for all parameters by default. */
  readonly rateOf?: RateOf;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/**
 * Adam (Kingma & Ba 2015, algorithm 1; PyTorch's `optim.Adam`). The moments are kept as discounted sums,
 * M = Σ β₁ᵏ·g and V = Σ β₂ᵏ·g², that is m/(1 − β₁) and v/(1 − β₂): the factors go into the two scalars
 *
 *     update = −a · M / (√V + ε′)   a = η·(1 − β₁)/(1 − β₁ᵗ) · √((1 − β₂ᵗ)/(1 − β₂))   ε′ = ε·√((1 − β₂ᵗ)/(1 − β₂))
 *
 * which saves two passes over all parameters per step.
 */
export const adam = ({
  learningRate,
  rateOf,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
}: AdamOptions): Optimizer => ({
  init: (parameters) => ({ sum: zerosLike(parameters), squares: zerosLike(parameters) }),
  update: (gradients, state, { step }) => {
    const t = add(step, 1);
    const correction = (beta: number) => sub(1, pow(beta, t));
    const root = sqrt(mul(correction(beta2), 1 / (1 - beta2)));
    const common = div(mul(root, scaledRate(learningRate, step, beta1 - 1)), correction(beta1));
    const factor = factorOf(common, rateOf);
    const shift = mul(root, epsilon);
    const before = { sum: entry(state, 'sum'), squares: entry(state, 'squares') };
    const sum = mapValues(gradients, (g, name) => addScaled(g, entry(before.sum, name), beta1));
    const squares = mapValues(gradients, (g, name) =>
      addScaled(mul(g, g), entry(before.squares, name), beta2),
    );
    const updates = mapValues(sum, (m, name) =>
      mul(div(m, add(sqrt(entry(squares, name)), shift)), factor(name)),
    );
    return { updates, state: { sum, squares } };
  },
});

/** Decoupled weight decay (Loshchilov & Hutter 2019): each update also subtracts η·λ times the parameter. */
export const decayWeights = (options: {
  learningRate: LearningRate;
  rateOf?: RateOf;
  weightDecay: number;
  /** Which parameters decay; all by default. */
  decays?: (name: string) => boolean;
}): Optimizer => ({
  init: () => ({}),
  update: (gradients, _state, { parameters, step }) => {
    const factor = factorOf(scaledRate(options.learningRate, step, -options.weightDecay), options.rateOf);
    const decays = options.decays ?? (() => true);
    return {
      updates: mapValues(gradients, (g, name) =>
        decays(name) ? addScaled(g, entry(parameters, name), factor(name)) : g,
      ),
      state: {},
    };
  },
});

/** AdamW: Adam, then decoupled weight decay. */
export const adamW = (
  options: AdamOptions & { weightDecay?: number; decays?: (name: string) => boolean },
): Optimizer => chain(adam(options), decayWeights({ weightDecay: 0.01, ...options }));

/** Scales all gradients by one factor so that their joint norm is at most `maxNorm`. */
export const clipByGlobalNorm = (maxNorm: number): Optimizer => ({
  init: () => ({}),
  update: (gradients) => {
    const squares = Object.values(gradients).map((g) => sumOfSquares(g));
    const norm = sqrt(squares.reduce((total, square) => add(total, square)));
    const factor = minimum(div(maxNorm, add(norm, 1e-6)), 1);
    return { updates: mapValues(gradients, (g) => mul(g, factor)), state: {} };
  },
});

/** L2 penalty: adds λ times the parameter to its gradient (PyTorch's `weight_decay` of SGD and Adam). */
export const l2Penalty = (weightDecay: number): Optimizer => ({
  init: () => ({}),
  update: (gradients, _state, { parameters }) => ({
    updates: mapValues(gradients, (g, name) => addScaled(g, entry(parameters, name), weightDecay)),
    state: {},
  }),
});

/** Parameters with fewer elements are worth packing: a node costs more than their arithmetic. */
const SMALL = 4096;

/** Parameters updated as one vector, which has the name of the first; a large parameter is alone and keeps its shape. */
interface Pack {
  readonly name: string;
  readonly members: { readonly name: string; readonly shape: readonly number[]; readonly size: number }[];
}

/**
 * The same optimiser with small parameters of one kind (equal in everything by which `inner` distinguishes parameters)
 * packed into one vector: a network has hundreds of scales and biases, each of which would take a dozen nodes.
 */
export const packed = (inner: Optimizer, kindOf: (name: string) => string, below = SMALL): Optimizer => {
  const packsOf = (shapes: readonly (readonly [name: string, shape: readonly number[]])[]): Pack[] => {
    const packs = new Map<string, Pack>();
    for (const [name, shape] of shapes) {
      const member = { name, shape, size: sizeOf(shape) };
      const key = member.size < below ? `small ${kindOf(name)}` : `large ${name}`;
      const pack = packs.get(key);
      if (pack) pack.members.push(member);
      else packs.set(key, { name, members: [member] });
    }
    return [...packs.values()];
  };
  const join = (values: Named, packs: readonly Pack[]): Record<string, Value> =>
    Object.fromEntries(
      packs.map(({ name, members }) => [
        name,
        members.length === 1
          ? entry(values, name)
          : concat(
              members.map((member) => reshape(entry(values, member.name), [member.size])),
              0,
            ),
      ]),
    );
  return {
    init: (parameters) => {
      const packs = packsOf(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));
      const vectors = packs.map(({ name, members }): [string, Tensor] => [
        name,
        members.length === 1
          ? entry(parameters, name)
          : zeros('float32', [members.reduce((total, { size }) => total + size, 0)]),
      ]);
      return inner.init(Object.fromEntries(vectors));
    },
    update: (gradients, state, { parameters, step }) => {
      const packs = packsOf(Object.entries(gradients).map(([name, { shape }]) => [name, staticShape(shape)]));
      const { updates, state: after } = inner.update(join(gradients, packs), state, {
        parameters: join(parameters, packs),
        step,
      });
      const unpacked = packs.flatMap(({ name, members }): [string, Value][] => {
        const update = entry(updates, name);
        if (members.length === 1) return [[name, update]];
        const parts = split(
          update,
          members.map(({ size }) => size),
          0,
        );
        return members.map(({ name, shape }, i) => [name, reshape(parts[i]!, shape)]);
      });
      return { updates: Object.fromEntries(unpacked), state: after };
    },
  };
};

export interface ScheduleOptions {
  /** The highest rate. */
  readonly peak: number;
  /** Steps of the linear rise to the peak. */
  readonly warmup?: number;
  /** Total number of steps; afterwards the rate keeps its last value. */
  readonly steps: number;
}

/** min(1, (step + 1) / warm-up) */
const rise = (step: Value, warmup: number): Value | number =>
  warmup > 0 ? minimum(mul(add(step, 1), 1 / warmup), 1) : 1;

/** Progress from the end of the warm-up to the last step, 0 to 1. */
const progress = (step: Value, { warmup = 0, steps }: ScheduleOptions): Value =>
  minimum(maximum(mul(add(step, -warmup), 1 / Math.max(1, steps - warmup)), 0), 1);

/** Linear warm-up, then half a cosine from the peak to 0. */
export const cosineSchedule =
  (options: ScheduleOptions) =>
  (step: Value): Value =>
    mul(
      mul(add(mul(cos(mul(progress(step, options), Math.PI)), 0.5), 0.5), rise(step, options.warmup ?? 0)),
      options.peak,
    );

/** Linear warm-up, then linear decay from the peak to 0. */
export const linearSchedule =
  (options: ScheduleOptions) =>
  (step: Value): Value =>
    mul(mul(add(mul(progress(step, options), -1), 1), rise(step, options.warmup ?? 0)), options.peak);
