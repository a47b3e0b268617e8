// The child's side of a process pool: receives the setup, then runs tasks for the process that started it.
import { defined } from './collections.js';
import { type ErrorCode, type ErrorPlace, messageOf, MienError } from './errors.js';

/** An error as sent to another process. */
export interface SerializedError {
  readonly message: string;
  readonly stack?: string;
  /** If it is a MienError, as `place` and `hint`. */
  readonly code?: ErrorCode;
  readonly place?: ErrorPlace;
  readonly hint?: string;
}

export type ToProcess =
  | { readonly kind: 'setup'; readonly setup: unknown }
  | { readonly kind: 'task'; readonly id: number; readonly task: unknown }
  | { readonly kind: 'abort'; readonly id: number };

export type FromProcess =
  | { readonly kind: 'ready'; readonly info: unknown }
  | { readonly kind: 'unready'; readonly error: SerializedError }
  | FromTask;

export type FromTask =
  | { readonly kind: 'note'; readonly id: number; readonly note: unknown }
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SerializedError };

/** Runs the tasks of a process. */
export interface TaskRunner<Task, Result, Info = undefined, Note = never> {
  /** Sent to the pool when the process is ready. */
  readonly info: Info;
  /** Runs a task; further tasks may arrive while it runs. `note` sends a message to the pool while the task runs. */
  run(
    task: Task,
    context: { readonly signal: AbortSignal; readonly note: (note: Note) => void },
  ): Result | Promise<Result>;
}

/** Serves the tasks of the pool that started this process, which ends with its parent. */
export function serveTasks<Setup, Task, Result, Info = undefined, Note = never>(
  open: (
    setup: Setup,
  ) => TaskRunner<Task, Result, Info, Note> | Promise<TaskRunner<Task, Result, Info, Note>>,
): void {
  const running = new Map<number, AbortController>();
  let runner: TaskRunner<Task, Result, Info, Note>;

  async function start(setup: Setup): Promise<void> {
    try {
      runner = await open(setup);
      send({ kind: 'ready', info: runner.info });
    } catch (error) {
      send({ kind: 'unready', error: serializeError(error) });
    }
  }
  async function compute(id: number, task: Task): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    const note = (note: Note): void => send({ kind: 'note', id, note });
    try {
      const result = await runner.run(task, { signal: controller.signal, note });
      send({ kind: 'done', id, result });
    } catch (error) {
      send({ kind: 'failed', id, error: serializeError(error) });
    }
    running.delete(id);
  }

  process.on('message', (message: ToProcess) => {
    if (message.kind === 'setup') void start(message.setup as Setup);
    else if (message.kind === 'task') void compute(message.id, message.task as Task);
    else running.get(message.id)?.abort();
  });
  // The parent has ended.
  process.on('disconnect', () => process.exit(0));
  // The terminal interrupts all processes; the parent decides what to do.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
}

/** Ignores a parent that has ended. @throws if the message cannot be cloned. */
const send = (message: FromProcess): void =>
  void process.send?.(message, undefined, undefined, () => undefined);

function serializeError(error: unknown): SerializedError {
  const { stack } = error instanceof Error ? error : {};
  const { code, place, hint } = error instanceof MienError ? error : {};
  return { message: messageOf(error), ...defined({ stack, code, place, hint }) };
}
