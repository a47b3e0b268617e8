// Logistic regression: the slope vanishes at what it finds, with offsets, weights and soft targets.
import { expect, test } from 'vitest';
import { float32, randomStream } from 'mien-engine';
import { fitLogistic, type LogisticProblem } from '../../src/train/logistic.js';

const [n, width, classes] = [60, 5, 3];

function problem(penalty: number): LogisticProblem {
  const draw = randomStream(3, 'logistic');
  const rows = Float32Array.from({ length: n * width }, (_, i) => (1 + (i % width)) * draw.normal());
  const targets = new Float32Array(n * classes).fill(0.05);
  for (let i = 0; i < n; i++) {
    const score = rows[i * width]! - rows[i * width + 1]! + 2 * draw.normal();
    targets[i * classes + (score < -1 ? 0 : score < 1 ? 1 : 2)] = 0.9;
  }
  // Some rows cannot have the last label.
  const offsets = Float32Array.from({ length: n * classes }, (_, at) =>
    at % classes === 2 && Math.floor(at / classes) % 5 === 0 ? -1e4 : 0.3 * (at % classes),
  );
  for (let i = 0; i < n; i += 5) targets.set([0.5, 0.5, 0], i * classes);
  return {
    rows: float32([n, width], rows),
    targets: float32([n, classes], targets),
    offsets: float32([n, classes], offsets),
    weights: float32(
      [n],
      Float32Array.from({ length: n }, () => 0.5 + draw.uniform()),
    ),
    penalty,
  };
}

/** The slope by hand, in float64: of weights, then of biases. */
function slopeOf(
  { rows, targets, offsets, weights, penalty }: LogisticProblem,
  weight: Float32Array,
  bias: Float32Array,
): { weight: number[]; bias: number[] } {
  const slopes = { weight: Array.from(weight, (w) => penalty * w), bias: new Array<number>(classes).fill(0) };
  for (let i = 0; i < n; i++) {
    const logits = Array.from({ length: classes }, (_, c) => {
      let total = bias[c]! + offsets.data[i * classes + c]!;
      for (let k = 0; k < width; k++) total += weight[c * width + k]! * rows.data[i * width + k]!;
      return total;
    });
    const most = Math.max(...logits);
    const powers = logits.map((x) => Math.exp(x - most));
    const total = powers.reduce((a, b) => a + b, 0);
    powers.forEach((power, c) => {
      const error = weights.data[i]! * (power / total - targets.data[i * classes + c]!);
      slopes.bias[c]! += error;
      for (let k = 0; k < width; k++) slopes.weight[c * width + k]! += error * rows.data[i * width + k]!;
    });
  }
  return slopes;
}

test.each([0.1, 1, 30])('the slope vanishes at a penalty of %s', async (penalty) => {
  const given = problem(penalty);
  const { weight, bias, steps } = await fitLogistic(given, 1);
  expect(weight.shape).toEqual([classes, width]);
  expect(steps).toBeLessThan(500);
  const start = slopeOf(given, new Float32Array(classes * width), new Float32Array(classes));
  const end = slopeOf(given, weight.data, bias.data);
  const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs));
  expect(largest(end.weight)).toBeLessThan(0.01 * largest(start.weight));
  expect(largest(end.bias)).toBeLessThan(0.02 * largest(start.bias));
});

test('a larger penalty gives smaller weights', async () => {
  const norms = await Promise.all(
    [1, 100].map(async (penalty) => Math.hypot(...(await fitLogistic(problem(penalty), 1)).weight.data)),
  );
  expect(norms[1]!).toBeLessThan(0.5 * norms[0]!);
});
