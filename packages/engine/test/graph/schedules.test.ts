// Schedules at the points where their values are known.
import { expect, test } from 'vitest';
import { float32 } from '../../src/base/tensor.js';
import { createGraph, input, type Value } from '../../src/graph/builder.js';
import { cosineSchedule, linearSchedule } from '../../src/graph/schedules.js';
import { compute, numbers } from './harness.js';

/** The rates after so many steps. */
async function ratesAt(schedule: (step: Value) => Value, steps: readonly number[]): Promise<number[]> {
  const graph = createGraph('schedule');
  const step = input(graph, 'step', 'float32', [steps.length]);
  const { rates } = await compute(graph, { rates: schedule(step) }, { step: float32([steps.length], steps) });
  return numbers(rates);
}

const expectClose = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((rate, i) => expect(actual[i], `at index ${i}`).toBeCloseTo(rate, 6));
};

test('linear: up in equal steps, down to zero in a straight line, and zero from there', async () => {
  const schedule = linearSchedule({ peak: 0.4, warmup: 4, steps: 12 });
  const rates = await ratesAt(schedule, [0, 1, 2, 3, 4, 5, 8, 11, 12, 13, 1000]);
  expectClose(rates, [0.1, 0.2, 0.3, 0.4, 0.4, 0.35, 0.2, 0.05, 0, 0, 0]);
});

test('cosine: the same warm-up, half way down in the middle, and zero from the end', async () => {
  const schedule = cosineSchedule({ peak: 0.4, warmup: 4, steps: 12 });
  const rates = await ratesAt(schedule, [0, 1, 2, 3, 4, 6, 8, 10, 12, 13, 1000]);
  const quarter = 0.2 * Math.SQRT1_2;
  expectClose(rates, [0.1, 0.2, 0.3, 0.4, 0.4, 0.2 + quarter, 0.2, 0.2 - quarter, 0, 0, 0]);
});

test('without warm-up they start at the peak', async () => {
  expectClose(await ratesAt(linearSchedule({ peak: 2, steps: 4 }), [0, 1, 2, 3, 4]), [2, 1.5, 1, 0.5, 0]);
  expectClose(await ratesAt(cosineSchedule({ peak: 2, steps: 4 }), [0, 2, 4]), [2, 1, 0]);
});

test('a schedule of nothing but warm-up does not divide by zero', async () => {
  for (const schedule of [linearSchedule, cosineSchedule])
    expectClose(await ratesAt(schedule({ peak: 1, warmup: 2, steps: 2 }), [0, 1, 3]), [0.5, 1, 0]);
});
