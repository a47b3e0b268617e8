// Training of heads: it learns, repeats itself to the byte, and resumes as if it had not been stopped.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initialize } from 'mien-engine';
import { float32, randomStream, type Tensor } from 'mien-engine/base';
import { trainHead, type HeadTask, type HeadTrainingOptions } from '../../src/train/head-task.js';
import { createPredictionSession, headParameters, type Items } from '../../src/train/head-graph.js';
import type { HeadName } from '../../src/heads/heads.js';

const WIDTH = 6;
const N = 200;

/** Items whose label is the exclusive or of a bit in the text and a bit in the face: no modality alone can tell. */
function exclusiveOr() {
  const draw = randomStream(3, 'data');
  const table = () => Float32Array.from({ length: N * WIDTH }, () => draw.normal() * 0.3);
  const [text, face] = [table(), table()];
  const labels = Uint8Array.from({ length: N }, (_, i) => {
    const [a, b] = [draw.integer(2), draw.integer(2)];
    text[i * WIDTH]! += 2 * a - 1;
    face[i * WIDTH]! += 2 * b - 1;
    return a ^ b;
  });
  return { text: float32([N, WIDTH], text), face: float32([N, WIDTH], face), labels };
}

const data = exclusiveOr();
const rows = (order: ArrayLike<number>): Items => {
  const index = Int32Array.from(order);
  return { text: index, face: index, labels: Array.from(index, (i) => data.labels[i]!) };
};
const first = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

const accuracy = (logits: Tensor<'float32'>, labels: ArrayLike<number>): number => {
  let hits = 0;
  for (let i = 0; i < labels.length; i++)
    if (Number(logits.data[2 * i + 1]! > logits.data[2 * i]!) === labels[i]) hits++;
  return hits / labels.length;
};

const task = (head: HeadName = 'gated'): HeadTask => ({
  head,
  sizes: { width: 8, hidden: 8, labels: 2 },
  widths: { text: WIDTH, face: WIDTH },
  batchSize: 16,
  features: head === 'text' ? { text: data.text } : { text: data.text, face: data.face },
  draw: (epoch) => rows(randomStream(0, 'shuffle', epoch).permutation(150)),
  validation: rows(first(150, N)),
  select: accuracy,
});

const options: HeadTrainingOptions = {
  seed: 1,
  threads: 1,
  epochs: { max: 12, patience: 12 },
  optimizer: {
    name: 'adam',
    learningRate: 0.02,
    momentum: 0,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    clipNorm: null,
    schedule: { name: 'constant', warmup: 0 },
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-train-'));
});
afterAll(() => rm(folder, { recursive: true }));

const best = (history: readonly { validation: number }[]) =>
  Math.max(...history.map(({ validation }) => validation));

test('fusion learns what neither modality can', async () => {
  const fused = await trainHead(task('concatenation'), { ...options, epochs: { max: 30, patience: 30 } });
  expect(best(fused.history)).toBeGreaterThan(0.95);
  const lowRank = await trainHead(task('low-rank'), { ...options, epochs: { max: 30, patience: 30 } });
  expect(best(lowRank.history)).toBeGreaterThan(0.95);
  const text = await trainHead(task('text'), { ...options, epochs: { max: 30, patience: 30 } });
  expect(best(text.history)).toBeLessThan(0.75);
});

test('the same seed gives the same bytes, another seed others', async () => {
  const [a, b, other] = [
    await trainHead(task(), options),
    await trainHead(task(), options),
    await trainHead(task(), { ...options, seed: 2 }),
  ];
  expect(b.parameters).toEqual(a.parameters);
  expect(other.parameters).not.toEqual(a.parameters);
});

test('the last, smaller batch counts each item once', async () => {
  // Full-batch descent must not depend on how the batch is filled up.
  const whole = (batchSize: number): HeadTask => ({
    ...task(),
    batchSize,
    draw: () => rows(first(0, 150)),
  });
  const settings = {
    ...options,
    epochs: { max: 2, patience: 2 },
    optimizer: { ...options.optimizer, name: 'sgd' as const },
  };
  const exact = await trainHead(whole(150), settings);
  const filled = await trainHead(whole(160), settings);
  expect(filled.history[1]!.loss).toBeCloseTo(exact.history[1]!.loss, 5);
  expect(filled.history[1]!.accuracy).toBeCloseTo(exact.history[1]!.accuracy, 6);
});

test('patience ends a run, and the best epoch is kept', async () => {
  const values = [0.1, 0.5, 0.4, 0.5, 0.2, 0.9];
  let call = 0;
  const run = await trainHead(
    { ...task(), select: () => values[call++]! },
    { ...options, epochs: { max: 6, patience: 3 } },
  );
  expect(run.history.map(({ validation }) => validation)).toEqual([0.1, 0.5, 0.4, 0.5, 0.2]);
  expect(run.bestEpoch).toBe(2);
});

test('a run that was stopped and resumed ends with the same bytes', async () => {
  const uninterrupted = await trainHead(task(), options);
  const path = join(folder, 'resume');
  const stop = new AbortController();
  const stopping: HeadTask = {
    ...task(),
    draw: (epoch) => {
      if (epoch === 5) stop.abort();
      return task().draw(epoch);
    },
  };
  await expect(trainHead(stopping, { ...options, folder: path, signal: stop.signal })).rejects.toMatchObject({
    code: 'interrupted',
  });
  const resumed = await trainHead(task(), { ...options, folder: path });
  expect(resumed.parameters).toEqual(uninterrupted.parameters);
  expect(resumed.history.map((record) => ({ ...record, seconds: 0 }))).toEqual(
    uninterrupted.history.map((record) => ({ ...record, seconds: 0 })),
  );
  const log = (await readFile(join(path, 'log.jsonl'), 'utf8')).trim().split('\n');
  const entries = log.map((line) => JSON.parse(line) as { kind: string; epoch: number });
  const epochs = entries.filter(({ kind }) => kind === 'epoch');
  expect(epochs.map(({ epoch }) => epoch)).toEqual(first(1, 13));
});

test('a checkpoint from before heads and encoders shared a loop resumes to the same bytes', async () => {
  const uninterrupted = await trainHead(task(), options);
  const path = join(folder, 'earlier');
  const stop = new AbortController();
  const stopping: HeadTask = {
    ...task(),
    draw: (epoch) => {
      if (epoch === 2) stop.abort();
      return task().draw(epoch);
    },
  };
  await expect(trainHead(stopping, { ...options, folder: path, signal: stop.signal })).rejects.toThrow();
  // Its tensors had the same names; its record was the best epoch and the history.
  const file = join(path, 'checkpoint.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as {
    record: { best: { epoch: number }; log: ({ kind: string; score: number } & Record<string, number>)[] };
  };
  const { best: kept, log } = manifest.record;
  const history = log
    .filter(({ kind }) => kind === 'epoch')
    .map(({ epoch, loss, accuracy, score, seconds }) => ({
      epoch,
      loss,
      accuracy,
      validation: score,
      seconds,
    }));
  expect(history.length).toBe(3);
  await writeFile(file, JSON.stringify({ ...manifest, record: { bestEpoch: kept.epoch, history } }));

  const resumed = await trainHead(task(), { ...options, folder: path });
  expect(resumed.parameters).toEqual(uninterrupted.parameters);
  expect(resumed.bestEpoch).toBe(uninterrupted.bestEpoch);
  const timeless = (records: typeof resumed.history) => records.map((record) => ({ ...record, seconds: 0 }));
  expect(timeless(resumed.history)).toEqual(timeless(uninterrupted.history));
});

test('a checkpoint of another run, or a damaged one, is refused', async () => {
  const path = join(folder, 'foreign');
  const short = { ...options, epochs: { max: 1, patience: 1 }, folder: path };
  await trainHead(task(), { ...short, fingerprint: 'a' });
  await expect(trainHead(task(), { ...short, fingerprint: 'b' })).rejects.toMatchObject({
    code: 'checkpoint',
  });
  const file = join(path, 'state-000010.safetensors');
  const bytes = await readFile(file);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(file, bytes);
  await expect(trainHead(task(), { ...short, fingerprint: 'a' })).rejects.toThrow(
    /state-000010\.safetensors/,
  );
});

test('a loss that is not finite stops with the step and advice', async () => {
  const optimizer = { ...options.optimizer, name: 'sgd' as const, learningRate: 1e38 };
  await expect(trainHead(task(), { ...options, optimizer })).rejects.toThrow(
    /no longer finite at step \d+ \(epoch \d+\)\nLower optimizer.learningRate/,
  );
});

test.each([false, true])(
  'items that share texts and faces are predicted as each alone (incomplete: %s)',
  async (incomplete) => {
    const options = { ...task(), incomplete };
    const session = await createPredictionSession(options, 1);
    const parameters = initialize(headParameters(options), 4);
    const absent = incomplete ? -1 : 2;
    const items = { text: Int32Array.of(5, 5, 7, absent, 5, 7), face: Int32Array.of(3, 9, 3, 3, absent, 9) };
    try {
      const all = await session.run(parameters, options.features, items);
      expect(await session.logits(parameters, options.features, items)).toEqual(all.logits);
      for (const [i, text] of items.text.entries()) {
        const alone = { text: Int32Array.of(text), face: Int32Array.of(items.face[i]!) };
        const { data } = await session.logits(parameters, options.features, alone);
        data.forEach((value, k) => expect(all.logits.data[2 * i + k]).toBeCloseTo(value, 5));
      }
    } finally {
      await session.dispose();
    }
  },
);
