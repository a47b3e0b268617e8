// Optimisers, step by step: against their textbook forms in float64, and against what PyTorch does.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { float32, sizeOf, zeros, type Tensors } from '../../src/base/tensor.js';
import { createGraph, input, type Value } from '../../src/graph/builder.js';
import { scan } from '../../src/graph/ops/control.js';
import { add, div, mul } from '../../src/graph/ops/elementwise.js';
import {
  adam,
  adamW,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  decayWeights,
  l2Penalty,
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
  const carried: Tensors = { ...parameters, ...state, step: zeros('float32', []) };
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
    const result = optimizer.update(of('gradients ', body.scanned), body.carried, {
      parameters: weights,
      step,
    });
    const after = applyUpdates(weights, result.updates);
    return { carried: { ...body.carried, ...after, ...result.state, step: add(step, 1) }, outputs: after };
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

/** One step of a textbook: new values of one parameter; `memory` is kept from step to step for each parameter. */
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

/** Kingma & Ba 2015, algorithm 1, with β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁸ unless said otherwise. */
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

/** Equal but for float32's rounding, of 1 − β₂ᵗ above all; parameters move by 0.1 and more. */
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

test.each(Object.entries(cases))('%s does what the textbook says', async (_name, [optimizer, textbook]) => {
  expectSame(await train(optimizer), follow(textbook));
});

test.each(Object.entries(golden.cases))('%s does what PyTorch does', async (name, expected) => {
  expect(Object.keys(cases)).toContain(name);
  expectSame(await train(cases[name]![0]), expected);
});

test('the gradients that are clipped have norms on both sides of the limit', () => {
  const norms = Array.from({ length: STEPS }, (_, step) =>
    Math.sqrt(total(Object.values(gradientsAt(step)).flatMap((values) => values.map((g) => g * g)))),
  );
  expect(Math.min(...norms)).toBeGreaterThan(0.5);
  expect(Math.max(...norms)).toBeLessThan(50);
});

test('state has the parameters’ shapes, names of its own, and starts at zero', () => {
  const parameters = { w: float32([2], [1, 2]), step: float32([], [3]) };
  for (const optimizer of [
    sgd({ learningRate: 1, momentum: 0.5 }),
    adam({ learningRate: 1 }),
    adamW({ learningRate: 1 }),
  ])
    for (const [name, { shape, data }] of Object.entries(optimizer.init(parameters))) {
      expect(Object.keys(parameters)).not.toContain(name);
      expect(shape).toEqual(name.endsWith('w') ? [2] : []);
      expect(Array.from(data as Float32Array).every((x) => x === 0)).toBe(true);
    }
  expect(sgd({ learningRate: 1 }).init(parameters)).toEqual({});
});

test('small parameters in one vector change nothing, whatever the optimiser tells them apart by', async () => {
  const decays = (name: string): boolean => name === 'weight';
  const rateOf = (name: string): number => (name === 'weight' ? 1 : 0.5);
  const plain = chain(clipByGlobalNorm(0.1), adamW({ learningRate: 0.1, weightDecay: 0.3, decays, rateOf }));
  const kindOf = (name: string): string => `${rateOf(name)} ${decays(name)}`;
  const vectors = packed(plain, kindOf);
  const parameters = Object.fromEntries(names.map((name) => [name, float32(shapes[name]!, initial[name]!)]));
  // bias and scale are of one kind: one vector of four numbers, under the first one's name.
  expect(Object.keys(vectors.init(parameters)).sort()).toEqual([
    'squares bias',
    'squares weight',
    'sum bias',
    'sum weight',
  ]);
  expect(vectors.init(parameters)['sum bias']!.shape).toEqual([4]);
  const [expected, found] = [await train(plain), await train(vectors)];
  found.forEach((step, i) =>
    names.forEach((name) =>
      step[name]!.forEach((value, k) => expect(value).toBeCloseTo(expected[i]![name]![k]!, 6)),
    ),
  );
  // Nothing is packed that is not small.
  expect(Object.keys(packed(plain, kindOf, 2).init(parameters)).length).toBe(6);
});
