// A model small enough to train in no time: softmax regression on four numbers, with a running mean of its inputs.
import {
  adamW,
  add,
  argMax,
  cast,
  equal,
  float32,
  int32,
  linear,
  mean,
  mul,
  type Optimizer,
  randomStream,
  softCrossEntropy,
  sum,
  type Tensors,
  type Value,
} from 'mien-engine';
import type { TrainingTask } from '../../src/train/loop.js';
import type { Trainee } from '../../src/train/step.js';

export const BATCH = 8;
const WIDTH = 4;
const CLASSES = 3;
const STEPS = 5;

export const trainee: Trainee = {
  batch: {
    x: { dtype: 'float32', shape: [BATCH, WIDTH] },
    targets: { dtype: 'float32', shape: [BATCH, CLASSES] },
    seed: { dtype: 'int32', shape: [] },
  },
  build: (p, batch) => {
    const { x, targets } = batch as Record<string, Value>;
    const logits = linear(p, 'classifier', linear(p, 'frozen', x!, WIDTH), CLASSES);
    const running = p.get('running', [WIDTH]);
    return {
      loss: softCrossEntropy(logits, targets!),
      hits: sum(cast(equal(argMax(logits), argMax(targets!)), 'float32')),
      statistics: { running: add(mul(running, 0.9), mul(mean(x!, [0]), 0.1)) },
    };
  },
};

const draw = randomStream(5, 'tiny');
const normal = (n: number): Float32Array => Float32Array.from({ length: n }, () => draw.normal());

export const weights: Tensors = {
  'frozen.weight': float32([WIDTH, WIDTH], normal(WIDTH * WIDTH)),
  'frozen.bias': float32([WIDTH], normal(WIDTH)),
  'classifier.weight': float32([CLASSES, WIDTH], normal(CLASSES * WIDTH)),
  'classifier.bias': float32([CLASSES], normal(CLASSES)),
  running: float32([WIDTH], [0, 0, 0, 0]),
};

export const isTrained = (name: string): boolean => name.startsWith('classifier.');

/** Batches whose label is that of the largest of the first three numbers. */
export function batchesOf(steps: number, seed: number): Tensors {
  const stream = randomStream(seed, 'batches');
  const x = Float32Array.from({ length: steps * BATCH * WIDTH }, () => stream.normal());
  const targets = new Float32Array(steps * BATCH * CLASSES);
  for (let i = 0; i < steps * BATCH; i++) {
    const row = [...x.subarray(i * WIDTH, i * WIDTH + CLASSES)];
    targets[i * CLASSES + row.indexOf(Math.max(...row))] = 1;
  }
  return {
    x: float32([steps, BATCH, WIDTH], x),
    targets: float32([steps, BATCH, CLASSES], targets),
    seed: int32([steps], new Int32Array(steps)),
  };
}

export const optimizer = (learningRate = 0.05): Optimizer => adamW({ learningRate, weightDecay: 0.01 });

/** Two runs of five steps an epoch; the score of an epoch is what `scores` says. */
export const tinyTask = (scores: readonly number[], over: Partial<TrainingTask> = {}): TrainingTask => ({
  epochs: scores.length,
  weights,
  isTrained,
  optimizer: optimizer(),
  averageDecay: 0.9,
  trainee: () => trainee,
  plan: () => [
    { shape: 'a', steps: STEPS, items: STEPS * BATCH },
    { shape: 'b', steps: STEPS, items: STEPS * BATCH },
  ],
  batches: (epoch, run) => batchesOf(STEPS, 2 * epoch + run),
  validate: (_weights, epoch) => Promise.resolve({ score: scores[epoch]!, details: {} }),
  ...over,
});
