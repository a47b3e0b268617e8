// Linear layer, LSTM and losses: parameters' names and shapes, known results, PyTorch's results.
import { describe, expect, test } from 'vitest';
import { float32, int32, int64, sizeOf, type Tensor, type Tensors } from '../../src/base/tensor.js';
import { createGraph, input, type Shape } from '../../src/graph/graph.js';
import { gradients } from '../../src/graph/gradient.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { mul } from '../../src/graph/ops/elementwise.js';
import { mean } from '../../src/graph/ops/reduction.js';
import { linear } from '../../src/layers/transformer.js';
import { crossEntropy } from '../../src/layers/loss.js';
import { lstm } from '../../src/layers/lstm.js';
import {
  boundParameters,
  collectParameters,
  constantParameters,
  initialize,
  type Parameters,
} from '../../src/layers/parameters.js';
import { createSession } from '../../src/runtime/session.js';
import { compute, numbers } from '../graph/harness.js';
import { goldenInput, goldenWeight, readGolden, relativeError } from '../../../../test/support/golden.js';

const shapesOf = (build: (p: Parameters) => unknown): Record<string, readonly number[]> =>
  Object.fromEntries(collectParameters(build).map(({ name, shape }) => [name, shape]));
const of = (p: Parameters, shape: Shape) => input(p.graph, 'x', 'float32', shape);

describe('linear', () => {
  test.each([[[5, 4]], [[2, 3, 4]], [['batch', 4]], [['batch', 'tokens', 4]]])('accepts %j', (shape) => {
    let output: Shape = [];
    const parameters = shapesOf((p) => (output = linear(p, 'head', of(p, shape), 7).shape));
    expect(output).toEqual([...shape.slice(0, -1), 7]);
    expect(parameters).toEqual({ 'head.weight': [7, 4], 'head.bias': [7] });
  });
  test('computes x · Wᵀ + b', async () => {
    const graph = createGraph('model');
    const p = constantParameters(graph, {
      'head.weight': float32([2, 3], [1, 0, 2, 0, 1, -1]),
      'head.bias': float32([2], [10, 20]),
    });
    const y = linear(p, 'head', of(p, ['batch', 3]), 2);
    const result = await compute(graph, { y }, { x: float32([2, 3], [1, 2, 3, 4, 5, 6]) });
    expect(numbers(result['y'])).toEqual([17, 19, 26, 19]);
  });
  test('initialises its weight within ±1/√in', () => {
    const { 'head.weight': weight } = initialize(
      collectParameters((p) => linear(p, 'head', of(p, [1, 16]), 64)),
      3,
    );
    const largest = Math.max(...weight!.data.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(0.25);
    expect(largest).toBeGreaterThan(0.24);
  });
  test('needs a known input width, and its errors name the layer', () => {
    expect(() => shapesOf((p) => linear(p, 'head', of(p, [2, 'width']), 3))).toThrow(/"width" must be known/);
    const graph = createGraph('model');
    const p = constantParameters(graph, { 'head.weight': float32([2, 3], new Array<number>(6).fill(0)) });
    expect(() => linear(p, 'head', of(p, [1, 4]), 2)).toThrow(
      /head\.weight: has shape \[2, 3\], .* \[2, 4\]/,
    );
  });
});

describe('lstm', () => {
  test('has PyTorch’s parameters over several steps, and neither recurrent weights nor a forget gate over one', () => {
    expect(shapesOf((p) => lstm(p, 'l', of(p, [2, 5, 3]), 4))).toEqual({
      'l.weight_ih_l0': [16, 3],
      'l.weight_hh_l0': [16, 4],
      'l.bias_ih_l0': [16],
      'l.bias_hh_l0': [16],
    });
    expect(shapesOf((p) => lstm(p, 'l', of(p, [2, 1, 3]), 4))).toEqual({
      'l.weight_ih_l0': [12, 3],
      'l.bias_ih_l0': [12],
      'l.bias_hh_l0': [12],
    });
  });
  test.each([1, 5])('returns the states of all steps, the last state and the cell (%i steps)', (steps) => {
    collectParameters((p) => {
      const { output, hidden, cell } = lstm(p, 'l', of(p, [2, steps, 3]), 4);
      expect([output.shape, hidden.shape, cell.shape]).toEqual([
        [2, steps, 4],
        [2, 4],
        [2, 4],
      ]);
    });
  });
  test('computes over one step the first of several, without the rows of the forget gate', async () => {
    const [inner, hidden] = [3, 2];
    const full = initialize(
      collectParameters((p) => lstm(p, 'l', of(p, [2, 2, inner]), hidden)),
      5,
    );
    const without = ({ shape, data }: Tensor<'float32'>): Tensor => {
      const gate = data.length / 4;
      const kept = [...data.subarray(0, gate), ...data.subarray(2 * gate)];
      return float32([3 * hidden, ...shape.slice(1)], kept);
    };
    const states = async (steps: number, weights: Tensors, x: Tensor) => {
      const graph = createGraph('model');
      const p = constantParameters(graph, weights);
      const { output, cell } = lstm(p, 'l', of(p, [2, steps, inner]), hidden);
      return compute(graph, { output, cell }, { x });
    };
    const sequence = float32([2, 2, inner], [1, -2, 3, 9, 9, 9, 0.5, 0.25, -1, 9, 9, 9]);
    const first = float32([2, 1, inner], [1, -2, 3, 0.5, 0.25, -1]);
    const short = Object.fromEntries(
      Object.entries(full).flatMap(([name, value]) =>
        name === 'l.weight_hh_l0' ? [] : [[name, without(value)]],
      ),
    ) as Tensors;
    const long = numbers((await states(2, full, sequence))['output']);
    const one = numbers((await states(1, short, first))['output']);
    [0, 1, 4, 5].forEach((at, i) => expect(one[i]).toBeCloseTo(long[at]!, 6));
  });
  test('agrees with PyTorch over seven steps: outputs, states and gradients', async () => {
    const golden = await readGolden('lstm_7_steps');
    const sequence = goldenInput('sequence', [4, 7, 16]);
    const specs = collectParameters((p) => lstm(p, 'l', input(p.graph, 'x', 'float32', [4, 7, 16]), 24));
    const graph = createGraph('lstm');
    const values = Object.fromEntries(
      specs.map(({ name, shape }) => [name, input(graph, name, 'float32', shape)]),
    );
    const { output, hidden, cell } = lstm(
      boundParameters(graph, values),
      'l',
      input(graph, 'x', 'float32', [4, 7, 16]),
      24,
    );
    const dxs = gradients(mean(mul(output, output)), Object.values(values));
    const named = Object.fromEntries(specs.map(({ name }, i) => [name.replace('l.', 'grad.'), dxs[i]!]));
    const session = await createSession(encodeModel(graph, { output, h: hidden, c: cell, ...named }));
    const weights = specs.map(({ name, shape }) => [name, goldenWeight(name.slice(2), shape)] as const);
    const result = await session.run({ x: sequence, ...Object.fromEntries(weights) });
    expect(Object.keys(result).sort()).toEqual(Object.keys(golden).sort());
    for (const [name, expected] of Object.entries(golden))
      expect(relativeError(result[name]!.data as Float32Array, expected.data), name).toBeLessThan(1e-5);
    await session.dispose();
  });
});

describe('cross-entropy', () => {
  const logits = float32([2, 3], [2, 1, 0, -1, 0.5, 3]);
  const losses = [0, 1].map((row) => {
    const exps = [0, 1, 2].map((i) => Math.exp(logits.data[3 * row + i]!));
    const label = row === 0 ? 1 : 2;
    return -Math.log(exps[label]! / exps.reduce((a, b) => a + b));
  });
  test.each([
    ['int64', 2],
    ['int32', 2],
    ['int64', 'batch'],
  ] as const)('is the mean of −log p of the true label (labels %s, batch %s)', async (dtype, batch) => {
    const graph = createGraph('loss');
    const y = input(graph, 'labels', dtype, [batch]);
    const loss = crossEntropy(input(graph, 'logits', 'float32', [batch, 3]), y);
    const labels = dtype === 'int64' ? int64([2], [1, 2]) : int32([2], [1, 2]);
    expect(loss.shape).toEqual([]);
    const result = await compute(graph, { loss }, { logits, labels });
    expect(numbers(result['loss'])[0]).toBeCloseTo((losses[0]! + losses[1]!) / 2, 5);
  });
  test('weights items; an item of weight 0 does not count, nor does its gradient', async () => {
    const graph = createGraph('loss');
    const values = input(graph, 'logits', 'float32', [2, 3]);
    const weights = input(graph, 'weights', 'float32', [2]);
    const loss = crossEntropy(values, input(graph, 'labels', 'int64', [2]), weights);
    const feeds = { logits, labels: int64([2], [1, 2]) };
    const outputs = { loss, gradient: gradients(loss, [values])[0]! };
    const some = await compute(graph, outputs, { ...feeds, weights: float32([2], [3, 1]) });
    expect(numbers(some['loss'])[0]).toBeCloseTo((3 * losses[0]! + losses[1]!) / 4, 5);
    const one = await compute(graph, outputs, { ...feeds, weights: float32([2], [0, 2]) });
    expect(numbers(one['loss'])[0]).toBeCloseTo(losses[1]!, 5);
    const gradient = numbers(one['gradient']);
    expect(gradient.slice(0, 3)).toEqual([0, 0, 0]);
    const softmax = [0, 1, 2].map((i) => Math.exp(logits.data[3 + i]!));
    const sum = softmax.reduce((a, b) => a + b);
    gradient.slice(3).forEach((g, i) => expect(g).toBeCloseTo(softmax[i]! / sum - (i === 2 ? 1 : 0), 5));
    expect(sizeOf(logits.shape)).toBe(gradient.length);
  });
});
