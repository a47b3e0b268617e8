// Differentiation: sums over uses, skipped nodes, errors, and gradients of gradients.
import { describe, expect, test } from 'vitest';
import { float32, int64, type Tensors } from '../../src/base/tensor.js';
import { createGraph, input, scoped, type Graph, type Value } from '../../src/graph/graph.js';
import { gradients } from '../../src/graph/gradient.js';
import { scan } from '../../src/graph/ops/control.js';
import {
  abs,
  add,
  exp,
  floor,
  greater,
  maximum,
  minimum,
  mul,
  sign,
  stopGradient,
  where,
} from '../../src/graph/ops/elementwise.js';
import { matmul } from '../../src/graph/ops/linalg.js';
import { gather, scatterAdd } from '../../src/graph/ops/lookup.js';
import { expand, reshape, transpose } from '../../src/graph/ops/movement.js';
import { argMax, max, mean, sum } from '../../src/graph/ops/reduction.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { createSession } from '../../src/runtime/session.js';
import { compute, numbers } from './harness.js';

const vector = (graph: Graph, name: string, size = 3): Value => input(graph, name, 'float32', [size]);
const feeds: Tensors = { x: float32([3], [1, -2, 3]), y: float32([3], [4, 5, 6]) };

/** The gradients of a scalar of x and y, as numbers. */
async function gradientsOf(build: (x: Value, y: Value) => Value): Promise<number[][]> {
  const graph = createGraph('model');
  const [x, y] = [vector(graph, 'x'), vector(graph, 'y')];
  const [dx, dy] = gradients(build(x, y), [x, y]);
  const result = await compute(graph, { dx: dx!, dy: dy! }, feeds);
  return [numbers(result['dx']), numbers(result['dy'])];
}

describe('sums the gradients of a value', () => {
  test('used several times by one operator', async () => {
    expect(await gradientsOf((x, y) => sum(mul(mul(x, x), y)))).toEqual([
      [8, -20, 36],
      [1, 4, 9],
    ]);
  });
  test('used by several operators, on paths of different length', async () => {
    expect(await gradientsOf((x, y) => sum(add(add(mul(x, y), x), mul(mul(x, 2), 3))))).toEqual([
      [4 + 7, 5 + 7, 6 + 7],
      [1, -2, 3],
    ]);
  });
  test('that is differentiated by and lies on the path to another one', async () => {
    const graph = createGraph('model');
    const x = vector(graph, 'x');
    const squared = mul(x, x);
    const [ofSquared, ofX] = gradients(sum(mul(squared, squared)), [squared, x]);
    const result = await compute(graph, { ofSquared: ofSquared!, ofX: ofX! }, { x: feeds['x']! });
    expect(numbers(result['ofSquared'])).toEqual([2, 8, 18]);
    expect(numbers(result['ofX'])).toEqual([4, -32, 108]);
  });
});

test('the gradient of a scalar with respect to itself is one', async () => {
  const graph = createGraph('model');
  const loss = sum(vector(graph, 'x'));
  const [one] = gradients(loss, [loss]);
  const result = await compute(graph, { one: one! }, { x: feeds['x']! });
  expect(numbers(result['one'])).toEqual([1]);
});

test('stopGradient passes values on and blocks the gradient', async () => {
  expect(await gradientsOf((x, y) => sum(add(mul(stopGradient(x), y), x)))).toEqual([
    [1, 1, 1],
    [1, -2, 3],
  ]);
});

test('equal maxima of max share the gradient; of equal operands of maximum and minimum the first receives it', async () => {
  const graph = createGraph('model');
  const [a, b] = [vector(graph, 'a', 4), vector(graph, 'b', 4)];
  const [ofMax] = gradients(max(a), [a]);
  const [larger, notLarger] = gradients(sum(maximum(a, b)), [a, b]);
  const [smaller, notSmaller] = gradients(sum(minimum(a, b)), [a, b]);
  const result = await compute(
    graph,
    { ofMax: ofMax!, larger: larger!, notLarger: notLarger!, smaller: smaller!, notSmaller: notSmaller! },
    { a: float32([4], [2, 5, 5, 1]), b: float32([4], [2, 6, 4, 1]) },
  );
  expect(numbers(result['ofMax'])).toEqual([0, 0.5, 0.5, 0]);
  expect(numbers(result['larger'])).toEqual([1, 0, 1, 1]);
  expect(numbers(result['notLarger'])).toEqual([0, 1, 0, 0]);
  expect(numbers(result['smaller'])).toEqual([1, 1, 0, 1]);
  expect(numbers(result['notSmaller'])).toEqual([0, 0, 1, 0]);
});

describe('visits only nodes on the path', () => {
  test('no node is added for branches that do not reach the scalar and inputs that are not in `wrt`', () => {
    const graph = createGraph('model');
    const [x, y] = [vector(graph, 'x'), vector(graph, 'y')];
    floor(exp(x));
    const constants = exp(exp(exp(y)));
    const loss = sum(mul(x, constants));
    const before = graph.nodes.length;
    gradients(loss, [x]);
    const places = graph.nodes.slice(before).map(({ scope }) => scope);
    expect(new Set(places)).toEqual(new Set(['gradient of Mul', 'gradient of ReduceSum']));
  });
  test('operators without a gradient are allowed before and beside the path', () => {
    const graph = createGraph('model');
    const [x, y] = [vector(graph, 'x'), vector(graph, 'y')];
    const rounded = floor(x);
    const weights = where(greater(y, sign(y)), y, floor(y));
    expect(gradients(sum(mul(rounded, weights)), [rounded])).toHaveLength(1);
  });
  test('indices need no gradient', async () => {
    const graph = createGraph('model');
    const x = vector(graph, 'x');
    const [dx] = gradients(sum(mul(gather(x, reshape(argMax(x), [1])), 5)), [x]);
    const result = await compute(graph, { dx: dx! }, { x: feeds['x']! });
    expect(numbers(result['dx'])).toEqual([0, 0, 5]);
  });
});

describe('errors', () => {
  const graph = createGraph('model');
  const [x, y] = [vector(graph, 'x'), vector(graph, 'y')];
  const refusal = (message: RegExp): Error =>
    expect.objectContaining({ code: 'gradient', message: expect.stringMatching(message) as string }) as Error;

  test('only scalars can be differentiated', () => {
    expect(() => gradients(mul(x, 2), [x])).toThrow(refusal(/only a scalar .* got \[3\]/));
    expect(() => gradients(sum(x, [0], true), [x])).toThrow(refusal(/got \[1\]/));
  });
  test('name an operator without a gradient, and its place', () => {
    const loss = scoped(graph, 'head', () => sum(floor(mul(x, 2))));
    expect(() => gradients(loss, [x])).toThrow(refusal(/^Floor in head has no gradient/));
    expect(() => gradients(sum(sign(x)), [x])).toThrow(refusal(/^Sign has no gradient/));
  });
  test('a Scan has no gradient outside of its body', () => {
    const { outputs } = scan(graph, {}, { x }, (step) => ({
      carried: {},
      outputs: { y: mul(step.scanned['x']!, 2) },
    }));
    expect(() => gradients(sum(outputs['y']!), [x])).toThrow(refusal(/^Scan has no gradient/));
  });
  test('give the reason of a gradient that cannot be computed', () => {
    const rows = gather(reshape(x, [1, 3]), input(graph, 'indices', 'int64', [2]), 1);
    expect(() => gradients(sum(rows), [x])).toThrow(refusal(/gradient of Gather: .* axis 0 only/));
  });
  test('name a value that the result does not depend on', () => {
    expect(() => gradients(sum(x), [x, y])).toThrow(refusal(/^the result does not depend on y$/));
    expect(() => gradients(sum(x), [scoped(graph, 'head', () => exp(y))])).toThrow(
      refusal(/does not depend on the output of Exp in head$/),
    );
    expect(() => gradients(sum(stopGradient(x)), [x])).toThrow(refusal(/^the result does not depend on x$/));
  });
});

describe('gradients of gradients', () => {
  test('give the third derivative of a power', async () => {
    const graph = createGraph('model');
    const x = vector(graph, 'x');
    const cube = mul(mul(x, x), mul(x, x));
    let [derivative] = gradients(sum(cube), [x]);
    for (let order = 2; order <= 3; order++) [derivative] = gradients(sum(derivative!), [x]);
    const result = await compute(graph, { third: derivative! }, { x: feeds['x']! });
    expect(numbers(result['third'])).toEqual([24, -48, 72]);
  });
  test('of the square of an absolute value are two', async () => {
    const graph = createGraph('model');
    const x = vector(graph, 'x');
    const [first] = gradients(sum(mul(abs(x), abs(x))), [x]);
    const [second] = gradients(sum(first!), [x]);
    const result = await compute(graph, { second: second! }, { x: feeds['x']! });
    expect(numbers(result['second'])).toEqual([2, 2, 2]);
  });
  test('give the gradient of a gradient penalty with respect to weights', async () => {
    const graph = createGraph('model');
    const [x, w] = [input(graph, 'x', 'float32', [1, 2]), input(graph, 'w', 'float32', [2, 1])];
    const [dx] = gradients(sum(exp(matmul(x, w))), [x]);
    const [dw] = gradients(sum(mul(dx!, dx!)), [w]);
    const result = await compute(
      graph,
      { dw: dw! },
      { x: float32([1, 2], [0.5, -1]), w: float32([2, 1], [1, 0.25]) },
    );
    // dx = e^{x·w} w, so |dx|² = e^{2 x·w} |w|² and its gradient is e^{2 x·w} (2 w + 2 |w|² x).
    const e = Math.exp(2 * 0.25);
    expect(numbers(result['dw'])[0]).toBeCloseTo(e * (2 + 2 * 1.0625 * 0.5), 4);
    expect(numbers(result['dw'])[1]).toBeCloseTo(e * (0.5 - 2 * 1.0625), 4);
  });
});

describe('inside a Scan', () => {
  test('the path from a weight to the loss may use values of the enclosing graph', async () => {
    const graph = createGraph('model');
    const w = input(graph, 'w', 'float32', [2, 3]);
    const xs = input(graph, 'xs', 'float32', [2, 1, 3]);
    const turned = transpose(w);
    const { outputs } = scan(graph, {}, { x: xs }, (step) => {
      // Through the transposed weight outside, and directly: both count.
      const loss = add(sum(matmul(step.scanned['x']!, turned)), mean(w));
      return { carried: {}, outputs: { dw: gradients(loss, [w])[0]! } };
    });
    const result = await compute(
      graph,
      { dw: outputs['dw']! },
      { w: float32([2, 3], [1, 2, 3, 4, 5, 6]), xs: float32([2, 1, 3], [0, 1, 2, 3, 4, 5]) },
    );
    const sixth = 1 / 6;
    [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5].forEach((expected, i) =>
      expect(numbers(result['dw'])[i]).toBeCloseTo(expected + sixth, 5),
    );
  });
});

test('no addition is lost if many gradients go to the same row of a table', async () => {
  // ONNX Runtime's ScatterND adds from several threads without locking and loses some; two threads suffice to show it.
  const [count, width, rows] = [20_000, 64, 5];
  const graph = createGraph('model');
  const table = input(graph, 'table', 'float32', [rows, width]);
  const indices = input(graph, 'indices', 'int64', [count]);
  const [gradient] = gradients(sum(gather(table, indices)), [table]);
  const ones = expand(reshape(input(graph, 'one', 'float32', []), [1, 1]), [count, width]);
  const session = await createSession(
    encodeModel(graph, { gradient: gradient!, scattered: scatterAdd(ones, indices, [rows, width]) }),
    { threads: 2 },
  );
  const at = int64(
    [count],
    Array.from({ length: count }, (_, i) => i % rows),
  );
  for (let run = 0; run < 5; run++) {
    const result = await session.run({
      table: float32([rows, width], new Float32Array(rows * width)),
      indices: at,
      one: float32([], [1]),
    });
    expect(new Set(numbers(result['gradient']))).toEqual(new Set([count / rows]));
    expect(new Set(numbers(result['scattered']))).toEqual(new Set([count / rows]));
  }
  await session.dispose();
});
