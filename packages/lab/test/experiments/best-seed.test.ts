// Of a head trained once a seed the best on validation is kept; of equally good seeds, the first.
import { expect, test } from 'vitest';
import { float32, initialize, randomStream } from 'mien-engine';
import { trainSeeds } from '../../src/experiments/best-seed.js';
import { headParameters, type HeadGraphOptions } from '../../src/train/head-graph.js';

const [N, WIDTH, LABELS] = [60, 4, 3];
const graph: HeadGraphOptions = {
  head: 'text',
  sizes: { width: 8, hidden: 8, labels: LABELS },
  widths: { text: WIDTH },
  batchSize: 8,
};
const draw = randomStream(1, 'seeds');
const table = float32(
  [N, WIDTH],
  Float32Array.from({ length: N * WIDTH }, () => draw.normal()),
);
const rows = (from: number, to: number) => ({
  text: Int32Array.from({ length: to - from }, (_, i) => from + i),
  labels: Array.from({ length: to - from }, () => draw.integer(LABELS)),
});
const [validation, testItems] = [rows(0, 40), rows(40, N)];
const asked = { graph, features: { text: table }, validation, test: testItems };
const parametersOf = (seed: number) => initialize(headParameters(graph), seed);

test('the best seed on validation is kept, with its logits of the test items', async () => {
  const seeds = [3, 4, 5, 6];
  const trained: number[] = [];
  const { best, all } = await trainSeeds({
    ...asked,
    seeds,
    train: (seed) => {
      trained.push(seed);
      return Promise.resolve({ parameters: parametersOf(seed) });
    },
  });
  expect(trained).toEqual(seeds);
  expect(all.map(({ seed }) => seed)).toEqual(seeds);
  expect(best.f1).toBe(Math.max(...all.map(({ f1 }) => f1)));
  expect(new Set(all.map(({ f1 }) => f1)).size).toBeGreaterThan(1);
  expect(best.parameters).toEqual(parametersOf(best.seed));
  expect(best.tested.data.length).toBe((N - 40) * LABELS);
  expect(best.certainty.items).toBe(40);
});

test('of equally good seeds the first is kept', async () => {
  const { best } = await trainSeeds({
    ...asked,
    seeds: [8, 2, 5],
    train: () => Promise.resolve({ parameters: parametersOf(0) }),
  });
  expect(best.seed).toBe(8);
});
