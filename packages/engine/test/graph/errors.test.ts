// Invalid inputs of operators: each error names the operator, its place in the model and the shapes of its inputs.
import { describe, expect, test } from 'vitest';
import { MienError } from '../../src/base/errors.js';
import { float32, type DType } from '../../src/base/tensor.js';
import { createGraph, input, scalar, scoped, type Shape, type Value } from '../../src/graph/graph.js';
import { add, mul } from '../../src/graph/ops/elementwise.js';
import { concat } from '../../src/graph/ops/movement.js';
import { sumTo } from '../../src/graph/ops/reduction.js';
import { broadcastAxes, broadcastShapes, resolveAxis } from '../../src/graph/shapes.js';
import { compute } from './harness.js';
import { refused } from './refused.js';

const caught = (act: () => unknown): MienError => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(MienError);
    return error as MienError;
  }
  throw new Error('nothing was thrown');
};

describe('an operator with invalid inputs', () => {
  test.each(refused)('%s: %s', (name, _what, build, reason) => {
    const graph = createGraph('model');
    let count = 0;
    const given: string[] = [];
    const of = (shape: Shape, dtype: DType = 'float32'): Value => {
      given.push(`${dtype} [${shape.join(', ')}]`);
      return input(graph, `x${count++}`, dtype, shape);
    };
    const error = caught(() =>
      scoped(graph, 'encoder.layer.0', () => scoped(graph, 'attention', () => build({ graph, of }))),
    );
    expect(error.code).toBe('shape');
    expect(error.message).toMatch(reason);
    expect(error.message.startsWith(`${name} in encoder.layer.0.attention: `), error.message).toBe(true);
    // At least the shape of the input that the operator checks first.
    if (name !== 'Scan')
      expect(
        given.some((shape) => error.message.includes(shape)),
        error.message,
      ).toBe(true);
    expect(graph.scopes).toEqual([]);
    expect(graph.nodes.every(({ operator }) => operator.name !== name)).toBe(true);
  });

  test('names the graph outside of any scope', () => {
    const graph = createGraph('gated head');
    const error = caught(() => add(input(graph, 'a', 'float32', [2]), input(graph, 'b', 'float32', [3])));
    expect(error.message).toBe(
      'Add in gated head: [2] and [3] do not broadcast (inputs: float32 [2], float32 [3])',
    );
  });
});

test('refuses two inputs of the same name', () => {
  const graph = createGraph('model');
  input(graph, 'x', 'float32', [2]);
  expect(() => input(graph, 'x', 'float32', [3])).toThrow(/graph model already has an input named x/);
});

test('refuses a fraction as a constant of an integer dtype instead of truncating it', () => {
  const graph = createGraph('model');
  expect(() => mul(input(graph, 'x', 'int32', [2]), 0.5)).toThrow(/0.5 cannot be a constant of dtype int32/);
  expect(() => scalar(graph, NaN, 'int64')).toThrow(MienError);
});

test('refuses operators without any value, which have no graph', () => {
  expect(() => add(1, 2)).toThrow(/needs at least one input/);
  expect(() => concat([], 0)).toThrow(/needs at least one input/);
});

test('sumTo refuses a value that is not a broadcast of the shape', () => {
  const x = input(createGraph('model'), 'x', 'float32', [3]);
  expect(() => sumTo(x, [2, 3])).toThrow(/\[3\] is not a broadcast of \[2, 3\]/);
});

test('leaves a scope if building in it fails', () => {
  const graph = createGraph('model');
  expect(() =>
    scoped(graph, 'layer', () => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(graph.scopes).toEqual([]);
});

test('refuses feeds that do not fit the model, with ONNX Runtime’s reason', async () => {
  const graph = createGraph('model');
  const y = mul(input(graph, 'x', 'float32', [2]), 2);
  await expect(compute(graph, { y }, { x: float32([3], [1, 2, 3]) })).rejects.toMatchObject({
    code: 'shape',
  });
  await expect(compute(graph, { y }, {})).rejects.toMatchObject({ code: 'shape' });
});

test('broadcasts shapes and resolves axes', () => {
  expect(broadcastShapes([3, 1], ['batch', 1, 4])).toEqual(['batch', 3, 4]);
  expect(broadcastShapes([], [2])).toEqual([2]);
  expect(broadcastAxes([3, 1], ['batch', 3, 4])).toEqual([0, 2]);
  expect(broadcastAxes([1], [1])).toEqual([]);
  expect([resolveAxis(-1, 3), resolveAxis(0, 1)]).toEqual([2, 0]);
});
