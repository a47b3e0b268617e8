// Sizes known only at run time: one model gives the results of models of fixed sizes.
import { describe, expect, test } from 'vitest';
import { float32, int64, sizeOf, type Tensor } from '../../src/base/tensor.js';
import {
  constant,
  createGraph,
  input,
  type Dim,
  type Graph,
  type Shape,
  type Value,
} from '../../src/graph/graph.js';
import { gradients } from '../../src/graph/gradient.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { add, mul, sub, where, greater } from '../../src/graph/ops/elementwise.js';
import {
  firstRows,
  concat,
  expand,
  mergeLeading,
  reflectPad,
  reshape,
  slice,
  split,
  splitLeading,
  transpose,
} from '../../src/graph/ops/movement.js';
import { conv2d } from '../../src/graph/ops/image.js';
import { linearProduct, matmul } from '../../src/graph/ops/linalg.js';
import { gather } from '../../src/graph/ops/lookup.js';
import { layerNorm } from '../../src/graph/ops/fused.js';
import { max, mean, softmax, sum, sumTo } from '../../src/graph/ops/reduction.js';
import { createSession } from '../../src/runtime/session.js';
import { numbers } from './harness.js';
import { uniform } from '../../../../test/support/golden.js';

type Sizes = Readonly<Record<'batch' | 'tokens', Dim>>;
interface DynamicCase {
  readonly inputs: (sizes: Sizes) => Record<string, Shape>;
  readonly build: (values: Readonly<Record<string, Value>>, sizes: Sizes) => Value;
}

const cases: Record<string, DynamicCase> = {
  'broadcasting a bias': {
    inputs: ({ batch }) => ({ x: [batch, 3], b: [3] }),
    build: ({ x, b }) => add(mul(x!, 2), b!),
  },
  'choosing by a mask': {
    inputs: ({ batch }) => ({ x: [batch, 3], y: [batch, 1] }),
    build: ({ x, y }) => where(greater(x!, 0), x!, y!),
  },
  'reshape with one size': {
    inputs: ({ batch }) => ({ x: [batch, 6] }),
    build: ({ x }, { batch }) => reshape(x!, [batch, 2, 3]),
  },
  'reshape with two sizes, into heads and back': {
    inputs: ({ batch, tokens }) => ({ x: [batch, tokens, 6] }),
    build: ({ x }, { batch, tokens }) => {
      const heads = transpose(reshape(x!, [batch, tokens, 2, 3]), [0, 2, 1, 3]);
      return reshape(transpose(mul(heads, heads), [0, 2, 1, 3]), [batch, tokens, 6]);
    },
  },
  'expand to two sizes': {
    inputs: ({ batch, tokens }) => ({ x: [1, 1, 3], y: [batch, tokens] }),
    build: ({ x, y }, { batch, tokens }) =>
      add(expand(x!, [batch, tokens, 3]), reshape(y!, [batch, tokens, 1])),
  },
  'matrix product with a shared right operand': {
    inputs: ({ batch, tokens }) => ({ x: [batch, tokens, 4], w: [4, 3] }),
    build: ({ x, w }) => matmul(x!, w!),
  },
  'linear layer over batch and tokens': {
    inputs: ({ batch, tokens }) => ({ x: [batch, tokens, 4], w: [3, 4], b: [3] }),
    build: ({ x, w, b }) => linearProduct(x!, w!, b),
  },
  attention: {
    inputs: ({ batch, tokens }) => ({ q: [batch, tokens, 4], k: [batch, tokens, 4] }),
    build: ({ q, k }) => matmul(softmax(matmul(q!, transpose(k!))), k!),
  },
  'reductions over a run-time size': {
    inputs: ({ batch, tokens }) => ({ x: [batch, tokens, 4] }),
    build: ({ x }) => sub(max(x!, [1]), mean(x!, [1])),
  },
  'layer normalisation': {
    inputs: ({ batch, tokens }) => ({ x: [batch, tokens, 4], s: [4], b: [4] }),
    build: ({ x, s, b }) => layerNorm(x!, s!, b!, 1e-5),
  },
  'movement along known axes': {
    inputs: ({ batch }) => ({ x: [batch, 5], y: [batch, 2] }),
    build: ({ x, y }) => {
      const [first, second] = split(concat([x!, y!], 1), [3, 4], 1);
      return concat([slice(second!, 1, 1, 4, 2), first!], 1);
    },
  },
  'concatenation along run-time sizes, and what depends on their sum': {
    inputs: ({ batch, tokens }) => ({ x: [batch, 3], y: [tokens, 3], table: [12, 3] }),
    build: ({ x, y, table }) => {
      const both = concat([x!, y!], 0);
      return matmul(softmax(matmul(both, transpose(firstRows(table!, both.shape[0]!)))), both);
    },
  },
  'merging and splitting two sizes': {
    inputs: ({ batch, tokens }) => ({ x: [batch, tokens, 3], b: [3] }),
    build: ({ x, b }, { batch, tokens }) => splitLeading(mul(mergeLeading(x!, 'both'), b!), batch, tokens),
  },
  'embedding rows': {
    inputs: ({ tokens }) => ({ x: [tokens, 3], table: [9, 3] }),
    build: ({ x, table }, { tokens }) => mul(x!, firstRows(table!, tokens)),
  },
  'undoing a broadcast': {
    inputs: ({ batch }) => ({ x: [batch, 3] }),
    build: ({ x }, { batch }) => add(sumTo(x!, [1, 3]), expand(sumTo(x!, [3]), [batch, 3])),
  },
};

const sizes = [
  { batch: 1, tokens: 1 },
  { batch: 2, tokens: 5 },
  { batch: 7, tokens: 3 },
];

const declare = (graph: Graph, shapes: Readonly<Record<string, Shape>>): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, input(graph, name, 'float32', shape)]),
  );

const feedsOf = (shapes: Readonly<Record<string, Shape>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const known = shape as readonly number[];
      return [name, float32(known, uniform(name, sizeOf(known)))];
    }),
  );

/** The value and the gradients of all inputs, for operators whose gradients allow symbolic sizes. */
const withGradients = (y: Value, values: Readonly<Record<string, Value>>): Record<string, Value> => {
  const names = Object.keys(values);
  const dxs = gradients(sum(mul(y, y)), Object.values(values));
  return { result: y, ...Object.fromEntries(names.map((name, i) => [`gradient ${name}`, dxs[i]!])) };
};

/** Cases whose gradient needs known sizes: that of `firstRows` pads, that of `concat` splits. */
const needsSizes = ['embedding rows', 'concatenation along run-time sizes, and what depends on their sum'];

describe.each(Object.entries(cases))('%s', (name, { inputs, build }) => {
  test('one model accepts every size', async () => {
    const outputsOf = needsSizes.includes(name) ? (y: Value) => ({ result: y }) : withGradients;
    const symbolic: Sizes = { batch: 'batch', tokens: 'tokens' };
    const graph = createGraph('dynamic');
    const values = declare(graph, inputs(symbolic));
    const session = await createSession(encodeModel(graph, outputsOf(build(values, symbolic), values)), {
      threads: 1,
    });
    for (const known of sizes) {
      const feeds = feedsOf(inputs(known));
      const fixed = createGraph('fixed');
      const fixedValues = declare(fixed, inputs(known));
      const reference = await createSession(
        encodeModel(fixed, outputsOf(build(fixedValues, known), fixedValues)),
        {
          threads: 1,
          optimization: 'disabled',
        },
      );
      const [actual, expected] = [await session.run(feeds), await reference.run(feeds)];
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      for (const [output, { shape, data }] of Object.entries(expected)) {
        expect(actual[output]!.shape, output).toEqual(shape);
        Array.from(data as Float32Array).forEach((x, i) =>
          expect(numbers(actual[output])[i], `${output} at ${i}`).toBeCloseTo(x, 4),
        );
      }
      await reference.dispose();
    }
    await session.dispose();
  });

  test('symbolic shapes agree with fixed ones', () => {
    const graph = createGraph('dynamic');
    const symbolic: Sizes = { batch: 'batch', tokens: 'tokens' };
    const { shape } = build(declare(graph, inputs(symbolic)), symbolic);
    const resolve = (dim: Dim, known: Sizes) =>
      dim === 'batch+tokens'
        ? Number(known.batch) + Number(known.tokens)
        : dim === 'batch' || dim === 'tokens'
          ? known[dim]
          : dim;
    for (const known of sizes) {
      const fixed = build(declare(createGraph('fixed'), inputs(known)), known);
      expect(shape.map((dim) => resolve(dim, known))).toEqual(fixed.shape);
    }
  });
});

test('looks up rows by a symbolic number of indices', async () => {
  const graph = createGraph('embedding');
  const ids = input(graph, 'ids', 'int64', ['batch', 'tokens']);
  const table = input(graph, 'table', 'float32', [4, 2]);
  const session = await createSession(encodeModel(graph, { y: gather(table, ids) }), { threads: 1 });
  const { y } = await session.run({
    ids: int64([2, 3], [0, 3, 3, 1, 0, 2]),
    table: float32([4, 2], [0, 1, 10, 11, 20, 21, 30, 31]),
  });
  expect(y!.shape).toEqual([2, 3, 2]);
  expect(numbers(y)).toEqual([0, 1, 30, 31, 30, 31, 10, 11, 0, 1, 20, 21]);
  await session.dispose();
});

test('reads a size that no input has off an earlier value', async () => {
  const graph = createGraph('convolution');
  const wave = input(graph, 'wave', 'float32', [1, 'samples']);
  const padded = reshape(reflectPad(wave, 1, 2, 1), [1, 1, 1, 'samples+3']);
  const kernel = constant(graph, float32([1, 1, 1, 3], [1, 2, 3]));
  const y = conv2d(padded, kernel, { stride: 2 });
  expect(y.shape).toEqual([1, 1, 1, '(samples+3-3)//2+1']);
  const steps = y.shape[3]!;
  const table = constant(graph, float32([9, 1], [10, 20, 30, 40, 50, 60, 70, 80, 90]));
  const sums = add(reshape(y, [steps, 1]), firstRows(table, steps));
  const session = await createSession(encodeModel(graph, { sums }), { threads: 1 });
  // Padded: 3 2 1 2 3 4 3, and 5 4 3 with one element more.
  for (const [length, expected] of [
    [4, [10 + 10, 20 + 14, 30 + 20]],
    [5, [10 + 10, 20 + 14, 30 + 26]],
  ] as const) {
    const { sums: found } = await session.run({
      wave: float32(
        [1, length],
        Array.from({ length }, (_, i) => i + 1),
      ),
    });
    expect(numbers(found)).toEqual(expected);
  }
  await session.dispose();
});

test('names the size and the operator if a gradient needs a size that is unknown', () => {
  const graph = createGraph('dynamic');
  const table = input(graph, 'table', 'float32', [4, 3]);
  expect(() => gradients(sum(firstRows(table, 'batch')), [table])).toThrow(
    /gradient of FirstRows.*"batch" must be known/,
  );
});

test('refuses to write a model with a size that no input has', () => {
  const graph = createGraph('dynamic');
  const x = input(graph, 'x', 'float32', [1, 3]);
  expect(() => encodeModel(graph, { y: expand(x, ['batch', 3]) })).toThrow(/"batch" is needed/);
});
