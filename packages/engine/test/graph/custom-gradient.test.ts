// Blocks with a gradient of their own: the rule replaces the operators' gradients, and is differentiated itself.
import { describe, expect, it } from 'vitest';
import { float32 } from '../../src/base/tensor.js';
import { createGraph, input, type Value } from '../../src/graph/graph.js';
import { withGradient, gradients, pullback } from '../../src/graph/gradient.js';
import { add, div, exp, log, mul } from '../../src/graph/ops/elementwise.js';
import { sum } from '../../src/graph/ops/reduction.js';
import { compute, numbers } from './harness.js';

const points = [-1.5, -0.25, 0, 0.5, 2];
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** log(1 + eˣ) with the gradient e / (1 + e), times a factor that makes it wrong. */
function softplus(x: Value, factor = 1): Value {
  const e = exp(x);
  return withGradient([x], log(add(e, 1)), (dy) => [mul(mul(dy, factor), div(e, add(e, 1)))]);
}

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
}

const feeds = { x: float32([points.length], points) };

function start(): Value {
  return input(createGraph('block'), 'x', 'float32', [points.length]);
}

describe('withGradient', () => {
  it('passes the value on and takes its gradient from the rule', async () => {
    const x = start();
    const y = softplus(x);
    const [dx] = gradients(sum(mul(y, y)), [x]);
    const results = await compute(x.graph, { y, dx: dx! }, feeds);
    expectNear(
      numbers(results['y']),
      points.map((p) => Math.log1p(Math.exp(p))),
    );
    expectNear(
      numbers(results['dx']),
      points.map((p) => 2 * Math.log1p(Math.exp(p)) * logistic(p)),
    );
  });

  it('uses the rule even if it contradicts the operators inside the block', async () => {
    const x = start();
    const [right] = gradients(sum(softplus(x)), [x]);
    const [wrong] = gradients(sum(softplus(x, 1.01)), [x]);
    const h = 1e-2;
    const moved = (step: number) => sum(softplus(add(x, step)));
    const results = await compute(
      x.graph,
      { right: right!, wrong: wrong!, up: moved(h), down: moved(-h) },
      feeds,
    );
    const slope = (numbers(results['up'])[0]! - numbers(results['down'])[0]!) / (2 * h);
    const total = (name: string) => numbers(results[name]).reduce((a, b) => a + b);
    expect(Math.abs(total('right') - slope)).toBeLessThan(1e-3);
    expect(Math.abs(total('wrong') - slope)).toBeGreaterThan(1e-2);
  });

  it('has gradients of gradients, through values from inside the block too', async () => {
    const x = start();
    const [dx] = gradients(sum(softplus(x)), [x]);
    const [second] = gradients(sum(dx!), [x]);
    const results = await compute(x.graph, { second: second! }, feeds);
    expectNear(
      numbers(results['second']),
      points.map((p) => logistic(p) * (1 - logistic(p))),
    );
  });

  it('gives no gradient to inputs for which the rule returns undefined', () => {
    const x = start();
    const w = input(x.graph, 'w', 'float32', [points.length]);
    const y = withGradient([x, w], mul(x, w), (dy) => [mul(dy, w), undefined]);
    expect(() => gradients(sum(y), [w])).toThrow(/does not depend on w/);
  });

  it.each([
    ['gives 2 gradients for 1 inputs', (dy: Value) => [dy, dy]],
    [`the gradient of input 0 is [], the input [${points.length}]`, (dy: Value) => [sum(dy)]],
  ])('refuses a rule that %s', (message, rule) => {
    const x = start();
    const y = withGradient([x], exp(x), rule);
    expect(() => gradients(sum(y), [x])).toThrow(message);
  });
});

describe('pullback', () => {
  it('gives the vector–Jacobian product, even if the vector depends on the same values', async () => {
    const x = start();
    const y = exp(x);
    const [dx] = pullback(y, mul(x, 2), [x]);
    const results = await compute(x.graph, { dx: dx! }, feeds);
    expectNear(
      numbers(results['dx']),
      points.map((p) => 2 * p * Math.exp(p)),
    );
  });

  it('refuses a gradient of another shape', () => {
    const x = start();
    expect(() => pullback(exp(x), sum(x), [x])).toThrow(
      expect.objectContaining({ code: 'gradient' }) as Error,
    );
  });
});
