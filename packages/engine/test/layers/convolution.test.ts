// Layers for training convolutional networks: the values and gradients of their plain definitions.
import { describe, expect, it } from 'vitest';
import { float32, sizeOf, type Tensor } from '../../src/base/tensor.js';
import { createGraph, input, type Value } from '../../src/graph/graph.js';
import { pullback } from '../../src/graph/gradient.js';
import { channelMajorConv } from '../../src/graph/ops/channel-major.js';
import { conv2d, samePadding, symmetricPadding } from '../../src/graph/ops/image.js';
import { add, div, greater, mul, silu, sqrt, sub, where } from '../../src/graph/ops/elementwise.js';
import { gemm, matmul } from '../../src/graph/ops/linalg.js';
import { concat, reshape, slice, transpose } from '../../src/graph/ops/movement.js';
import { mean } from '../../src/graph/ops/reduction.js';
import {
  batchNorm,
  updateRunning,
  channelPrelu,
  depthwiseConv,
  pointwise,
  spatialConv,
  swapBatch,
} from '../../src/layers/channel-major.js';
import { compute, numbers } from '../graph/harness.js';
import { relativeError, uniform } from '../../../../test/support/golden.js';

const drawn = (name: string, shape: readonly number[]): Tensor<'float32'> =>
  float32(shape, uniform(name, sizeOf(shape)));

/** Compares outputs and gradients of two definitions. */
async function expectSame(
  shapes: Readonly<Record<string, readonly number[]>>,
  definitions: readonly ((values: Record<string, Value>) => Value)[],
): Promise<void> {
  const graph = createGraph('layers');
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, input(graph, name, 'float32', shape)]),
  );
  const [ours, plain] = definitions.map((build) => build(values)) as [Value, Value];
  expect(ours.shape).toEqual(plain.shape);
  const dy = input(graph, 'dy', 'float32', ours.shape);
  const wrt = Object.values(values);
  const outputs = Object.fromEntries(
    [ours, plain].flatMap((y, i) => [
      [`${i} output`, y] as const,
      ...pullback(y, dy, wrt).map((dx, j) => [`${i} gradient of ${Object.keys(shapes)[j]}`, dx] as const),
    ]),
  );
  const feeds = Object.fromEntries(
    Object.entries({ ...shapes, dy: ours.shape as number[] }).map(([name, shape]) => [
      name,
      drawn(name, shape),
    ]),
  );
  const results = await compute(graph, outputs, feeds);
  for (const name of Object.keys(results).filter((key) => key.startsWith('0')))
    expect(
      relativeError(numbers(results[name]), numbers(results[name.replace('0', '1')])),
      name,
    ).toBeLessThan(1e-5);
}

describe('convolutions in channel-major layout', () => {
  it('PReLU multiplies negative values by their channel’s slope', () =>
    expectSame({ x: [3, 2, 3, 4], slope: [3] }, [
      ({ x, slope }) => channelPrelu(x!, slope!),
      ({ x, slope }) => where(greater(x!, 0), x!, mul(x!, reshape(slope!, [3, 1, 1, 1]))),
    ]));

  it('pointwise is a 1×1 convolution with a bias', () =>
    expectSame({ x: [5, 2, 3, 4], weight: [3, 5, 1, 1], bias: [3] }, [
      ({ x, weight, bias }) => pointwise(x!, weight!, bias!),
      ({ x, weight, bias }) =>
        add(
          channelMajorConv(x!, weight!),
          concat(
            [0, 1, 2].map((c) => mul(slice(bias!, 0, c, c + 1), onesOf(x!, [1, 2, 3, 4]))),
            0,
          ),
        ),
    ]));

  it.each([
    [70, 130],
    [130, 70],
  ])('a product of %d columns by %d with its left operand transposed is that of its transpose', (n, m) =>
    expectSame({ a: [5, n], b: [5, m], c: [m] }, [
      ({ a, b, c }) => gemm(a!, b!, { transA: true, add: c! }),
      ({ a, b, c }) => add(matmul(transpose(a!), b!), c!),
    ]),
  );

  it.each([
    ['same', 1, 6, 5],
    ['same', 2, 6, 5],
    ['symmetric', 2, 7, 6],
  ] as const)(
    'k×k with %s padding and stride %d agrees with ONNX’s Conv',
    async (kind, stride, height, width) => {
      const padding = kind === 'same' ? samePadding([height, width], 3, stride) : symmetricPadding(3);
      const graph = createGraph('layers');
      const x = input(graph, 'x', 'float32', [2, 3, height, width]);
      const weight = input(graph, 'weight', 'float32', [4, 3, 3, 3]);
      const ours = swapBatch(spatialConv(swapBatch(x), weight, { stride, padding }));
      const theirs = conv2d(x, weight, { stride, padding });
      const results = await compute(
        graph,
        { ours, theirs },
        { x: drawn('x', [2, 3, height, width]), weight: drawn('weight', [4, 3, 3, 3]) },
      );
      expect(results['ours']!.shape).toEqual(results['theirs']!.shape);
      expect(relativeError(numbers(results['ours']), numbers(results['theirs']))).toBeLessThan(1e-5);
    },
  );

  // Few input channels take one product for the kernel's gradient, more take one for each of its elements.
  it.each([1, 2])('a sum over input channels has the gradients of its parts, with stride %d', (stride) => {
    const conv = (x: Value, weight: Value): Value =>
      spatialConv(x, weight, { stride, padding: [1, 1, 1, 1] });
    return expectSame({ x: [9, 2, 6, 5], weight: [4, 9, 3, 3] }, [
      ({ x, weight }) => conv(x!, weight!),
      ({ x, weight }) =>
        [0, 3, 6]
          .map((c) => conv(slice(x!, 0, c, c + 3), slice(weight!, 1, c, c + 3)))
          .reduce((a, b) => add(a, b)),
    ]);
  });

  // A small map is one product; a larger one is computed by rows.
  it.each([
    [3, 1, 4, 3],
    [5, 2, 6, 5],
    [3, 2, 9, 10],
    [5, 1, 10, 9],
  ])(
    'depthwise with kernel %d and stride %d on %d × %d is one convolution per channel',
    (kernel, stride, h, w) => {
      const padding = samePadding([h, w], kernel, stride);
      return expectSame({ x: [3, 2, h, w], weight: [3, 1, kernel, kernel] }, [
        ({ x, weight }) => depthwiseConv(x!, weight!, { stride, padding }),
        ({ x, weight }) =>
          concat(
            [0, 1, 2].map((c) =>
              channelMajorConv(slice(x!, 0, c, c + 1), slice(weight!, 0, c, c + 1), { stride, padding }),
            ),
            0,
          ),
      ]);
    },
  );
});

const onesOf = (x: Value, shape: readonly number[]): Value => {
  const part = shape.reduce((value, size, axis) => slice(value, axis, 0, size), x);
  return add(mul(part, 0), 1);
};

describe('batchNorm', () => {
  const shapes = { x: [3, 2, 7], scale: [3], shift: [3] };

  it.each([true, false])('has the gradients of its definition (silu: %s)', (activated) =>
    expectSame(shapes, [
      ({ x, scale, shift }) => batchNorm(x!, scale!, shift!, { epsilon: 1e-3, silu: activated }).y,
      ({ x, scale, shift }) => {
        const average = mean(x!, [1, 2], true);
        const centred = sub(x!, average);
        const variance = mean(mul(centred, centred), [1, 2], true);
        const column = (v: Value): Value =>
          concat(
            [0, 1, 2].map((c) => mul(slice(v, 0, c, c + 1), onesOf(x!, [1, 1, 1]))),
            0,
          );
        const normed = div(centred, sqrt(add(variance, 1e-3)));
        const z = add(mul(normed, column(scale!)), column(shift!));
        return activated ? silu(z) : z;
      },
    ]),
  );

  it('computes the variance of rows whose mean is a thousand times their deviation', async () => {
    const graph = createGraph('norm');
    const x = input(graph, 'x', 'float32', [1, 4]);
    const one = input(graph, 'one', 'float32', [1]);
    const { statistics } = batchNorm(x, one, one, { epsilon: 1e-3, silu: false });
    const { mean: average, variance } = statistics;
    const running = updateRunning(statistics, { mean: one, variance: one });
    const results = await compute(
      graph,
      { average, variance, runningMean: running.mean, runningVariance: running.variance },
      { x: float32([1, 4], [999, 1000, 1000, 1001]), one: float32([1], [1]) },
    );
    expect(numbers(results['average'])).toEqual([1000]);
    expect(numbers(results['variance'])).toEqual([0.5]);
    expect(numbers(results['runningMean'])[0]).toBeCloseTo(100.9, 4);
    // Divided by one less than four.
    expect(numbers(results['runningVariance'])[0]).toBeCloseTo(0.9 + 0.1 * (2 / 3), 6);
  });
});
