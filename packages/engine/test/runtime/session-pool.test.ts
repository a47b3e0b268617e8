// A model in several processes: the results of one process, runs at the same time, errors, and an end.
import { expect, test } from 'vitest';
import {
  createGraph,
  createSession,
  encodeModel,
  float32,
  gemm,
  input,
  type Tensor,
} from '../../src/index.js';
import { openSession } from '../../src/node.js';

const graph = createGraph('product');
const left = input(graph, 'left', 'float32', ['rows', 3]);
const right = input(graph, 'right', 'float32', [3, 2]);
const model = encodeModel(graph, { product: gemm(left, right) });

const feedsOf = (seed: number): Record<string, Tensor> => ({
  left: float32(
    [2, 3],
    Array.from({ length: 6 }, (_, i) => Math.sin(seed + i)),
  ),
  right: float32(
    [3, 2],
    Array.from({ length: 6 }, (_, i) => Math.cos(seed * i)),
  ),
});

test('runs at the same time in several processes, with the results of one', async () => {
  const here = await createSession(model, { threads: 1 });
  const session = await openSession(model, { processes: 2, threads: 1 });
  expect([session.inputs, session.outputs, session.parallel]).toEqual([here.inputs, here.outputs, 2]);
  const seeds = Array.from({ length: 9 }, (_, seed) => seed);
  const results = await Promise.all(seeds.map((seed) => session.run(feedsOf(seed), ['product'])));
  for (const seed of seeds) expect(results[seed]).toEqual(await here.run(feedsOf(seed)));
  await here.dispose();
  await session.dispose();
  await expect(session.run(feedsOf(0))).rejects.toMatchObject({ code: 'usage' });
});

test('runs in this process by default', async () => {
  const session = await openSession(model, { threads: 1 });
  expect(session.parallel).toBe(1);
  expect((await session.run(feedsOf(1)))['product']!.shape).toEqual([2, 2]);
  await session.dispose();
});

test('errors of a child are those of this process', async () => {
  await expect(openSession(new Uint8Array(8), { processes: 1 })).rejects.toMatchObject({ code: 'format' });
  const session = await openSession(model, { processes: 1, threads: 1 });
  const { right: other } = feedsOf(0);
  await expect(session.run({ left: other!, right: other! })).rejects.toMatchObject({ code: 'shape' });
  // The child still runs.
  expect((await session.run(feedsOf(0)))['product']!.shape).toEqual([2, 2]);
  await session.dispose();
});
