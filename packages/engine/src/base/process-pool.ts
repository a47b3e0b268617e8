// Tasks for child processes that run a module of a package: each goes to the least busy, one that ends is replaced.
import { fork, type ChildProcess } from 'node:child_process';
import { defined } from './collections.js';
import { MienError } from './errors.js';
import type { ModuleFile } from './module-file.js';
import type { FromProcess, FromTask, Thrown, ToProcess } from './serve-tasks.js';

/** A process that ends so often in a row, without an answer in between, is not started again. */
const MOST_CRASHES = 5;
/** Milliseconds for an idle process to end by itself. */
const GRACE = 2000;

/** What became of a process. */
export interface ProcessEvent {
  readonly kind: 'ready' | 'ended';
  readonly pid: number | undefined;
  /** Of one that ended: the signal or exit code. */
  readonly how?: string;
  /** Processes that can compute now. */
  readonly ready: number;
  /** Processes that are not started again. */
  readonly lost: number;
}

export interface ProcessPoolOptions<Setup> {
  /** What the processes run; it calls `serveTasks`. */
  readonly module: ModuleFile;
  readonly processes: number;
  /** What each process is told before its first task. */
  readonly setup: Setup;
  /** Told whenever a process has become ready or has ended while the pool is open. */
  readonly onEvent?: ((event: ProcessEvent) => void) | undefined;
  /** Milliseconds after which a process that owes an answer counts as stuck and is killed; never by default. */
  readonly patience?: number | undefined;
}

interface TaskOptions<Note> {
  /** When it is given the process is told, and the answer is what the task makes of that. */
  readonly signal?: AbortSignal | undefined;
  /** How much there is to do, in the unit of the other tasks; 1 by default. */
  readonly load?: number | undefined;
  /** Told what the task says before it is done. */
  readonly onNote?: ((note: Note) => void) | undefined;
}

export interface ProcessPool<Task, Answer, Info = undefined, Note = never> {
  /** What a process said of itself when it was ready. */
  readonly info: Info;
  /**
   * Tasks, notes and answers are sent as structured clones: typed arrays stay what they are.
   * @throws MienError `crashed` when the process ended before it answered, or none is left; `usage` for a task that
   *   cannot be sent, and after `close`; `interrupted` when the signal was given before it was sent; what the task throws.
   */
  run(task: Task, options?: TaskOptions<Note>): Promise<Answer>;
  /** Ends the processes. One that still computes is killed, and what it owes is refused as `crashed`. */
  close(): Promise<void>;
}

interface Worker<Info> {
  child: ChildProcess;
  readonly waiting: Map<number, Waiting>;
  /** Of the tasks that it has been given and has not answered. */
  load: number;
  crashes: number;
  /** `lost` is one that is not started again. */
  state: 'starting' | 'ready' | 'lost';
  ready: Promise<Info>;
}

/** For the answer to a task. */
interface Waiting {
  note(note: unknown): void;
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/**
 * Starts the processes and waits until all are ready. One that has nothing to do does not keep this process alive.
 * @throws MienError `usage` for a number of processes that is not possible; what opening the module throws.
 */
export async function startProcessPool<Setup, Task, Answer, Info = undefined, Note = never>({
  module,
  processes,
  setup,
  onEvent,
  patience,
}: ProcessPoolOptions<Setup>): Promise<ProcessPool<Task, Answer, Info, Note>> {
  if (!Number.isInteger(processes) || processes < 1)
    throw new MienError('usage', `${processes} processes are not possible`, { field: 'processes' });
  let closing: Promise<unknown> | undefined;
  let next = 0;

  const tell = (kind: ProcessEvent['kind'], { pid }: ChildProcess, how?: string): void => {
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
          tell('ready', child);
        } else if (message.kind === 'unready') {
          reject(revive(message.thrown));
          child.kill('SIGKILL');
        } else settle(worker, message);
      });
      const ended = (how: string): void => {
        const error = crashed(how);
        reject(error);
        for (const waiting of worker.waiting.values()) waiting.reject(error);
        // Deno holds on to the channel of a child that is gone.
        letGo(child);
        if (closing) return;
        if (++worker.crashes < MOST_CRASHES) {
          start(worker);
          idle(worker);
        } else worker.state = 'lost';
        tell('ended', child, how);
      };
      child.on('exit', (code, signal) => ended(signal ?? `code ${code}`));
      child.on('error', ({ message }) => {
        // What could not be started has no exit.
        if (child.pid === undefined) ended(message);
      });
    });
    // Whoever calls next sees it; nobody else needs to.
    worker.ready.catch(() => undefined);
    post(child, { kind: 'setup', setup });
  };
  const workers = Array.from({ length: processes }, () => {
    const worker = { waiting: new Map(), load: 0, crashes: 0 } as unknown as Worker<Info>;
    start(worker);
    return worker;
  });
  /** One that is ready before one that is starting, else the least busy. */
  const choose = (): Worker<Info> => {
    if (closing) throw new MienError('usage', 'the processes that compute have been ended');
    const left = workers.filter(({ state }) => state !== 'lost');
    if (left.length === 0)
      throw new MienError('crashed', `every process that computes ended ${MOST_CRASHES} times in a row`, {
        hint: 'What they wrote on standard error says why. Start the program again.',
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
  workers.forEach(idle);

  const ask = ({ child, waiting }: Worker<Info>, task: Task, { signal, onNote }: TaskOptions<Note>) =>
    new Promise<Answer>((resolve, reject) => {
      const id = next++;
      const abort = (): void => post(child, { kind: 'abort', id });
      const stuck = patience && setTimeout(() => child.kill('SIGKILL'), patience);
      const done = (): void => {
        waiting.delete(id);
        signal?.removeEventListener('abort', abort);
        clearTimeout(stuck);
      };
      const fail = (error: Error): void => (done(), reject(error));
      waiting.set(id, {
        note: (note) => onNote?.(note as Note),
        resolve: (answer) => (done(), resolve(answer as Answer)),
        reject: fail,
      });
      signal?.addEventListener('abort', abort, { once: true });
      try {
        // A channel closes when its child ends; that it has ended may not be known yet.
        post(child, { kind: 'task', id, task }, (cause) => fail(crashed(cause.message, cause)));
      } catch (cause) {
        fail(new MienError('usage', 'what is asked cannot be sent to another process', { cause }));
      }
    });
  return {
    info: info as Info,
    close,
    async run(task, { load = 1, ...options } = {}) {
      const worker = choose();
      worker.load += load;
      hold(worker.child);
      try {
        await worker.ready;
        if (options.signal?.aborted)
          throw new MienError('interrupted', 'stopped before it began', {
            cause: options.signal.reason as unknown,
          });
        return await ask(worker, task, options);
      } finally {
        worker.load -= load;
        idle(worker);
      }
    },
  };
}

const crashed = (how: string, cause?: unknown): MienError =>
  new MienError('crashed', `the process that computes ended unexpectedly (${how})`, {
    cause,
    hint: 'Another one is started in its place; the same may be asked again.',
  });

/** A process with nothing to do does not keep its parent alive. */
function idle({ load, child }: Pick<Worker<unknown>, 'load' | 'child'>): void {
  if (load === 0) letGo(child);
}

function settle(worker: Worker<unknown>, message: FromTask): void {
  const waiting = worker.waiting.get(message.id);
  if (message.kind === 'note') return waiting?.note(message.note);
  worker.crashes = 0;
  if (message.kind === 'failed') waiting?.reject(revive(message.thrown));
  else waiting?.resolve(message.answer);
}

/** An error of another process, as it was there. */
function revive({ code, ...thrown }: Thrown): Error {
  const error = code === undefined ? new Error() : new MienError(code, '');
  return Object.assign(error, thrown);
}

async function end({ child, state, load }: Worker<unknown>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  if (child.connected) child.disconnect();
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(kill, state === 'ready' && load === 0 ? GRACE : 0);
  await gone;
  clearTimeout(timer);
}

/** Starts a module. Its standard error is this process's. */
const forkModule = ({ path, execArgv }: ModuleFile): ChildProcess =>
  fork(path, {
    execArgv: [...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

/** @throws what cannot be cloned; that it did not arrive is for `onLost`. */
function post(child: ChildProcess, message: ToProcess, onLost?: (cause: Error) => void): void {
  child.send(message, (cause) => {
    if (cause) onLost?.(cause);
  });
}

/** In Bun it has neither `ref` nor `unref`: the process takes it along. */
type Channel = { ref?(): void; unref?(): void } | null | undefined;

/** From now on this process does not end before the child does. */
export function hold(child: ChildProcess): void {
  child.ref();
  (child.channel as Channel)?.ref?.();
}

/** From now on the child does not keep this process alive. */
export function letGo(child: ChildProcess): void {
  child.unref();
  (child.channel as Channel)?.unref?.();
}
