// Runs training tasks on several child processes, each with features of its own and one thread.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { forkModule } from 'mien-engine/node';
import { moduleInPackage } from '../base/package.js';
import { MienError } from 'mien-engine/base';
import type { FromWorker, Task, ToWorker, WorkerSetup } from './worker.js';

export interface PoolOptions {
  readonly workers: number;
  readonly signal?: AbortSignal;
  /** A task has begun, finished an epoch, ended. */
  readonly onEpoch?: (task: Task, line: string) => void;
  readonly onDone?: (task: Task) => void;
}

/**
 * Runs all tasks; the first failure stops the others, whose finished epochs are kept.
 * @throws MienError what a task failed with, or `interrupted` when the signal is given.
 */
export async function runTasks(
  setup: WorkerSetup,
  tasks: readonly Task[],
  options: PoolOptions,
): Promise<void> {
  const queue = [...tasks];
  const { workers, signal } = options;
  const children = Array.from({ length: Math.min(workers, queue.length) }, () =>
    forkModule(moduleInPackage('experiments/worker')),
  );
  const stop = (): void => children.forEach((child) => tell(child, { stop: true }));
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const work = children.map(async (child) => {
      await ask(child, { setup }, () => undefined);
      for (let task = queue.shift(); task && !signal?.aborted; task = queue.shift()) {
        const current = task;
        await ask(child, { task }, (line) => options.onEpoch?.(current, line));
        options.onDone?.(current);
      }
    });
    const outcomes = await Promise.allSettled(
      work.map((one) =>
        one.catch((error: unknown) => {
          queue.length = 0;
          stop();
          throw error;
        }),
      ),
    );
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    // A worker that was stopped because another failed says "interrupted"; the cause is what counts.
    const cause =
      failures.find((error) => !(error instanceof MienError && error.code === 'interrupted')) ?? failures[0];
    if (cause !== undefined) throw cause as Error;
    if (signal?.aborted)
      throw new MienError('interrupted', 'stopped between two runs', {
        hint: 'Run the same command again to go on.',
      });
  } finally {
    signal?.removeEventListener('abort', stop);
    children.forEach((child) => child.kill());
  }
}

const tell = (child: ChildProcess, message: ToWorker): void => {
  if (child.connected) child.send(message);
};

/** Sends a message and waits until the worker is done with it. */
async function ask(child: ChildProcess, message: ToWorker, onEpoch: (line: string) => void): Promise<void> {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(
    ([code, signalName]: (string | number | null)[]) => {
      throw new Error(`a training process ended unexpectedly (${signalName ?? `code ${code}`})`);
    },
  );
  const answer = new Promise<void>((resolve, reject) => {
    const listen = (reply: FromWorker): void => {
      if ('epoch' in reply) return onEpoch(reply.epoch);
      child.off('message', listen);
      if ('failed' in reply) reject(revive(reply.failed));
      else resolve();
    };
    child.on('message', listen);
  });
  tell(child, message);
  try {
    await Promise.race([answer, exit]);
  } finally {
    ended.abort();
    exit.catch(() => undefined);
  }
}

function revive({ code, message, stack }: Extract<FromWorker, { failed: unknown }>['failed']): Error {
  const error = code === undefined ? new Error(message) : new MienError(code, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
