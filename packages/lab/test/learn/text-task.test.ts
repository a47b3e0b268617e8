// Training on several corpora: a step on a small BERT moves what it should and nothing else.
import { beforeAll, expect, test } from 'vitest';
import { initialize, type Tensors } from 'mien-engine';
import { bertConfig } from '../../src/encoders/bert.js';
import { textLearnSettings } from '../../src/learn/settings.js';
import { textTrainee, TRAINED_ROWS, withRowsInPlace, withTrainedRows } from '../../src/learn/text-model.js';
import { textTask } from '../../src/learn/text-task.js';
import { createStepSession, initialState, traineeParameters, weightsOf } from '../../src/train/step.js';
import { bertTinyConfig } from '../../../../test/support/pretrained.js';

const settings = textLearnSettings.parse({
  batchSize: 4,
  stepsPerRun: 1,
  epochs: 1,
  dropout: 0,
  labelSmoothing: 0,
  averageDecay: 0,
  from: 'encoder.layer.1',
  adjustment: 1,
  fine: 0.5,
  trainedRows: 20,
  maxTokens: 12,
  optimizer: { learningRate: 1e-2, weightDecay: 0, warmup: 0 },
});
const WORDS = 'embeddings.word_embeddings.weight';
const config = bertConfig({ ...bertTinyConfig, vocab_size: 60 });
const model = { config, pooling: 'mean' as const, classes: 3, fine: 2, trainedRows: 20 };
// Label 2 is out of the only corpus that is trained on; label 1 of the fine ones does not occur.
const corpora = [
  { name: 'a', evidence: [1, 1, 0], repeat: 1, score: 1 },
  { name: 'b', evidence: [1, 1, 1], repeat: 0, score: 1 },
];
const texts = [
  [2, 7, 30, 3],
  [2, 8, 3],
  [2, 31, 32, 33, 3],
].map((ids) => Int32Array.from(ids));
const set = { texts, labels: [[0], [1], [0, 1]], corpus: [0, 0, 0], fine: [[0], [], []] };

let before: Tensors;
let after: Tensors;
let task: ReturnType<typeof textTask>;
beforeAll(async () => {
  const { specs } = traineeParameters(textTrainee(model, settings, 12), () => true);
  const drawn = initialize(specs, 1);
  before = withTrainedRows(drawn, 20);
  const validation = { ...set, corpus: [0, 1, 1], labels: [[0], [2], [1]] };
  task = textTask(model, before, settings, corpora, { ...set, weights: [1, 1, 1] }, validation, 1);
  const [planned] = task.plan(0);
  const trainee = task.trainee(planned!.shape);
  const session = await createStepSession(trainee, { ...task, threads: 1 });
  const result = await session.run(initialState(trainee, task), task.batches(0, 0));
  await session.dispose();
  expect(result.losses.every(Number.isFinite)).toBe(true);
  after = weightsOf(result.state, before);
});

const changed = (name: string, from: number, to: number): boolean => {
  const [a, b] = [before[name]!.data, after[name]!.data] as [Float32Array, Float32Array];
  return a.subarray(from, to).some((value, i) => value !== b[from + i]);
};

test('a label that the corpus cannot give gets no gradient; the others do', () => {
  const width = config.width;
  expect(changed('classifier.weight', 0, 2 * width)).toBe(true);
  expect(changed('classifier.weight', 2 * width, 3 * width)).toBe(false);
  expect(changed('classifier.bias', 2, 3)).toBe(false);
  expect(changed('fine_classifier.weight', 0, width)).toBe(true);
});

test('of the word table, the first rows that occur are trained, and written back to their places', () => {
  const width = config.width;
  expect(changed(TRAINED_ROWS, 7 * width, 8 * width)).toBe(true);
  expect(changed(TRAINED_ROWS, 9 * width, 20 * width)).toBe(false);
  expect(after[WORDS]!.data).toEqual(before[WORDS]!.data);
  const placed = withRowsInPlace(after);
  expect(placed[TRAINED_ROWS]).toBeUndefined();
  const [rows, table] = [after[TRAINED_ROWS]!.data, placed[WORDS]!.data] as [Float32Array, Float32Array];
  expect(table.subarray(0, rows.length)).toEqual(rows);
  expect(table.subarray(rows.length)).toEqual((before[WORDS]!.data as Float32Array).subarray(rows.length));
});

test('parts before the first trained one do not change, and an unused corpus is validated on', async () => {
  expect(after['encoder.layer.0.output.dense.weight']).toEqual(before['encoder.layer.0.output.dense.weight']);
  expect(changed('encoder.layer.1.output.dense.weight', 0, 100)).toBe(true);
  const { score, details } = await task.validate(after, 0);
  expect(Object.keys(details).sort()).toEqual(['a', 'a f1', 'b', 'b f1', 'fine']);
  expect(score).toBeCloseTo((details['a']! + details['b']!) / 2, 6);
});

test('a text is trained on in the spelling of its epoch', () => {
  const variant = (item: number, epoch: number): Int32Array | undefined =>
    item === 1 && epoch === 1 ? Int32Array.from([2, 9, 9, 9, 3]) : undefined;
  const twice = { ...settings, epochs: 2 };
  const { batches } = textTask(
    model,
    before,
    twice,
    corpora,
    { ...set, weights: [1, 1, 1], variant },
    set,
    1,
  );
  const met = (epoch: number): boolean => (batches(epoch, 0)['ids']!.data as Int32Array).includes(9);
  expect([met(0), met(1)]).toEqual([false, true]);
});
