// Differentiation itself: sums over uses, what is left out, what is refused, and gradients of gradients.
import { describe, expect, test } from 'vitest';
import { float32, int64, type Tensors } from '../../src/base/tensor.js';
import { createGraph, input, scoped, type Graph, type Value } from '../../src/graph/builder.js';
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

describe('values used several times', () => {
  test('by one operator', async () => {
    expect(await gradientsOf((x, y) => sum(mul(mul(x, x), y)))).toEqual([
      [8, -20, 36],
      [1, 4, 9],
    ]);
  });
  test('by several, on paths of different length', async () => {
    expect(await gradientsOf((x, y) => sum(add(add(mul(x, y), x), mul(mul(x, 2), 3))))).toEqual([
      [4 + 7, 5 + 7, 6 + 7],
      [1, -2, 3],
    ]);
  });
  test('as the value asked for and on the way to another', async () => {
    const graph = createGraph('model');
    const x = vector(graph, 'x');
    const squared = mul(x, x);
    const [ofSquared, ofX] = gradients(sum(mul(squared, squared)), [squared, x]);
    const result = await compute(graph, { ofSquared: ofSquared!, ofX: ofX! }, { x: feeds['x']! });
    expect(numbers(result['ofSquared'])).toEqual([2, 8, 18]);
    expect(numbers(result['ofX'])).toEqual([4, -32, 108]);
  });
});

test('a scalar’s gradient of itself is one', async () => {
  const graph = createGraph('model');
  const loss = sum(vector(graph, 'x'));
  const [one] = gradients(loss, [loss]);
  const result = await compute(graph, { one: one! }, { x: feeds['x']! });
  expect(numbers(result['one'])).toEqual([1]);
});

test('nothing flows through stopGradient, and its numbers are the same', async () => {
  expect(await gradientsOf((x, y) => sum(add(mul(stopGradient(x), y), x)))).toEqual([
    [1, 1, 1],
    [1, -2, 3],
  ]);
});

test('where several are largest they share the gradient; where both operands are, the first has it', async () => {
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

describe('what is not on the way is not visited', () => {
  test('branches that do not reach the scalar, and inputs that are not asked for, add no node', () => {
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
  test('operators without a gradient may stand before what is asked for, and beside it', () => {
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

  test('only a scalar can be differentiated', () => {
    expect(() => gradients(mul(x, 2), [x])).toThrow(refusal(/only a scalar .* got \[3\]/));
    expect(() => gradients(sum(x, [0], true), [x])).toThrow(refusal(/got \[1\]/));
  });
  test('an operator without a gradient is named with its place', () => {
    const loss = scoped(graph, 'head', () => sum(floor(mul(x, 2))));
    expect(() => gradients(loss, [x])).toThrow(refusal(/^Floor in head has no gradient/));
    expect(() => gradients(sum(sign(x)), [x])).toThrow(refusal(/^Sign has no gradient/));
  });
  test('a Scan is to be differentiated inside its body', () => {
    const { outputs } = scan(graph, {}, { x }, (step) => ({
      carried: {},
      outputs: { y: mul(step.scanned['x']!, 2) },
    }));
    expect(() => gradients(sum(outputs['y']!), [x])).toThrow(refusal(/^Scan has no gradient/));
  });
  test('a rule that cannot be applied is named with its reason', () => {
    const rows = gather(reshape(x, [1, 3]), input(graph, 'indices', 'int64', [2]), 1);
    expect(() => gradients(sum(rows), [x])).toThrow(refusal(/gradient of Gather: .* axis 0 only/));
  });
  test('a value that has no influence is named', () => {
    expect(() => gradients(sum(x), [x, y])).toThrow(refusal(/^y does not influence/));
    expect(() => gradients(sum(x), [scoped(graph, 'head', () => exp(y))])).toThrow(
      refusal(/what Exp computes in head does not influence/),
    );
    expect(() => gradients(sum(stopGradient(x)), [x])).toThrow(refusal(/^x does not influence/));
  });
});

describe('gradients of gradients', () => {
  test('the third derivative of a power', async () => {
    const graph = createGraph('model');
    const x = vector(graph, 'x');
    const cube = mul(mul(x, x), mul(x, x));
    let [derivative] = gradients(sum(cube), [x]);
    for (let order = 2; order <= 3; order++) [derivative] = gradients(sum(derivative!), [x]);
    const result = await compute(graph, { third: derivative! }, { x: feeds['x']! });
    expect(numbers(result['third'])).toEqual([24, -48, 72]);
  });
  test('of an absolute value’s square is two', async () => {
    const graph = createGraph('model');
    const x = vector(graph, 'x');
    const [first] = gradients(sum(mul(abs(x), abs(x))), [x]);
    const [second] = gradients(sum(first!), [x]);
    const result = await compute(graph, { second: second! }, { x: feeds['x']! });
    expect(numbers(result['second'])).toEqual([2, 2, 2]);
  });
  test('a gradient penalty: the norm of one gradient is differentiated with respect to weights', async () => {
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
  test('values around it may stand between a weight and the loss', async () => {
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

test('no addition is lost when many gradients meet in one row of a table', async () => {
  // ONNX Runtime's ScatterND adds from several threads at once and loses some; two threads are enough to see it.
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
