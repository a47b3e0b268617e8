// A list of tasks in processes that end with it: one at a time in each, and all are answered or none.
import { MienError } from './errors.js';
import type { ModuleFile } from './module-file.js';
import { startProcessPool } from './process-pool.js';

export interface RunInProcessesOptions<Setup, Task, Note> {
  /** As for `startProcessPool`. */
  readonly module: ModuleFile;
  readonly setup: Setup;
  /** How many, at most: each computes one task at a time. */
  readonly processes: number;
  /** When it is given no further task begins, and those that have begun are stopped. */
  readonly signal?: AbortSignal | undefined;
  /** How tasks are stopped: they are told and waited for (the default), or their processes are killed. */
  readonly stopping?: 'wait' | 'kill';
  /** What a task says before it is done. */
  readonly onNote?: (task: Task, note: Note) => void;
  readonly onDone?: (task: Task) => void;
}

/**
 * The answers to all tasks, in their order, from processes that end with the last. The first failure stops the others.
 * @throws MienError `interrupted` when the signal is given, and as `startProcessPool` and its `run` do.
 */
export async function runInProcesses<Setup, Task, Answer, Note = never>(
  tasks: readonly Task[],
  options: RunInProcessesOptions<Setup, Task, Note>,
): Promise<Answer[]> {
  if (tasks.length === 0) return [];
  const { module, setup, stopping = 'wait', onNote, onDone } = options;
  const processes = Math.min(options.processes, tasks.length);
  const pool = await startProcessPool<Setup, Task, Answer, undefined, Note>({ module, setup, processes });
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, options.signal].filter((one) => one !== undefined));
  if (stopping === 'kill') signal.addEventListener('abort', () => void pool.close(), { once: true });
  const answers = new Array<Answer>(tasks.length);
  const left = tasks.entries();
  let answered = 0;
  let failure: unknown;
  const work = async (): Promise<void> => {
    try {
      // An iterator that all take from.
      for (const [i, task] of left) {
        if (signal.aborted) return;
        answers[i] = await pool.run(task, { signal, onNote: (note) => onNote?.(task, note) });
        answered++;
        onDone?.(task);
      }
    } catch (error) {
      // Of processes that are killed, that they ended is no news.
      if (stopping === 'wait' || !signal.aborted) failure ??= error;
      failed.abort();
    }
  };
  try {
    await Promise.all(Array.from({ length: processes }, work));
  } finally {
    await pool.close();
  }
  if (failure !== undefined) throw failure as Error;
  if (answered < tasks.length)
    throw new MienError('interrupted', `stopped after ${answered} of ${tasks.length} tasks`, {
      hint: 'Run the same command again.',
    });
  return answers;
}
