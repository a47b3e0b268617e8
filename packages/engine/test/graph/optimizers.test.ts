// Optimisers and learning rate schedules, step by step, against their textbook forms in float64 and against PyTorch.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { float32, sizeOf, zeros, type Tensors } from '../../src/base/tensor.js';
import { createGraph, input, type Value } from '../../src/graph/graph.js';
import { scan } from '../../src/graph/ops/control.js';
import { add, div, mul } from '../../src/graph/ops/elementwise.js';
import {
  adam,
  adamW,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  cosineSchedule,
  decayWeights,
  flattenState,
  l2Penalty,
  linearSchedule,
  nestState,
  packed,
  sgd,
  type Optimizer,
} from '../../src/graph/optimizers.js';
import { goldenPath, uniform } from '../../../../test/support/golden.js';
import { compute, numbers } from './harness.js';
import { total } from './reference.js';

const shapes: Readonly<Record<string, readonly number[]>> = { weight: [2, 3], bias: [3], scale: [] };
const names = Object.keys(shapes);
const STEPS = 6;

type Numbers = Readonly<Record<string, readonly number[]>>;
const initial: Numbers = Object.fromEntries(
  names.map((name) => [name, [...uniform(name, sizeOf(shapes[name]!))]]),
);
const gradientsAt = (step: number): Numbers =>
  Object.fromEntries(
    names.map((name) => [name, [...uniform(`gradient ${step} ${name}`, sizeOf(shapes[name]!))]]),
  );

/** The parameters after every step, computed by one run of a model that scans over the gradients. */
async function train(optimizer: Optimizer): Promise<Numbers[]> {
  const graph = createGraph('optimizer');
  const parameters: Tensors = Object.fromEntries(
    names.map((name) => [name, float32(shapes[name]!, initial[name]!)]),
  );
  const state = optimizer.init(parameters);
  const carried: Tensors = { ...parameters, ...flattenState(state), step: zeros('float32', []) };
  const scanned: Tensors = Object.fromEntries(
    names.map((name) => [
      `gradients ${name}`,
      float32(
        [STEPS, ...shapes[name]!],
        Array.from({ length: STEPS }, (_, step) => gradientsAt(step)[name]!).flat(),
      ),
    ]),
  );
  const declare = (tensors: Tensors): Record<string, Value> =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape }]) => [name, input(graph, name, 'float32', shape)]),
    );
  const { outputs } = scan(graph, declare(carried), declare(scanned), (body) => {
    const of = (prefix: string, values: Readonly<Record<string, Value>>) =>
      Object.fromEntries(names.map((name) => [name, values[`${prefix}${name}`]!]));
    const weights = of('', body.carried);
    const step = body.carried['step']!;
    const result = optimizer.update(of('gradients ', body.scanned), nestState(body.carried, state), {
      parameters: weights,
      step,
    });
    const after = applyUpdates(weights, result.updates);
    return {
      carried: { ...body.carried, ...after, ...flattenState(result.state), step: add(step, 1) },
      outputs: after,
    };
  });
  const named = Object.fromEntries(names.map((name) => [`after ${name}`, outputs[name]!]));
  const results = await compute(graph, named, { ...carried, ...scanned });
  return Array.from({ length: STEPS }, (_, step) =>
    Object.fromEntries(
      names.map((name) => {
        const size = sizeOf(shapes[name]!);
        return [name, numbers(results[`after ${name}`]).slice(step * size, (step + 1) * size)];
      }),
    ),
  );
}

/** One step of a textbook form: the new value of one parameter; `memory` is kept per parameter from step to step. */
type Textbook = (
  parameter: number,
  gradient: number,
  memory: Record<string, number>,
  context: { readonly t: number; readonly name: string; readonly norm: number },
) => number;

function follow(rule: Textbook): Numbers[] {
  let parameters = initial;
  const memories = Object.fromEntries(
    names.map((name) => [name, initial[name]!.map((): Record<string, number> => ({}))]),
  );
  return Array.from({ length: STEPS }, (_, step) => {
    const gradients = gradientsAt(step);
    const norm = Math.sqrt(total(names.flatMap((name) => gradients[name]!.map((g) => g * g))));
    parameters = Object.fromEntries(
      names.map((name) => [
        name,
        parameters[name]!.map((p, i) =>
          rule(p, gradients[name]![i]!, memories[name]![i]!, { t: step + 1, name, norm }),
        ),
      ]),
    );
    return parameters;
  });
}

/** Kingma & Ba 2015, algorithm 1, by default with β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁸. */
function adamStep(
  g: number,
  memory: Record<string, number>,
  t: number,
  [b1, b2, epsilon] = [0.9, 0.999, 1e-8],
): number {
  memory['m'] = b1! * (memory['m'] ?? 0) + (1 - b1!) * g;
  memory['v'] = b2! * (memory['v'] ?? 0) + (1 - b2!) * g * g;
  return memory['m'] / (1 - b1! ** t) / (Math.sqrt(memory['v'] / (1 - b2! ** t)) + epsilon!);
}
const momentumStep = (g: number, memory: Record<string, number>): number =>
  (memory['b'] = 0.9 * (memory['b'] ?? 0) + g);
const clip = (g: number, norm: number, limit: number): number => (norm > limit ? (g * limit) / norm : g);

/** 0.02 · (steps done + 1), in the graph. */
const rising = (step: Value): Value => mul(add(step, 1), 0.02);
/** 0.1 / (steps done + 1), in the graph. */
const falling = (step: Value): Value => div(0.1, add(step, 1));

const cases: Readonly<Record<string, readonly [Optimizer, Textbook]>> = {
  sgd: [sgd({ learningRate: 0.1 }), (p, g) => p - 0.1 * g],
  'sgd with momentum': [
    sgd({ learningRate: 0.1, momentum: 0.9 }),
    (p, g, memory) => p - 0.1 * momentumStep(g, memory),
  ],
  'sgd with momentum and penalty': [
    chain(l2Penalty(0.2), sgd({ learningRate: 0.1, momentum: 0.9 })),
    (p, g, memory) => p - 0.1 * momentumStep(g + 0.2 * p, memory),
  ],
  'sgd with a falling rate': [sgd({ learningRate: falling }), (p, g, _memory, { t }) => p - (0.1 / t) * g],
  adam: [adam({ learningRate: 0.05 }), (p, g, memory, { t }) => p - 0.05 * adamStep(g, memory, t)],
  'adam with other constants': [
    adam({ learningRate: 0.05, beta1: 0.7, beta2: 0.9, epsilon: 1e-2 }),
    (p, g, memory, { t }) => p - 0.05 * adamStep(g, memory, t, [0.7, 0.9, 1e-2]),
  ],
  'adam with penalty': [
    chain(l2Penalty(0.2), adam({ learningRate: 0.05 })),
    (p, g, memory, { t }) => p - 0.05 * adamStep(g + 0.2 * p, memory, t),
  ],
  'adam with a changing rate': [
    adam({ learningRate: rising }),
    (p, g, memory, { t }) => p - 0.02 * t * adamStep(g, memory, t),
  ],
  adamW: [
    adamW({ learningRate: 0.05 }),
    (p, g, memory, { t }) => p - 0.05 * (adamStep(g, memory, t) + 0.01 * p),
  ],
  'adamW with a changing rate': [
    adamW({ learningRate: rising, weightDecay: 0.3 }),
    (p, g, memory, { t }) => p - 0.02 * t * (adamStep(g, memory, t) + 0.3 * p),
  ],
  'adamW where only weights decay': [
    adamW({ learningRate: 0.05, weightDecay: 0.5, decays: (name) => name === 'weight' }),
    (p, g, memory, { t, name }) => p - 0.05 * (adamStep(g, memory, t) + (name === 'weight' ? 0.5 * p : 0)),
  ],
  'decay alone': [
    chain(sgd({ learningRate: 0 }), decayWeights({ learningRate: 0.1, weightDecay: 0.5 })),
    (p) => p * 0.95,
  ],
  'sgd after clipping': [
    chain(clipByGlobalNorm(0.5), sgd({ learningRate: 0.1 })),
    (p, g, _memory, { norm }) => p - 0.1 * clip(g, norm, 0.5),
  ],
  'sgd after clipping at a norm that is not reached': [
    chain(clipByGlobalNorm(50), sgd({ learningRate: 0.1 })),
    (p, g) => p - 0.1 * g,
  ],
  'adam after clipping': [
    chain(clipByGlobalNorm(0.5), adam({ learningRate: 0.05, epsilon: 0.1 })),
    (p, g, memory, { t, norm }) => p - 0.05 * adamStep(clip(g, norm, 0.5), memory, t, [0.9, 0.999, 0.1]),
  ],
};

/** Equal up to float32's rounding, mainly of 1 − β₂ᵗ; parameters change by 0.1 and more. */
function expectSame(actual: readonly Numbers[], expected: readonly Numbers[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((parameters, step) => {
    for (const name of names)
      parameters[name]!.forEach((p, i) =>
        expect(Math.abs(actual[step]![name]![i]! - p), `${name}[${i}] after step ${step + 1}`).toBeLessThan(
          5e-6,
        ),
      );
  });
}

const golden = JSON.parse(await readFile(goldenPath('optimizers/optimizers.json'), 'utf8')) as {
  cases: Record<string, Numbers[]>;
};

test.each(Object.entries(cases))('%s agrees with its textbook form', async (_name, [optimizer, textbook]) => {
  expectSame(await train(optimizer), follow(textbook));
});

test.each(Object.entries(golden.cases))('%s agrees with PyTorch', async (name, expected) => {
  expect(Object.keys(cases)).toContain(name);
  expectSame(await train(cases[name]![0]), expected);
});

test('the norms of the clipped gradients lie between the two limits', () => {
  const norms = Array.from({ length: STEPS }, (_, step) =>
    Math.sqrt(total(Object.values(gradientsAt(step)).flatMap((values) => values.map((g) => g * g)))),
  );
  expect(Math.min(...norms)).toBeGreaterThan(0.5);
  expect(Math.max(...norms)).toBeLessThan(50);
});

test('state is nested by kind and parameter, has the parameters’ shapes, and starts at zero', () => {
  const parameters = { w: float32([2], [1, 2]), step: float32([], [3]) };
  const zero = { w: zeros('float32', [2]), step: zeros('float32', []) };
  expect(sgd({ learningRate: 1 }).init(parameters)).toEqual({});
  expect(sgd({ learningRate: 1, momentum: 0.5 }).init(parameters)).toEqual({ velocity: zero });
  expect(adam({ learningRate: 1 }).init(parameters)).toEqual({ sum: zero, squares: zero });
  const clipped = chain(clipByGlobalNorm(1), adamW({ learningRate: 1 }));
  expect(clipped.init(parameters)).toEqual({ sum: zero, squares: zero });
});

test('flat names of a state are those of files, and nest again', () => {
  const state = adam({ learningRate: 1 }).init({ 'a b': float32([1], [1]), c: float32([], [2]) });
  const flat = flattenState(state);
  expect(Object.keys(flat)).toEqual(['sum a b', 'sum c', 'squares a b', 'squares c']);
  expect(nestState({ ...flat, c: zeros('float32', []), step: zeros('float32', []) }, state)).toEqual(state);
  const { 'squares c': _missing, ...rest } = flat;
  expect(() => nestState(rest, state)).toThrow(
    expect.objectContaining({ code: 'shape', place: { field: 'squares c' } }) as Error,
  );
});

test('names the value that a state lacks, for instance the state of another optimiser', () => {
  const graph = createGraph('optimizer');
  const [w, step] = [input(graph, 'w', 'float32', [2]), input(graph, 'step', 'float32', [])];
  const update = () =>
    adam({ learningRate: 1 }).update({ w }, { velocity: { w } }, { parameters: { w }, step });
  expect(update).toThrow(expect.objectContaining({ code: 'shape', place: { field: 'sum' } }) as Error);
});

test('packing small parameters of one kind into a vector does not change the result', async () => {
  const decays = (name: string): boolean => name === 'weight';
  const rateOf = (name: string): number => (name === 'weight' ? 1 : 0.5);
  const plain = chain(clipByGlobalNorm(0.1), adamW({ learningRate: 0.1, weightDecay: 0.3, decays, rateOf }));
  const kindOf = (name: string): string => `${rateOf(name)} ${decays(name)}`;
  const vectors = packed(plain, kindOf);
  const parameters = Object.fromEntries(names.map((name) => [name, float32(shapes[name]!, initial[name]!)]));
  // bias and scale are of one kind: one vector of four elements, under the first name.
  const state = vectors.init(parameters);
  expect(Object.keys(state)).toEqual(['sum', 'squares']);
  for (const values of Object.values(state)) expect(Object.keys(values).sort()).toEqual(['bias', 'weight']);
  expect(state['sum']?.['bias']?.shape).toEqual([4]);
  const [expected, actual] = [await train(plain), await train(vectors)];
  actual.forEach((step, i) =>
    names.forEach((name) =>
      step[name]!.forEach((value, k) => expect(value).toBeCloseTo(expected[i]![name]![k]!, 6)),
    ),
  );
  // Larger parameters are not packed.
  expect(Object.keys(flattenState(packed(plain, kindOf, 2).init(parameters))).length).toBe(6);
});

/** The learning rates at these numbers of steps. */
async function ratesAt(schedule: (step: Value) => Value, steps: readonly number[]): Promise<number[]> {
  const graph = createGraph('schedule');
  const step = input(graph, 'step', 'float32', [steps.length]);
  const { rates } = await compute(graph, { rates: schedule(step) }, { step: float32([steps.length], steps) });
  return numbers(rates);
}

const expectRates = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((rate, i) => expect(actual[i], `at index ${i}`).toBeCloseTo(rate, 6));
};

test('the linear schedule rises and falls linearly and stays at zero', async () => {
  const schedule = linearSchedule({ peak: 0.4, warmup: 4, steps: 12 });
  const rates = await ratesAt(schedule, [0, 1, 2, 3, 4, 5, 8, 11, 12, 13, 1000]);
  expectRates(rates, [0.1, 0.2, 0.3, 0.4, 0.4, 0.35, 0.2, 0.05, 0, 0, 0]);
});

test('the cosine schedule rises linearly, falls by half a cosine and stays at zero', async () => {
  const schedule = cosineSchedule({ peak: 0.4, warmup: 4, steps: 12 });
  const rates = await ratesAt(schedule, [0, 1, 2, 3, 4, 6, 8, 10, 12, 13, 1000]);
  const quarter = 0.2 * Math.SQRT1_2;
  expectRates(rates, [0.1, 0.2, 0.3, 0.4, 0.4, 0.2 + quarter, 0.2, 0.2 - quarter, 0, 0, 0]);
});

test('schedules without warm-up start at the peak', async () => {
  expectRates(await ratesAt(linearSchedule({ peak: 2, steps: 4 }), [0, 1, 2, 3, 4]), [2, 1.5, 1, 0.5, 0]);
  expectRates(await ratesAt(cosineSchedule({ peak: 2, steps: 4 }), [0, 2, 4]), [2, 1, 0]);
});

test('schedules that consist of warm-up alone do not divide by zero', async () => {
  for (const schedule of [linearSchedule, cosineSchedule])
    expectRates(await ratesAt(schedule({ peak: 1, warmup: 2, steps: 2 }), [0, 1, 3]), [0.5, 1, 0]);
});
