// What operators cannot take: each error names the operator, its place in the model and the shapes it was given.
import { describe, expect, test } from 'vitest';
import { MienError } from '../../src/base/errors.js';
import { float32, type DType } from '../../src/base/tensor.js';
import { createGraph, input, scalar, scoped, type Shape, type Value } from '../../src/graph/builder.js';
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

describe('an operator that cannot take its inputs', () => {
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
    // At least the shape of what the operator looked at first.
    if (name !== 'Scan')
      expect(
        given.some((shape) => error.message.includes(shape)),
        error.message,
      ).toBe(true);
    expect(graph.scopes).toEqual([]);
    expect(graph.nodes.every(({ operator }) => operator.name !== name)).toBe(true);
  });

  test('outside of any scope the graph is named', () => {
    const graph = createGraph('gated head');
    const error = caught(() => add(input(graph, 'a', 'float32', [2]), input(graph, 'b', 'float32', [3])));
    expect(error.message).toBe(
      'Add in gated head: [2] and [3] do not broadcast (inputs: float32 [2], float32 [3])',
    );
  });
});

test('two inputs of one name are refused', () => {
  const graph = createGraph('model');
  input(graph, 'x', 'float32', [2]);
  expect(() => input(graph, 'x', 'float32', [3])).toThrow(/graph model already has an input named x/);
});

test('a number that is none of the dtype is refused instead of being cut off', () => {
  const graph = createGraph('model');
  expect(() => mul(input(graph, 'x', 'int32', [2]), 0.5)).toThrow(/0.5 cannot be a constant of dtype int32/);
  expect(() => scalar(graph, NaN, 'int64')).toThrow(MienError);
});

test('an operator on numbers alone has no graph to be in', () => {
  expect(() => add(1, 2)).toThrow(/needs at least one input/);
  expect(() => concat([], 0)).toThrow(/needs at least one input/);
});

test('sumTo refuses what is no broadcast of the shape', () => {
  const x = input(createGraph('model'), 'x', 'float32', [3]);
  expect(() => sumTo(x, [2, 3])).toThrow(/\[3\] is no broadcast of \[2, 3\]/);
});

test('a scope is left when what is built in it fails', () => {
  const graph = createGraph('model');
  expect(() =>
    scoped(graph, 'layer', () => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(graph.scopes).toEqual([]);
});

test('feeds that do not fit the model are refused with ONNX Runtime’s reason', async () => {
  const graph = createGraph('model');
  const y = mul(input(graph, 'x', 'float32', [2]), 2);
  await expect(compute(graph, { y }, { x: float32([3], [1, 2, 3]) })).rejects.toMatchObject({
    code: 'shape',
  });
  await expect(compute(graph, { y }, {})).rejects.toMatchObject({ code: 'shape' });
});

test('arithmetic on shapes', () => {
  expect(broadcastShapes([3, 1], ['batch', 1, 4])).toEqual(['batch', 3, 4]);
  expect(broadcastShapes([], [2])).toEqual([2]);
  expect(broadcastAxes([3, 1], ['batch', 3, 4])).toEqual([0, 2]);
  expect(broadcastAxes([1], [1])).toEqual([]);
  expect([resolveAxis(-1, 3), resolveAxis(0, 1)]).toEqual([2, 0]);
});
