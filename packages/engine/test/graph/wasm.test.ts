// The browser's runtime gives the results of Node's where they might differ: integer products, contrib operators,
// resizing, sampling, randomness by integer overflow.
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import { expect, test } from 'vitest';
import { randomStream } from '../../src/base/random.js';
import { float32, int32, tensor, type Tensor, type Tensors } from '../../src/base/tensor.js';
import { constant, createGraph, input, type Graph, type Value } from '../../src/graph/graph.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { silu } from '../../src/graph/ops/elementwise.js';
import { gridSample, resizeBicubic } from '../../src/graph/ops/image.js';
import { quantizedLinear, quantizeWeight } from '../../src/graph/ops/quantized.js';
import { addScaled } from '../../src/graph/ops/fused.js';
import { noise } from '../../src/layers/stochastic.js';
import { createSession, setRuntime } from '../../src/runtime/session.js';

const draw = randomStream(11, 'wasm');
const normal = (shape: readonly number[]): Tensor<'float32'> =>
  float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw.normal()),
  );
const ones = (shape: readonly number[]): Tensor<'float32'> =>
  float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1));

interface Case {
  readonly feeds: Tensors;
  readonly build: (inputs: Readonly<Record<string, Value>>, graph: Graph) => Value;
}

const layer = (weight: Tensor<'float32'>, x: Tensor<'float32'>): Case => {
  const bias = normal([weight.shape[0]!]);
  return {
    feeds: { x },
    build: ({ x: value }, graph) => quantizedLinear(value!, quantizeWeight(weight), constant(graph, bias)),
  };
};

const cases: Readonly<Record<string, Case>> = {
  'an integer layer': layer(normal([24, 64]), normal([5, 64])),
  'an integer layer of maximal values': layer(ones([16, 256]), ones([3, 256])),
  'x + s · y': {
    feeds: { x: normal([40, 64]), y: normal([40, 64]) },
    build: ({ x, y }) => addScaled(x!, y!, 0.3),
  },
  silu: { feeds: { x: normal([300]) }, build: ({ x }) => silu(x!) },
  resizing: {
    feeds: {
      pixels: tensor(
        'uint8',
        [1, 3, 37, 41],
        Uint8Array.from({ length: 3 * 37 * 41 }, () => draw.integer(256)),
      ),
    },
    build: ({ pixels }) => resizeBicubic(pixels!, [24, 24]),
  },
  sampling: {
    feeds: { x: normal([2, 3, 9, 7]), grid: normal([2, 5, 6, 2]) },
    build: ({ x, grid }) => gridSample(x!, grid!),
  },
  noise: {
    feeds: { seed: int32([], [123456789]) },
    build: ({ seed }) => noise([7, 50], { seed: seed!, place: 'somewhere' }),
  },
};

async function compute({ feeds, build }: Case, runtime: unknown): Promise<Tensor> {
  setRuntime(runtime as Parameters<typeof setRuntime>[0]);
  const graph = createGraph('case');
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape }]) => [name, input(graph, name, dtype, shape)]),
  );
  const session = await createSession(encodeModel(graph, { result: build(inputs, graph) }), { threads: 1 });
  const { result } = await session.run(feeds, ['result']);
  await session.dispose();
  return result;
}

test.each(Object.entries(cases))('computes %s as Node does', async (_name, sample) => {
  const [ofNode, ofWeb] = [await compute(sample, node), await compute(sample, web)];
  expect(ofWeb.shape).toEqual(ofNode.shape);
  expect(ofNode.data.length).toBeGreaterThan(0);
  if (ofNode.dtype !== 'float32') expect([...ofWeb.data]).toEqual([...ofNode.data]);
  else
    (ofNode.data as Float32Array).forEach((value, i) =>
      expect(Math.abs((ofWeb.data as Float32Array)[i]! - value)).toBeLessThan(
        2e-6 * Math.max(1, Math.abs(value)),
      ),
    );
});
