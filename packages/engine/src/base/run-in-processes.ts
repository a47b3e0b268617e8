// Runs a list of tasks in child processes, one task at a time in each.
import { MienError } from './errors.js';
import type { ModuleFile } from './module-file.js';
import { startProcessPool } from './process-pool.js';

export interface RunInProcessesOptions<Setup, Task, Note> {
  /** As for `startProcessPool`. */
  readonly module: ModuleFile;
  readonly setup: Setup;
  /** Maximum number of processes; each runs one task at a time. */
  readonly processes: number;
  /** When aborted, no further task starts, and running ones are stopped. */
  readonly signal?: AbortSignal | undefined;
  /** How running tasks are stopped: by their signal, waiting for them (the default), or by killing the processes. */
  readonly stopping?: 'wait' | 'kill';
  /** Called with each note that a task sends while it runs. */
  readonly onNote?: (task: Task, note: Note) => void;
  readonly onDone?: (task: Task) => void;
}

/**
 * Runs all tasks in processes that end with the last task; the first failure stops the others.
 * @returns the results in the order of the tasks.
 * @throws MienError `interrupted` if the signal is aborted before all are done, and as `startProcessPool` and its `run` do.
 */
export async function runInProcesses<Setup, Task, Result, Note = never>(
  tasks: readonly Task[],
  options: RunInProcessesOptions<Setup, Task, Note>,
): Promise<Result[]> {
  if (tasks.length === 0) return [];
  const { module, setup, stopping = 'wait', onNote, onDone } = options;
  const processes = Math.min(options.processes, tasks.length);
  const pool = await startProcessPool<Setup, Task, Result, undefined, Note>({ module, setup, processes });
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, options.signal].filter((one) => one !== undefined));
  if (stopping === 'kill') signal.addEventListener('abort', () => void pool.close(), { once: true });
  const results = new Array<Result>(tasks.length);
  const remaining = tasks.entries();
  let done = 0;
  let failure: unknown;
  const work = async (): Promise<void> => {
    try {
      // All workers take tasks from the same iterator.
      for (const [i, task] of remaining) {
        if (signal.aborted) return;
        results[i] = await pool.run(task, { signal, onNote: (note) => onNote?.(task, note) });
        done++;
        onDone?.(task);
      }
    } catch (error) {
      // Killed processes reject their tasks, which is no failure.
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
  if (done < tasks.length)
    throw new MienError('interrupted', `stopped after ${done} of ${tasks.length} tasks`, {
      hint: 'Run the same command again.',
    });
  return results;
}
