// Dropout and stochastic depth: rates, scaling, gradients, independence and reproducibility.
import { describe, expect, it } from 'vitest';
import { float32, int32, type Tensor } from '../../src/base/tensor.js';
import { createGraph, input } from '../../src/graph/graph.js';
import { gradients } from '../../src/graph/gradient.js';
import { mul } from '../../src/graph/ops/elementwise.js';
import { sum } from '../../src/graph/ops/reduction.js';
import { dropout, dropPath, noise } from '../../src/layers/stochastic.js';
import { compute, numbers } from '../graph/harness.js';

const seedOf = (seed: number): Tensor => int32([], [seed]);

/** Noise as numbers in [0, 1). */
async function draw(shape: readonly number[], seed: number, place = 'here'): Promise<number[]> {
  const graph = createGraph('noise');
  const value = noise(shape, { seed: input(graph, 'seed', 'int32', []), place });
  const { y } = await compute(graph, { y: value }, { seed: seedOf(seed) });
  return numbers(y).map((x) => x / 2 ** 32 + 0.5);
}

/** Correlation of two sequences of uniform numbers. */
const correlation = (a: readonly number[], b: readonly number[]): number =>
  (12 * a.reduce((total, x, i) => total + (x - 0.5) * (b[i]! - 0.5), 0)) / a.length;

describe('noise', () => {
  const shape = [4, 50, 100];
  const count = 20_000;
  // Five standard deviations.
  const tolerance = 5 / Math.sqrt(count);

  it.each([0, 1, -1, 123_456_789])('is uniform for seed %d', async (seed) => {
    const values = await draw(shape, seed);
    const buckets = new Array<number>(64).fill(0);
    for (const value of values) buckets[Math.floor(value * 64)]!++;
    const chi = buckets.reduce((total, n) => total + (n - count / 64) ** 2 / (count / 64), 0);
    // 63 degrees of freedom: mean 63, standard deviation 11.
    expect(chi).toBeLessThan(63 + 5 * 11.3);
  });

  it('is uncorrelated along every axis, between seeds and between places', async () => {
    const values = await draw(shape, 1);
    const others = [await draw(shape, 2), await draw(shape, 3), await draw(shape, 1, 'there')];
    for (const other of others) expect(Math.abs(correlation(values, other))).toBeLessThan(tolerance);
    for (const lag of [1, 2, 10, 100, 101, 200, 5000, 5001]) {
      const shifted = [...values.slice(lag), ...values.slice(0, lag)];
      expect(Math.abs(correlation(values, shifted)), `lag ${lag}`).toBeLessThan(tolerance);
    }
  });

  it('is reproducible for the same seed and place', async () => {
    expect(await draw([3, 5], 7)).toEqual(await draw([3, 5], 7));
  });
});

describe('dropout', () => {
  it('drops elements at its rate, scales the rest, and passes gradients through these', async () => {
    const graph = createGraph('dropout');
    const x = input(graph, 'x', 'float32', [100, 200]);
    const y = dropout(x, 0.1, { seed: input(graph, 'seed', 'int32', []), place: 'here' });
    const [dx] = gradients(sum(mul(y, y)), [x]);
    const ones = float32([100, 200], new Float32Array(20_000).fill(1));
    const results = await compute(graph, { y, dx: dx! }, { x: ones, seed: seedOf(5) });
    const kept = numbers(results['y']);
    const zeros = kept.filter((value) => value === 0).length;
    expect(Math.abs(zeros / kept.length - 0.1)).toBeLessThan(5 * Math.sqrt(0.09 / kept.length));
    const offs = kept.filter((value) => value !== 0).map((value) => Math.abs(value - 1 / 0.9));
    expect(Math.max(...offs)).toBeLessThan(1e-6);
    const slopes = numbers(results['dx']).map((slope, i) => Math.abs(slope - (2 * kept[i]!) / 0.9));
    expect(Math.max(...slopes)).toBeLessThan(1e-5);
  });

  it('returns its input at rate 0', () => {
    const graph = createGraph('dropout');
    const x = input(graph, 'x', 'float32', [3]);
    const seed = input(graph, 'seed', 'int32', []);
    expect(dropout(x, 0, { seed, place: 'here' })).toBe(x);
    expect(dropPath(x, 0, { seed, place: 'here' })).toBe(x);
  });
});

describe('dropPath', () => {
  it('drops or scales whole items', async () => {
    const graph = createGraph('path');
    const [channels, batch, positions] = [2, 500, 3];
    const x = input(graph, 'x', 'float32', [channels, batch, positions]);
    const y = dropPath(x, 0.2, { seed: input(graph, 'seed', 'int32', []), place: 'here' });
    const ones = float32(
      [channels, batch, positions],
      new Float32Array(channels * batch * positions).fill(1),
    );
    const results = await compute(graph, { y }, { x: ones, seed: seedOf(9) });
    const values = numbers(results['y']);
    let dropped = 0;
    let broken = 0;
    for (let n = 0; n < batch; n++) {
      const item = [0, 1].flatMap((c) =>
        values.slice((c * batch + n) * positions, (c * batch + n + 1) * positions),
      );
      if (item.every((value) => value === 0)) dropped++;
      else if (item.some((value) => value !== 1.25)) broken++;
    }
    expect(broken).toBe(0);
    expect(Math.abs(dropped / batch - 0.2)).toBeLessThan(5 * Math.sqrt(0.16 / batch));
  });
});
