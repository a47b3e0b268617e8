// Optimisers as pure functions over named gradients, composed one after the other; their arithmetic is more graph.
import { indicesBy } from '../base/batches.js';
import { sizeOf, zeros, type Tensor, type Tensors } from '../base/tensor.js';
import { staticShape, type Value } from './builder.js';
import { add, div, minimum, mul, pow, sqrt, sub, type Operand } from './ops/elementwise.js';
import type { Named } from './ops/control.js';
import { concat, reshape, split } from './ops/movement.js';
import { sumOfSquares } from './ops/reduction.js';
import { addScaled } from './ops/scaled.js';
import { sameShape } from './shapes.js';

/** A learning rate: a number, or a function of how many steps have been done (float32 scalar). */
export type LearningRate = number | ((step: Value) => Value);

export interface UpdateContext {
  readonly parameters: Named;
  /** Steps done before this one, float32 scalar. */
  readonly step: Value;
}

/** Turns gradients into updates: what is to be added to the parameters. */
export interface Optimizer {
  /** State before the first step, by names of its own. */
  init(parameters: Tensors): Record<string, Tensor>;
  update(
    gradients: Named,
    state: Named,
    context: UpdateContext,
  ): { updates: Record<string, Value>; state: Record<string, Value> };
}

const mapValues = (values: Named, change: (value: Value, name: string) => Value): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));

const zeroState = (parameters: Tensors, kind: string): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => [`${kind} ${name}`, zeros('float32', shape)]),
  );

/** factor · η at this step; a plain number where η is one. */
const scaledRate = (rate: LearningRate, step: Value, factor: number): Operand =>
  typeof rate === 'number' ? rate * factor : mul(rate(step), factor);

/** The new parameters: each plus its update. */
export const applyUpdates = (parameters: Named, updates: Named): Record<string, Value> =>
  mapValues(parameters, (value, name) => addUpdate(value, updates[name]!));

/** Most updates end in a product with a learning rate, which then joins the sum in one pass over the parameter. */
function addUpdate(parameter: Value, update: Value): Value {
  const [direction, rate] = update.node?.operator.name === 'Mul' ? update.node.inputs : [];
  return direction && rate?.shape.length === 0 && sameShape(direction.shape, parameter.shape)
    ? addScaled(parameter, direction, rate)
    : add(parameter, update);
}

/** Several optimisers in a row; each sees the updates of the one before as its gradients. */
export const chain = (...parts: readonly Optimizer[]): Optimizer => ({
  init: (parameters) =>
    Object.assign({}, ...parts.map((part) => part.init(parameters))) as Record<string, Tensor>,
  update: (gradients, state, context) => {
    let updates = { ...gradients };
    const after: Record<string, Value> = {};
    for (const part of parts) {
      const result = part.update(updates, state, context);
      updates = result.updates;
      Object.assign(after, result.state);
    }
    return { updates, state: after };
  },
});

/** Stochastic gradient descent; with momentum, b ← μ·b + g and b takes the gradient's place (as in PyTorch). */
export const sgd = ({
  learningRate,
  momentum = 0,
}: {
  learningRate: LearningRate;
  momentum?: number;
}): Optimizer => ({
  init: (parameters) => (momentum === 0 ? {} : zeroState(parameters, 'velocity')),
  update: (gradients, state, { step }) => {
    const rate = scaledRate(learningRate, step, -1);
    if (momentum === 0) return { updates: mapValues(gradients, (g) => mul(g, rate)), state: {} };
    const velocity = mapValues(gradients, (g, name) => addScaled(g, state[`velocity ${name}`]!, momentum));
    return {
      updates: mapValues(velocity, (v) => mul(v, rate)),
      state: prefixed(velocity, 'velocity'),
    };
  },
});

const prefixed = (values: Named, kind: string): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${kind} ${name}`, value]));

/** The learning rate of a parameter relative to the common one: groups, layer-wise decay. */
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
 * and save two passes over all parameters in every step.
 */
export const adam = ({
  learningRate,
  rateOf,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
}: AdamOptions): Optimizer => ({
  init: (parameters) => ({ ...zeroState(parameters, 'sum'), ...zeroState(parameters, 'squares') }),
  update: (gradients, state, { step }) => {
    const t = add(step, 1);
    const correction = (beta: number) => sub(1, pow(beta, t));
    const root = sqrt(mul(correction(beta2), 1 / (1 - beta2)));
    const common = div(mul(root, scaledRate(learningRate, step, beta1 - 1)), correction(beta1));
    const factor = factorOf(common, rateOf);
    const shift = mul(root, epsilon);
    const sums = mapValues(gradients, (g, name) => addScaled(g, state[`sum ${name}`]!, beta1));
    const squares = mapValues(gradients, (g, name) => addScaled(mul(g, g), state[`squares ${name}`]!, beta2));
    const updates = mapValues(sums, (m, name) => mul(div(m, add(sqrt(squares[name]!), shift)), factor(name)));
    return { updates, state: { ...prefixed(sums, 'sum'), ...prefixed(squares, 'squares') } };
  },
});

/** Decoupled weight decay (Loshchilov & Hutter 2019): each update also takes η·λ of the parameter away. */
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
        decays(name) ? addScaled(g, parameters[name]!, factor(name)) : g,
      ),
      state: {},
    };
  },
});

/** AdamW: Adam, then decoupled weight decay. */
export const adamW = (
  options: AdamOptions & { weightDecay?: number; decays?: (name: string) => boolean },
): Optimizer => chain(adam(options), decayWeights({ weightDecay: 0.01, ...options }));

/** Scales all gradients by one factor so that the norm over all of them is at most `maxNorm`. */
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
    updates: mapValues(gradients, (g, name) => addScaled(g, parameters[name]!, weightDecay)),
    state: {},
  }),
});

/** Parameters with fewer elements than this are worth packing: a node costs more than their arithmetic. */
const SMALL = 4096;

/**
 * The same optimiser with small parameters of one kind (equal in all that `inner` tells parameters apart by) in one
 * vector: a network has hundreds of scales and biases, each of which would take a dozen nodes. A vector bears the name
 * of its first member.
 */
export const packed = (inner: Optimizer, kindOf: (name: string) => string, below = SMALL): Optimizer => {
  const packsOf = (sizes: Readonly<Record<string, number>>): string[][] => {
    const names = Object.keys(sizes);
    const packs = indicesBy(names, (name) =>
      sizes[name]! < below ? `small ${kindOf(name)}` : `large ${name}`,
    );
    return [...packs.values()].map((members) => members.map((i) => names[i]!));
  };
  const sizesOf = (values: Named): Record<string, number> =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, sizeOf(staticShape(value.shape))]),
    );
  const join = (values: Named, packs: readonly (readonly string[])[]): Record<string, Value> =>
    Object.fromEntries(
      packs.map((names) => [
        names[0]!,
        names.length === 1
          ? values[names[0]!]!
          : concat(
              names.map((name) => reshape(values[name]!, [sizeOf(staticShape(values[name]!.shape))])),
              0,
            ),
      ]),
    );
  return {
    init: (parameters) => {
      const sizes = Object.fromEntries(
        Object.entries(parameters).map(([name, { shape }]) => [name, sizeOf(shape)]),
      );
      const vectors = packsOf(sizes).map(([first, ...others]): [string, Tensor] => {
        const total = others.reduce((sum, name) => sum + sizes[name]!, sizes[first!]!);
        return [first!, others.length === 0 ? parameters[first!]! : zeros('float32', [total])];
      });
      return inner.init(Object.fromEntries(vectors));
    },
    update: (gradients, state, { parameters, step }) => {
      const sizes = sizesOf(gradients);
      const packs = packsOf(sizes);
      const { updates, state: after } = inner.update(join(gradients, packs), state, {
        parameters: join(parameters, packs),
        step,
      });
      const apart = packs.flatMap((names): [string, Value][] => {
        const update = updates[names[0]!]!;
        if (names.length === 1) return [[names[0]!, update]];
        const parts = split(
          update,
          names.map((name) => sizes[name]!),
          0,
        );
        return names.map((name, i) => [name, reshape(parts[i]!, gradients[name]!.shape)]);
      });
      return { updates: Object.fromEntries(apart), state: after };
    },
  };
};
