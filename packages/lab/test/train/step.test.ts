// Steps in one run: the same as one by one, frozen weights stay, statistics and averages are carried.
import { expect, test } from 'vitest';
import { float32, gather, int64, type Tensors } from 'mien-engine';
import {
  createStepSession,
  flat,
  initialState,
  weightsOf,
  type Trainee,
  type TrainingState,
} from '../../src/train/step.js';
import { BATCH, batchesOf, isTrained, optimizer, trainee, weights } from './tiny.js';

const options = { weights, isTrained, optimizer: optimizer(), averageDecay: 0.9, threads: 1 };
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

test('many steps in one run give the same bytes as single steps', async () => {
  const session = await createStepSession(trainee, options);
  const batches = batchesOf(6, 1);
  const together = await session.run(initialState(trainee, options), batches);
  let state = initialState(trainee, options);
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) {
    const result = await session.run(state, oneStep(batches, step));
    state = result.state;
    losses.push(...result.losses);
  }
  await session.dispose();
  expect(together.losses.length).toBe(6);
  expect([...together.losses]).toEqual(losses);
  // Averages are updated once a run.
  const withoutAverages = (of: TrainingState) => flat({ ...of, averages: {} });
  expect(withoutAverages(together.state)).toEqual(withoutAverages(state));
  expect(state.step.data[0]).toBe(6);
});

test('it learns, counts hits, carries statistics and leaves frozen weights alone', async () => {
  const session = await createStepSession(trainee, options);
  let state = initialState(trainee, options);
  expect(Object.keys(state.parameters)).not.toContain('frozen.weight');
  const first = await session.run(state, batchesOf(40, 1));
  state = first.state;
  const second = await session.run(state, batchesOf(40, 2));
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
  for (let k = 0; k < 4; k++) expect(numbers(state.parameters, 'running')[k]).toBeCloseTo(running[k]!, 5);

  const learned = weightsOf({ ...second.state, averages: {} }, weights);
  expect(numbers(learned, 'frozen.weight')).toEqual(numbers(weights, 'frozen.weight'));
  expect(numbers(learned, 'classifier.weight')).not.toEqual(numbers(weights, 'classifier.weight'));
});

test.each([
  // (1 + 0) / (10 + 0) and (1 + 90) / (10 + 90) are lower than the decay, (1 + 290) / (10 + 290) is not.
  { done: 0, decay: 0.1 },
  { done: 90, decay: 0.91 },
  { done: 290, decay: 0.95 },
])('after $done steps averages keep $decay of what they were', async ({ done, decay }) => {
  const averaging = { ...options, averageDecay: 0.95 };
  const session = await createStepSession(trainee, averaging);
  const start = { ...initialState(trainee, averaging), step: float32([], [done]) };
  const { state } = await session.run(start, batchesOf(3, 1));
  await session.dispose();
  const [before, now] = [start, state].map(({ parameters }) => numbers(parameters, 'classifier.bias'));
  const kept = decay ** 3;
  const averaged = numbers(weightsOf(state, weights), 'classifier.bias');
  averaged.forEach((value, i) => expect(value).toBeCloseTo(kept * before![i]! + (1 - kept) * now![i]!, 6));
});

test('tables are read by every batch, and without a decay no averages are kept', async () => {
  const { x, targets } = trainee.batch as Required<typeof trainee.batch>;
  const indexed: Trainee = {
    batch: { rows: { dtype: 'int64', shape: [BATCH] }, targets: targets! },
    tables: { x: { ...x!, shape: ['items', x!.shape[1]!] } },
    build: (p, { rows, x: table, targets: labels }) =>
      trainee.build(p, { x: gather(table!, rows!), targets: labels! }),
  };
  const { averageDecay: _none, ...plain } = options;
  const batches = batchesOf(4, 1);
  const [direct, picking] = [
    await createStepSession(trainee, plain),
    await createStepSession(indexed, plain),
  ];
  const start = initialState(trainee, plain);
  expect(start.averages).toEqual({});
  const expected = await direct.run(start, batches);
  const found = await picking.run(start, {
    rows: int64(
      [4, BATCH],
      Array.from({ length: 4 * BATCH }, (_, i) => i),
    ),
    targets: batches['targets']!,
    x: { ...batches['x']!, shape: [4 * BATCH, 4] },
  });
  await Promise.all([direct.dispose(), picking.dispose()]);
  expect(found).toEqual(expected);
});

test('kernels are carried as matrices and come back in their own shape', () => {
  const kernel = {
    ...weights,
    'classifier.weight': float32([3, 2, 2, 1], weights['classifier.weight']!.data as Float32Array),
  };
  const state = initialState(trainee, { ...options, weights: kernel });
  expect(state.parameters['classifier.weight']!.shape).toEqual([3, 4]);
  expect(weightsOf(state, kernel)['classifier.weight']!.shape).toEqual([3, 2, 2, 1]);
});
