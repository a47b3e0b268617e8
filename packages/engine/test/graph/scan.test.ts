// Scan: carried state, stacked outputs, values of the enclosing graph, nested scans.
import { expect, test } from 'vitest';
import { float32, int64 } from '../../src/base/tensor.js';
import { constant, createGraph, input } from '../../src/graph/graph.js';
import { scan } from '../../src/graph/ops/control.js';
import { add, cast, exp, mul, sub } from '../../src/graph/ops/elementwise.js';
import { reshape } from '../../src/graph/ops/movement.js';
import { mean, sum } from '../../src/graph/ops/reduction.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { createSession } from '../../src/runtime/session.js';
import { compute, numbers } from './harness.js';

test('carries state from step to step and stacks outputs', async () => {
  const graph = createGraph('model');
  const [total, xs] = [input(graph, 'total', 'float32', [2]), input(graph, 'xs', 'float32', [3, 2])];
  const { carried, outputs } = scan(graph, { total }, { x: xs }, (step) => {
    const after = add(mul(step.carried['total']!, 2), step.scanned['x']!);
    return { carried: { total: after }, outputs: { after, before: step.carried['total']! } };
  });
  expect(outputs['after']!.shape).toEqual([3, 2]);
  const result = await compute(
    graph,
    { last: carried['total']!, after: outputs['after']!, before: outputs['before']! },
    { total: float32([2], [1, 0]), xs: float32([3, 2], [1, 2, 3, 4, 5, 6]) },
  );
  expect(numbers(result['after'])).toEqual([3, 2, 9, 8, 23, 22]);
  expect(numbers(result['before'])).toEqual([1, 0, 3, 2, 9, 8]);
  expect(numbers(result['last'])).toEqual([23, 22]);
});

test('keeps the names of states and scanned tensors of several dtypes', async () => {
  const graph = createGraph('model');
  const [a, b] = [input(graph, 'a', 'float32', []), input(graph, 'b', 'int64', [])];
  const scanned = { y: input(graph, 'y', 'int64', [2]), x: input(graph, 'x', 'float32', [2]) };
  const { carried } = scan(graph, { a, b }, scanned, (step) => ({
    // The body may return the state in any order.
    carried: {
      b: add(step.carried['b']!, step.scanned['y']!),
      a: sub(step.carried['a']!, step.scanned['x']!),
    },
    outputs: {},
  }));
  const result = await compute(
    graph,
    { a1: carried['a']!, b1: carried['b']! },
    { a: float32([], [10]), b: int64([], [100]), y: int64([2], [1, 2]), x: float32([2], [3, 4]) },
  );
  expect([numbers(result['a1']), numbers(result['b1'])]).toEqual([[3], [103]]);
});

test('the body may use inputs, constants and computed values of the enclosing graph', async () => {
  const graph = createGraph('model');
  const [w, xs] = [input(graph, 'w', 'float32', [2]), input(graph, 'xs', 'float32', [3, 2])];
  const large = constant(
    graph,
    float32(
      [20],
      Array.from({ length: 20 }, (_, i) => i),
    ),
  );
  const computed = exp(mul(w, 0));
  const { outputs } = scan(graph, {}, { x: xs }, (step) => ({
    carried: {},
    outputs: {
      y: add(add(mul(step.scanned['x']!, w), computed), sum(large)),
      outer: computed,
      constant: constant(step.graph, float32([1], [7])),
      input: step.scanned['x']!,
    },
  }));
  const result = await compute(
    graph,
    { ...outputs, total: sum(large) },
    { w: float32([2], [2, 3]), xs: float32([3, 2], [1, 2, 3, 4, 5, 6]) },
  );
  expect(numbers(result['y'])).toEqual([2, 6, 6, 12, 10, 18].map((x) => x + 1 + 190));
  expect(numbers(result['outer'])).toEqual([1, 1, 1, 1, 1, 1]);
  expect(numbers(result['constant'])).toEqual([7, 7, 7]);
  expect(numbers(result['input'])).toEqual([1, 2, 3, 4, 5, 6]);
  expect(numbers(result['total'])).toEqual([190]);
});

test('allows an unchanged state and a number of steps known only at run time', async () => {
  const graph = createGraph('model');
  const [w, xs] = [input(graph, 'w', 'float32', [2]), input(graph, 'xs', 'float32', ['steps', 'batch', 2])];
  const { carried, outputs } = scan(graph, { w }, { x: xs }, (step) => ({
    carried: { w: step.carried['w']! },
    // A size of the outermost inputs, inside the body.
    outputs: { y: reshape(mul(step.scanned['x']!, step.carried['w']!), ['batch', 1, 2]) },
  }));
  expect(outputs['y']!.shape).toEqual(['steps', 'batch', 1, 2]);
  const session = await createSession(encodeModel(graph, { last: carried['w']!, y: outputs['y']! }), {
    threads: 1,
  });
  for (const [steps, batch] of [
    [1, 3],
    [4, 1],
  ] as const) {
    const data = Array.from({ length: steps * batch * 2 }, (_, i) => i);
    const result = await session.run({ w: float32([2], [1, 10]), xs: float32([steps, batch, 2], data) });
    expect(result['y']!.shape).toEqual([steps, batch, 1, 2]);
    expect(numbers(result['y'])).toEqual(data.map((x, i) => (i % 2 ? 10 * x : x)));
    expect(numbers(result['last'])).toEqual([1, 10]);
  }
  await session.dispose();
});

test('a nested scan may use values of both enclosing graphs', async () => {
  const graph = createGraph('model');
  const offset = mul(input(graph, 'offset', 'float32', []), 10);
  const rows = input(graph, 'rows', 'float32', [2, 3]);
  const { outputs } = scan(graph, {}, { row: rows }, (outer) => {
    const row = outer.scanned['row']!;
    const average = mean(row);
    const inner = scan(outer.graph, { count: sub(average, average) }, { x: row }, (step) => ({
      carried: { count: add(step.carried['count']!, 1) },
      outputs: { y: add(add(sub(step.scanned['x']!, average), offset), step.carried['count']!) },
    }));
    return { carried: {}, outputs: { y: inner.outputs['y']! } };
  });
  const result = await compute(
    graph,
    { y: outputs['y']! },
    { offset: float32([], [2]), rows: float32([2, 3], [1, 2, 3, 10, 20, 30]) },
  );
  expect(numbers(result['y'])).toEqual([19, 21, 23, 10, 21, 32]);
});

test('values of the body cannot be used outside of it', () => {
  const graph = createGraph('model');
  const xs = input(graph, 'xs', 'float32', [3]);
  let leaked = xs;
  scan(graph, {}, { x: xs }, (step) => {
    leaked = cast(step.scanned['x']!, 'int32');
    return { carried: {}, outputs: {} };
  });
  expect(() => encodeModel(graph, { leaked })).toThrow(/used before it is computed/);
});
