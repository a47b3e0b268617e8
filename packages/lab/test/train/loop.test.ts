// The loop: resumes to the byte wherever it was stopped, keeps the best epoch, stops in time, and says when it diverges.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesOf, float32, linear, type MienError, type Tensors } from 'mien-engine';
import { readSafetensorsFile } from 'mien-engine/node';
import { train, type TrainingOptions, type TrainingTask } from '../../src/train/loop.js';
import { optimizer, tinyTask, trainee, weights } from './tiny.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-learn-'));
});
afterAll(() => rm(root, { recursive: true }));

const options = (name: string, over: Partial<TrainingOptions> = {}): TrainingOptions => ({
  folder: join(root, name),
  fingerprint: 'a',
  patience: 9,
  checkpointSeconds: 0,
  threads: 1,
  ...over,
});
const bytes = (tensors: Tensors): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, value]) => [name, Buffer.from(bytesOf(value)).toString('hex')]),
  );
const rising = [0.1, 0.2, 0.3];

/** Stops before the nth run of the training. */
function stoppedBefore(task: TrainingTask, n: number): { task: TrainingTask; signal: AbortSignal } {
  const controller = new AbortController();
  let runs = 0;
  const batches: TrainingTask['batches'] = (epoch, run) => {
    if (++runs === n) controller.abort();
    return task.batches(epoch, run);
  };
  return { task: { ...task, batches }, signal: controller.signal };
}

test('interrupted at any run, it ends with the same bytes', async () => {
  const whole = await train(tinyTask(rising), options('whole'));
  for (let n = 1; n <= 6; n++) {
    const { task, signal } = stoppedBefore(tinyTask(rising), n);
    const first = train(task, options(`stopped ${n}`, { signal }));
    // The last run is not followed by another place to stop at.
    if (n < 6) await expect(first).rejects.toMatchObject({ code: 'interrupted' });
    else await first;
    const resumed = await train(tinyTask(rising), options(`stopped ${n}`));
    expect(bytes(resumed.weights)).toEqual(bytes(whole.weights));
    expect(resumed.bestEpoch).toBe(3);
  }
  const log = (await readFile(join(root, 'whole', 'log.jsonl'), 'utf8')).trim().split('\n');
  const entries = log.map((line) => JSON.parse(line) as { kind: string; step?: number });
  expect(entries.map(({ kind }) => kind).join(' ')).toBe('run run epoch run run epoch run run epoch');
  expect(entries.filter(({ kind }) => kind === 'run').map(({ step }) => step)).toEqual([
    5, 10, 15, 20, 25, 30,
  ]);
});

test('names in checkpoints stay: checkpoints of earlier versions resume', async () => {
  const { task, signal } = stoppedBefore(tinyTask(rising), 4);
  await expect(train(task, options('names', { signal }))).rejects.toThrow(
    /step 20 \(epoch 2\)|step 20 \(epoch 3\)/,
  );
  const file = join(root, 'names', 'checkpoint.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { record: object };
  const { tensors } = await readSafetensorsFile(join(root, 'names', 'state-000020.safetensors'));
  const changing = ['classifier.bias', 'classifier.weight', 'running'];
  const trained = ['classifier.bias', 'classifier.weight'];
  expect(Object.keys(tensors).sort()).toEqual(
    [
      ...changing.flatMap((name) => [`best ${name}`, `training ${name}`, `training average ${name}`]),
      ...trained.flatMap((name) => [`training sum ${name}`, `training squares ${name}`]),
      'training step',
    ].sort(),
  );
  // Records once counted the steps, as the state does.
  await writeFile(file, JSON.stringify({ ...manifest, record: { ...manifest.record, steps: 20 } }));
  const resumed = await train(tinyTask(rising), options('names'));
  expect(bytes(resumed.weights)).toEqual(
    bytes((await train(tinyTask(rising), options('unstopped'))).weights),
  );
});

test('a finished training is not repeated', async () => {
  await train(tinyTask(rising), options('finished'));
  const never = tinyTask(rising, {
    batches: () => {
      throw new Error('asked for batches');
    },
  });
  expect((await train(never, options('finished'))).bestEpoch).toBe(3);
});

test('the best epoch is kept, and training stops when no better one comes', async () => {
  const scores = [0.1, 0.6, 0.2, 0.3, 0.9];
  const stopped = await train(tinyTask(scores), options('patience', { patience: 2 }));
  expect(stopped.bestEpoch).toBe(2);
  expect(stopped.epochs.map(({ score }) => score)).toEqual([0.1, 0.6, 0.2, 0.3]);
  const two = await train(tinyTask(scores.slice(0, 2)), options('two'));
  expect(bytes(stopped.weights)).toEqual(bytes(two.weights));
});

test('the weights before training are kept if no epoch is better, also after a stop', async () => {
  const validated = (score: number, of: TrainingTask): TrainingTask => ({
    ...of,
    validatesStart: true,
    validate: (now, epoch) =>
      now === of.weights ? Promise.resolve({ score, details: {} }) : of.validate(now, epoch),
  });
  const kept = await train(validated(0.8, tinyTask([0.1, 0.6, 0.2])), options('start'));
  expect(kept.bestEpoch).toBe(0);
  expect(bytes(kept.weights)).toEqual(bytes(weights));
  const better = await train(validated(0.5, tinyTask([0.1, 0.6, 0.2])), options('start-worse'));
  expect(better.bestEpoch).toBe(2);
  const { task, signal } = stoppedBefore(validated(0.8, tinyTask([0.1, 0.6, 0.2])), 4);
  await expect(train(task, options('start-stopped', { signal }))).rejects.toThrow(/step/);
  const resumed = await train(validated(0.8, tinyTask([0.1, 0.6, 0.2])), options('start-stopped'));
  expect(resumed.bestEpoch).toBe(0);
  expect(bytes(resumed.weights)).toEqual(bytes(weights));
});

test('a loss that is not finite stops with the step and advice; the checkpoint remains valid', async () => {
  const task = tinyTask(rising);
  const poisoned = tinyTask(rising, {
    batches: (epoch, run) => {
      const batches = task.batches(epoch, run);
      if (epoch < 1) return batches;
      const x = (batches['x']!.data as Float32Array).slice();
      x[3 * 8 * 4] = NaN;
      return { ...batches, x: float32(batches['x']!.shape, x) };
    },
  });
  const error = await train(poisoned, options('poisoned')).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'diverged', message: expect.stringContaining('step 14') as string });
  expect((error as MienError).hint).toContain('optimizer.learningRate');
  const recovered = await train(task, options('poisoned'));
  expect(bytes(recovered.weights)).toEqual(bytes((await train(task, options('clean'))).weights));
});

test('a state that is not finite although its loss was is not kept', async () => {
  // The last step of a run blows up: the loss before it is finite, and the next run's is not.
  const wild = tinyTask(rising, { optimizer: optimizer(1e38) });
  await expect(train(wild, options('wild'))).rejects.toMatchObject({ code: 'diverged' });
  const fine = await train(tinyTask(rising), options('wild'));
  expect(fine.bestEpoch).toBe(3);
});

test('a checkpoint of another run is refused, and of another model with what differs', async () => {
  await train(tinyTask(rising.slice(0, 1)), options('other'));
  await expect(train(tinyTask(rising), options('other', { fingerprint: 'b' }))).rejects.toMatchObject({
    code: 'checkpoint',
    message: expect.stringContaining('another configuration') as string,
  });
  const wider = tinyTask(rising, {
    trainee: () => ({
      ...trainee,
      build: (p, batch) => {
        const result = trainee.build(p, batch);
        linear(p, 'classifier.extra', batch['x']!, 2);
        return result;
      },
    }),
    weights: {
      ...weights,
      'classifier.extra.weight': float32([2, 4], new Float32Array(8)),
      'classifier.extra.bias': float32([2], [0, 0]),
    },
  });
  await expect(train(wider, options('other', { fingerprint: 'b' }))).rejects.toThrow(
    /classifier\.extra\.weight is missing there and \[2, 4\] here/,
  );
});

test('damaged checkpoints are refused by name', async () => {
  await train(tinyTask(rising), options('damaged'));
  const state = join(root, 'damaged', 'state-000030.safetensors');
  const content = await readFile(state);
  content[content.length - 1]! ^= 1;
  await writeFile(state, content);
  await expect(train(tinyTask(rising), options('damaged'))).rejects.toThrow(/state-000030\.safetensors/);
  await writeFile(join(root, 'damaged', 'checkpoint.json'), '{"format": "mien-che');
  await expect(train(tinyTask(rising), options('damaged'))).rejects.toMatchObject({ code: 'checkpoint' });
});
