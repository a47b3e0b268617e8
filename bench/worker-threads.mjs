// Where ONNX Runtime crashes in worker threads: each case in a process of its own, with the way it ended.
import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, URL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const MODEL = fileURLToPath(new URL('../models/lite/text.onnx', import.meta.url));
const RUNS = 20;

async function compute(runs, release = true) {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(MODEL, { intraOpNumThreads: 1 });
  for (let run = 0; run < runs; run++)
    await session.run({
      ids: new Tensor(
        'int32',
        Int32Array.from({ length: 24 }, (_, i) => 2000 + i),
        [1, 24],
      ),
    });
  if (release) await session.release();
  return session;
}

const thread = (runs, release) => new Worker(new URL(import.meta.url), { workerData: { runs, release } });
const event = (worker, name) => new Promise((resolve) => worker.once(name, resolve));
/** Two threads that have answered, and wait for messages. */
const ready = async (release) => {
  const threads = [thread(RUNS, release), thread(RUNS, release)];
  await Promise.all(threads.map((one) => event(one, 'message')));
  return threads;
};

const CASES = {
  'two threads, sessions released, all end by themselves': async () =>
    void (await ready(true)).map((one) => one.postMessage('end')),
  'two threads, sessions not released, all end by themselves': async () =>
    void (await ready(false)).map((one) => one.postMessage('end')),
  'terminate while idle': async () =>
    void (await Promise.all((await ready(false)).map((one) => one.terminate()))),
  'terminate during a run': async () => {
    const one = thread(1e6, true);
    await setTimeout(1500);
    await one.terminate();
  },
  'a thread ends, another starts': async () => {
    for (let i = 0; i < 3; i++) {
      const one = thread(RUNS, true);
      await event(one, 'message');
      one.postMessage('end');
      await event(one, 'exit');
    }
  },
  'sessions in the main thread and in a thread': async () => {
    const [, threads] = await Promise.all([compute(RUNS), ready(true)]);
    await Promise.all(threads.map((one) => one.terminate()));
    await compute(RUNS);
  },
  'process.exit during runs in a thread': async () => {
    thread(1e6, true);
    await setTimeout(1500);
    process.exit(0);
  },
};

if (!isMainThread) {
  await compute(workerData.runs, workerData.release);
  parentPort.postMessage('computed');
  await event(parentPort, 'message');
  parentPort.close();
} else if (process.argv[2]) await CASES[process.argv[2]]();
else
  for (const name of Object.keys(CASES)) {
    const ends = Array.from({ length: 5 }, () => {
      const { status, signal } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name], {
        timeout: 20_000,
      });
      return signal ?? `code ${status}`;
    });
    console.log(`${name}: ${ends.join(', ')}`);
  }
