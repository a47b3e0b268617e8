// A process of a pool: opens what it is told to, then computes one task after another for the process that started it.
import { defined } from './collections.js';
import { type ErrorCode, type ErrorPlace, messageOf, MienError } from './errors.js';

/** An error on its way to another process. */
export interface Thrown {
  readonly message: string;
  readonly stack?: string;
  /** Of a MienError. */
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
  | { readonly kind: 'unready'; readonly thrown: Thrown }
  | FromTask;

export type FromTask =
  | { readonly kind: 'note'; readonly id: number; readonly note: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly thrown: Thrown };

/** What a process of a pool is when it is ready. */
export interface TaskRunner<Task, Answer, Info = undefined, Note = never> {
  /** What the pool shall know of it. */
  readonly info: Info;
  /** Computes a task; several may come before the first is answered. `note` tells of it before it is done. */
  run(
    task: Task,
    context: { readonly signal: AbortSignal; readonly note: (note: Note) => void },
  ): Answer | Promise<Answer>;
}

/** Makes of this process one that `startProcessPool` has started: it is told the setup, and ends with its parent. */
export function serveTasks<Setup, Task, Answer, Info = undefined, Note = never>(
  open: (
    setup: Setup,
  ) => TaskRunner<Task, Answer, Info, Note> | Promise<TaskRunner<Task, Answer, Info, Note>>,
): void {
  const running = new Map<number, AbortController>();
  let runner: TaskRunner<Task, Answer, Info, Note>;

  async function start(setup: Setup): Promise<void> {
    try {
      runner = await open(setup);
      send({ kind: 'ready', info: runner.info });
    } catch (error) {
      send({ kind: 'unready', thrown: told(error) });
    }
  }
  async function compute(id: number, task: Task): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    const note = (note: Note): void => send({ kind: 'note', id, note });
    try {
      const answer = await runner.run(task, { signal: controller.signal, note });
      send({ kind: 'answer', id, answer });
    } catch (error) {
      send({ kind: 'failed', id, thrown: told(error) });
    }
    running.delete(id);
  }

  process.on('message', (message: ToProcess) => {
    if (message.kind === 'setup') void start(message.setup as Setup);
    else if (message.kind === 'task') void compute(message.id, message.task as Task);
    else running.get(message.id)?.abort();
  });
  // Without a parent there is nobody to answer.
  process.on('disconnect', () => process.exit(0));
  // The terminal interrupts all processes; what becomes of it is for the parent to say.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
}

/** That a parent which is gone hears nothing is no error. @throws when an answer cannot be cloned. */
const send = (message: FromProcess): void =>
  void process.send?.(message, undefined, undefined, () => undefined);

function told(error: unknown): Thrown {
  const { stack } = error instanceof Error ? error : {};
  const { code, place, hint } = error instanceof MienError ? error : {};
  return { message: messageOf(error), ...defined({ stack, code, place, hint }) };
}
