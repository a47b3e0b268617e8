// Parameters: declared once, initialised from streams of their own, bound with errors that name the tensor.
import { describe, expect, test } from 'vitest';
import type { MienError } from '../../src/base/errors.js';
import { float32, zeros } from '../../src/base/tensor.js';
import { createGraph, input, type Value } from '../../src/graph/graph.js';
import {
  boundParameters,
  collectParameters,
  constantInit,
  constantParameters,
  countParameters,
  initialize,
  normalInit,
  uniformInit,
  type ParameterSpec,
} from '../../src/layers/parameters.js';

const specs: readonly ParameterSpec[] = [
  { name: 'encoder.weight', shape: [40, 50], init: uniformInit(0.1) },
  { name: 'encoder.bias', shape: [50], init: constantInit(0.5) },
  { name: 'classifier.weight', shape: [50, 40], init: normalInit(2) },
];

const caught = (act: () => unknown): MienError => {
  try {
    act();
  } catch (error) {
    return error as MienError;
  }
  throw new Error('nothing was thrown');
};

describe('initial values', () => {
  test('depend on the seed alone', () => {
    expect(initialize(specs, 7)).toEqual(initialize(specs, 7));
    expect(initialize(specs, 7)['encoder.weight']).not.toEqual(initialize(specs, 8)['encoder.weight']);
  });
  test('do not depend on the order of parameters or on other parameters', () => {
    const all = initialize(specs, 7);
    const reversed = initialize(specs.toReversed(), 7);
    for (const { name } of specs) expect(reversed[name]).toEqual(all[name]);
    expect(initialize(specs.slice(2), 7)['classifier.weight']).toEqual(all['classifier.weight']);
  });
  test('differ between parameters of the same shape', () => {
    const twins = ['a', 'b'].map((name) => ({ name, shape: [8], init: uniformInit(1) }));
    const { a, b } = initialize(twins, 7);
    expect(a!.data).not.toEqual(b!.data);
  });
  test('follow their distributions', () => {
    const values = initialize(specs, 7);
    const uniform = [...values['encoder.weight']!.data];
    expect(Math.max(...uniform.map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.1));
    expect(Math.max(...uniform)).toBeGreaterThan(0.099);
    expect(Math.min(...uniform)).toBeLessThan(-0.099);
    const normal = [...values['classifier.weight']!.data];
    const mean = normal.reduce((sum, x) => sum + x, 0) / normal.length;
    const deviation = Math.sqrt(normal.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normal.length);
    // Four standard errors of 2,000 draws.
    expect(Math.abs(mean)).toBeLessThan((4 * 2) / Math.sqrt(2000));
    expect(Math.abs(deviation - 2)).toBeLessThan((4 * 2) / Math.sqrt(4000));
    expect(new Set(values['encoder.bias']!.data)).toEqual(new Set([0.5]));
    expect(values['encoder.weight']!.shape).toEqual([40, 50]);
  });
});

describe('a model’s parameters', () => {
  test('are collected in order of first use, each once', () => {
    const specs = collectParameters((p) => {
      const b = p.get('b', [2]);
      expect(p.get('b', [2])).toBe(b);
      p.get('a', [3, 4]);
    });
    expect(specs.map(({ name, shape }) => [name, shape])).toEqual([
      ['b', [2]],
      ['a', [3, 4]],
    ]);
    expect(countParameters(specs)).toBe(14);
  });
  test('cannot be used with two shapes; the error names the parameter', () => {
    const error = caught(() =>
      collectParameters((p) => {
        p.get('head.weight', [2, 3]);
        p.get('head.weight', [3, 2]);
      }),
    );
    expect(error.code).toBe('shape');
    expect(error.message).toBe('head.weight: is used as [2, 3] and as [3, 2]');
  });
});

describe('constant parameters', () => {
  const weights = { 'encoder.layer.0.weight': float32([2, 3], [1, 2, 3, 4, 5, 6]) };
  test('hold the given tensors', () => {
    const value = constantParameters(createGraph('model'), weights).get('encoder.layer.0.weight', [2, 3]);
    expect(value.constant).toBe(weights['encoder.layer.0.weight']);
  });
  test('name a missing tensor and the most similar one', () => {
    const error = caught(() =>
      constantParameters(createGraph('model'), weights).get('encoder.layer.0.weigth', [2, 3]),
    );
    expect(error).toMatchObject({ code: 'weights', place: { field: 'encoder.layer.0.weigth' } });
    expect(error.hint).toMatch(/encoder\.layer\.0\.weight\b/);
  });
  test('name a tensor of another shape, with both shapes', () => {
    const error = caught(() =>
      constantParameters(createGraph('model'), weights).get('encoder.layer.0.weight', [3, 2]),
    );
    expect(error.code).toBe('weights');
    expect(error.message).toBe('encoder.layer.0.weight: has shape [2, 3], the model needs [3, 2]');
  });
});

describe('bound parameters', () => {
  test('are values of the graph; the error names one that is not bound', () => {
    const graph = createGraph('model');
    const weight: Value = input(graph, 'w', 'float32', [2]);
    const p = boundParameters(graph, { weight });
    expect(p.get('weight', [2])).toBe(weight);
    expect(caught(() => p.get('bias', [2]))).toMatchObject({ code: 'shape', place: { field: 'bias' } });
    expect(caught(() => boundParameters(graph, { weight }).get('weight', [3])).message).toMatch(
      /^weight: .*\[3\]/,
    );
  });
});

test('countParameters counts elements by shape', () => {
  expect(countParameters([zeros('float32', [3, 4]), { shape: [] }])).toBe(13);
});
