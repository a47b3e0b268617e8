// A pool of child processes: each task goes to the least busy process, and a process that ends is restarted.
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { defined } from './collections.js';
import { MienError } from './errors.js';
import type { ModuleFile } from './module-file.js';
import type { FromProcess, FromTask, SerializedError, ToProcess } from './serve-tasks.js';

/** A process that ends this often in a row without completing a task is not restarted. */
const MAX_CRASHES = 5;
/** Milliseconds that an idle process has to exit by itself. */
const GRACE_PERIOD = 2000;

/** Threads of each process if these divide the cores among themselves. */
export const threadsPerProcess = (processes: number): number =>
  Math.max(1, Math.floor(availableParallelism() / processes));

/** A process became ready or ended. */
export interface ProcessEvent {
  readonly kind: 'ready' | 'ended';
  readonly pid: number | undefined;
  /** The signal or exit code, if the process ended. */
  readonly how?: string;
  /** Number of processes that are ready. */
  readonly ready: number;
  /** Number of processes that will not be restarted. */
  readonly lost: number;
}

export interface ProcessPoolOptions<Setup> {
  /** The module that the processes run; it calls `serveTasks`. */
  readonly module: ModuleFile;
  readonly processes: number;
  /** Sent to each process before its first task. */
  readonly setup: Setup;
  /** Called when a process becomes ready, or ends while the pool is open. */
  readonly onEvent?: ((event: ProcessEvent) => void) | undefined;
  /** Milliseconds after which a process that has not completed a task is considered stuck and killed; by default never. */
  readonly patience?: number | undefined;
}

interface TaskOptions<Note> {
  /** Aborts the task's own signal in the process; how the task ends then is up to the task. */
  readonly signal?: AbortSignal | undefined;
  /** The amount of work, relative to other tasks; 1 by default. */
  readonly load?: number | undefined;
  /** Called with each note that the task sends while it runs. */
  readonly onNote?: ((note: Note) => void) | undefined;
}

export interface ProcessPool<Task, Result, Info = undefined, Note = never> {
  /** Sent by the first process when it became ready. */
  readonly info: Info;
  /**
   * Tasks, notes and results are sent as structured clones, which preserve typed arrays.
   * @throws MienError `crashed` if the process ends before the result, or none is left; `usage` for a task that cannot be
   *   cloned, and after `close`; `interrupted` if the signal is aborted before the task is sent; errors of the task.
   */
  run(task: Task, options?: TaskOptions<Note>): Promise<Result>;
  /** Ends the processes. Those that still compute are killed, and their tasks reject with `crashed`. */
  close(): Promise<void>;
}

interface Worker<Info> {
  child: ChildProcess;
  /** Tasks in progress, by their id. */
  readonly pending: Map<number, Pending>;
  /** Sum of the loads of the tasks in progress. */
  load: number;
  crashes: number;
  /** `lost`: not restarted any more. */
  state: 'starting' | 'ready' | 'lost';
  ready: Promise<Info>;
}

/** Callbacks of a task in progress. */
interface Pending {
  note(note: unknown): void;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Starts the processes and waits until all are ready. Idle processes do not keep this process alive.
 * @throws MienError `usage` for an invalid number of processes; errors of the module's start.
 */
export async function startProcessPool<Setup, Task, Result, Info = undefined, Note = never>({
  module,
  processes,
  setup,
  onEvent,
  patience,
}: ProcessPoolOptions<Setup>): Promise<ProcessPool<Task, Result, Info, Note>> {
  if (!Number.isInteger(processes) || processes < 1)
    throw new MienError('usage', `processes cannot be ${processes}`, {
      field: 'processes',
      hint: 'Expected a whole number above 0.',
    });
  let closing: Promise<unknown> | undefined;
  let next = 0;

  const report = (kind: ProcessEvent['kind'], { pid }: ChildProcess, how?: string): void => {
    const count = (state: Worker<Info>['state']): number =>
      workers.filter((worker) => worker.state === state).length;
    onEvent?.({ kind, pid, ...defined({ how }), ready: count('ready'), lost: count('lost') });
  };
  const start = (worker: Worker<Info>): void => {
    const child = forkModule(module);
    worker.child = child;
    worker.state = 'starting';
    worker.ready = new Promise<Info>((resolve, reject) => {
      child.on('message', (message: FromProcess) => {
        if (message.kind === 'ready') {
          worker.state = 'ready';
          resolve(message.info as Info);
          report('ready', child);
        } else if (message.kind === 'unready') {
          reject(deserializeError(message.error));
          child.kill('SIGKILL');
        } else settle(worker, message);
      });
      const ended = (how: string): void => {
        const error = crashed(how);
        reject(error);
        for (const task of worker.pending.values()) task.reject(error);
        // Deno keeps the channel of a child that has ended.
        unref(child);
        if (closing) return;
        if (++worker.crashes < MAX_CRASHES) {
          start(worker);
          unrefIfIdle(worker);
        } else worker.state = 'lost';
        report('ended', child, how);
      };
      child.on('exit', (code, signal) => ended(signal ?? `code ${code}`));
      child.on('error', ({ message }) => {
        // A process that could not be started emits no `exit`.
        if (child.pid === undefined) ended(message);
      });
    });
    // Reported by the next `run`.
    worker.ready.catch(() => undefined);
    post(child, { kind: 'setup', setup });
  };
  const workers = Array.from({ length: processes }, () => {
    const worker = { pending: new Map(), load: 0, crashes: 0 } as unknown as Worker<Info>;
    start(worker);
    return worker;
  });
  /** The least busy process, those that are ready first. */
  const choose = (): Worker<Info> => {
    if (closing) throw new MienError('usage', 'the process pool is closed');
    const left = workers.filter(({ state }) => state !== 'lost');
    if (left.length === 0)
      throw new MienError('crashed', `every process of the pool ended ${MAX_CRASHES} times in a row`, {
        hint: 'See their standard error for the reason, then restart the program.',
      });
    const ready = left.filter(({ state }) => state === 'ready');
    return (ready.length > 0 ? ready : left).reduce((a, b) => (b.load < a.load ? b : a));
  };
  const close = async (): Promise<void> => {
    closing ??= Promise.all(workers.map(end));
    await closing;
  };
  const [info] = await Promise.all(workers.map(({ ready }) => ready)).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  workers.forEach(unrefIfIdle);

  const send = ({ child, pending }: Worker<Info>, task: Task, { signal, onNote }: TaskOptions<Note>) =>
    new Promise<Result>((resolve, reject) => {
      const id = next++;
      const abort = (): void => post(child, { kind: 'abort', id });
      const stuck = patience && setTimeout(() => child.kill('SIGKILL'), patience);
      const done = (): void => {
        pending.delete(id);
        signal?.removeEventListener('abort', abort);
        clearTimeout(stuck);
      };
      const fail = (error: Error): void => (done(), reject(error));
      pending.set(id, {
        note: (note) => onNote?.(note as Note),
        resolve: (result) => (done(), resolve(result as Result)),
        reject: fail,
      });
      signal?.addEventListener('abort', abort, { once: true });
      try {
        // The channel may be closed already, before the child's `exit` is emitted.
        post(child, { kind: 'task', id, task }, (cause) => fail(crashed(cause.message, cause)));
      } catch (cause) {
        fail(new MienError('usage', 'the task cannot be sent to another process', { cause }));
      }
    });
  return {
    info: info as Info,
    close,
    async run(task, { load = 1, ...options } = {}) {
      const worker = choose();
      worker.load += load;
      ref(worker.child);
      try {
        await worker.ready;
        if (options.signal?.aborted)
          throw new MienError('interrupted', 'aborted before the task started', {
            cause: options.signal.reason as unknown,
          });
        return await send(worker, task, options);
      } finally {
        worker.load -= load;
        unrefIfIdle(worker);
      }
    },
  };
}

const crashed = (how: string, cause?: unknown): MienError =>
  new MienError('crashed', `a process of the pool ended unexpectedly (${how})`, {
    cause,
    hint: 'It is restarted; try again.',
  });

/** An idle process does not keep its parent alive. */
function unrefIfIdle({ load, child }: Pick<Worker<unknown>, 'load' | 'child'>): void {
  if (load === 0) unref(child);
}

function settle(worker: Worker<unknown>, message: FromTask): void {
  const task = worker.pending.get(message.id);
  if (message.kind === 'note') return task?.note(message.note);
  worker.crashes = 0;
  if (message.kind === 'failed') task?.reject(deserializeError(message.error));
  else task?.resolve(message.result);
}

/** The error of another process. */
function deserializeError({ code, ...fields }: SerializedError): Error {
  const error = code === undefined ? new Error() : new MienError(code, '');
  return Object.assign(error, fields);
}

async function end({ child, state, load }: Worker<unknown>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  if (child.connected) child.disconnect();
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(kill, state === 'ready' && load === 0 ? GRACE_PERIOD : 0);
  await exited;
  clearTimeout(timer);
}

/** Starts a module in a child process, which shares this process's standard error. */
const forkModule = ({ path, execArgv }: ModuleFile): ChildProcess =>
  fork(path, {
    execArgv: [...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

/** @throws if the message cannot be cloned; `onLost` is called if it cannot be delivered. */
function post(child: ChildProcess, message: ToProcess, onLost?: (cause: Error) => void): void {
  child.send(message, (cause) => {
    if (cause) onLost?.(cause);
  });
}

/** In Bun it has neither `ref` nor `unref`: those of the process suffice. */
type Channel = { ref?(): void; unref?(): void } | null | undefined;

/** The child keeps this process alive. */
export function ref(child: ChildProcess): void {
  child.ref();
  (child.channel as Channel)?.ref?.();
}

/** The child does not keep this process alive. */
export function unref(child: ChildProcess): void {
  child.unref();
  (child.channel as Channel)?.unref?.();
}
