// Steps in one run: the same as one by one, frozen weights stay, statistics and averages are carried.
import { expect, test } from 'vitest';
import { float32, type Tensors } from 'mien-engine/base';
import { createStepSession, initialLearnState, weightsOf } from '../../src/learn/step-session.js';
import { BATCH, batchesOf, isTrained, optimizer, trainee, weights } from './tiny.js';

const options = { weights, isTrained, optimizer: optimizer(), threads: 1 };
const numbers = (tensors: Tensors, name: string): number[] => [...(tensors[name]!.data as Float32Array)];

/** One step of a batch of many. */
const oneStep = (batches: Tensors, step: number): Tensors =>
  Object.fromEntries(
    Object.entries(batches).map(([name, { dtype, shape, data }]) => {
      const size = data.length / shape[0]!;
      return [
        name,
        { dtype, shape: [1, ...shape.slice(1)], data: data.slice(step * size, (step + 1) * size) },
      ];
    }),
  ) as Tensors;

test('many steps in one run are the steps one by one, to the byte', async () => {
  const session = await createStepSession(trainee, options);
  const batches = batchesOf(6, 1);
  const together = await session.run(initialLearnState(trainee, options), batches, 0.5);
  let state = initialLearnState(trainee, options);
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) {
    const result = await session.run(state, oneStep(batches, step), 0.5);
    state = result.state;
    losses.push(...result.losses);
  }
  await session.dispose();
  expect(together.losses.length).toBe(6);
  expect([...together.losses]).toEqual(losses);
  for (const name of Object.keys(state))
    if (!name.startsWith('average ')) expect(numbers(together.state, name)).toEqual(numbers(state, name));
});

test('it learns, counts hits, carries statistics and leaves frozen weights alone', async () => {
  const session = await createStepSession(trainee, options);
  let state = initialLearnState(trainee, options);
  expect(Object.keys(state)).not.toContain('frozen.weight');
  const first = await session.run(state, batchesOf(40, 1), 0.9);
  state = first.state;
  const second = await session.run(state, batchesOf(40, 2), 0.9);
  await session.dispose();
  const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;
  expect(mean(second.losses)).toBeLessThan(0.8 * mean(first.losses));
  expect(mean(second.hits) / BATCH).toBeGreaterThan(mean(first.hits) / BATCH);

  const x = batchesOf(40, 1)['x']!.data as Float32Array;
  const running = [0, 0, 0, 0];
  for (let step = 0; step < 40; step++)
    for (let k = 0; k < 4; k++) {
      let total = 0;
      for (let i = 0; i < BATCH; i++) total += x[(step * BATCH + i) * 4 + k]!;
      running[k] = 0.9 * running[k]! + (0.1 * total) / BATCH;
    }
  for (let k = 0; k < 4; k++) expect(numbers(state, 'running')[k]).toBeCloseTo(running[k]!, 5);

  const learned = weightsOf(second.state, weights, 'last');
  expect(numbers(learned, 'frozen.weight')).toEqual(numbers(weights, 'frozen.weight'));
  expect(numbers(learned, 'classifier.weight')).not.toEqual(numbers(weights, 'classifier.weight'));
});

test('averages keep a share of what they were', async () => {
  const session = await createStepSession(trainee, options);
  const start = initialLearnState(trainee, options);
  const { state } = await session.run(start, batchesOf(3, 1), 0.75);
  await session.dispose();
  const [before, now] = [numbers(start, 'classifier.bias'), numbers(state, 'classifier.bias')];
  const averaged = numbers(weightsOf(state, weights), 'classifier.bias');
  averaged.forEach((value, i) => expect(value).toBeCloseTo(0.75 * before[i]! + 0.25 * now[i]!, 6));
});

test('kernels are carried as matrices and come back in their own shape', () => {
  const kernel = {
    ...weights,
    'classifier.weight': float32([3, 2, 2], weights['classifier.weight']!.data as Float32Array),
  };
  const state = initialLearnState(trainee, { ...options, weights: kernel });
  expect(state['classifier.weight']!.shape).toEqual([3, 4]);
  expect(weightsOf(state, kernel)['classifier.weight']!.shape).toEqual([3, 2, 2]);
});
