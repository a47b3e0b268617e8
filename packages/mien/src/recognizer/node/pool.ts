// A recogniser that computes in child processes: ONNX Runtime blocks the event loop of the process it runs in.
import type { ChildProcess } from 'node:child_process';
import { forkModule, hold, letGo } from 'mien-engine/node';
import { moduleInPackage } from '../../base/package.js';
import { MienError } from 'mien-engine/base';
import { recognizerOf, throwIfAborted } from '../facade.js';
import { isEmptyImage } from '../absent.js';
import { undecodable } from '../prepare.js';
import type { ReadItem } from '../read-item.js';
import type { Recognizer, RecognizerInfo } from '../types.js';
import type { ChildSetup, FromChild, SentItem, ToChild } from './child.js';
import { openSource } from './images.js';

/** A process that dies so often in a row, without an answer in between, is not started again. */
const MOST_CRASHES = 5;
/** Milliseconds for a child to end by itself. */
const GRACE = 2000;

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** What a child answers: results, or an explanation. */
type Answer = Exclude<FromChild, { info: unknown } | { failed: unknown }>;
/** What a child is asked, before it has a number. */
type Ask =
  | Pick<Extract<ToChild, { items: unknown }>, 'items' | 'options'>
  | Pick<Extract<ToChild, { item: unknown }>, 'item' | 'options'>;

interface Worker {
  child: ChildProcess;
  readonly waiting: Map<number, Waiting>;
  /** Items it has been given and not answered. */
  load: number;
  crashes: number;
  /** `lost` is one that is not started again. */
  state: 'starting' | 'ready' | 'lost';
  ready: Promise<RecognizerInfo>;
}

/** What became of a child. */
interface PoolEvent {
  readonly kind: 'ready' | 'ended';
  readonly pid: number | undefined;
  /** Of one that ended: the signal or exit code. */
  readonly how?: string;
  /** Children that can compute now. */
  readonly ready: number;
  /** Children that are not started again. */
  readonly lost: number;
}

export interface PoolOptions {
  /** Told whenever a child has become ready or has ended while the pool is open. */
  readonly onEvent?: (event: PoolEvent) => void;
  /** Milliseconds after which a child that owes an answer counts as stuck and is killed; never by default. */
  readonly patience?: number;
}

/**
 * Starts `processes` children that each load the bundle. Calls go to the least busy; a child that ends is replaced.
 * @throws MienError what loading throws; later `crashed` for the calls that an ended child had not answered.
 */
export async function startPool(
  setup: ChildSetup,
  processes: number,
  { onEvent, patience }: PoolOptions = {},
): Promise<Recognizer> {
  if (!Number.isInteger(processes) || processes < 1)
    throw new MienError('usage', `${processes} processes are not possible`, { field: 'processes' });
  let closing = false;
  let next = 0;

  const tell = (kind: PoolEvent['kind'], { pid }: ChildProcess, how?: string): void => {
    const count = (state: Worker['state']): number =>
      workers.filter((worker) => worker.state === state).length;
    onEvent?.({ kind, pid, ...(how ? { how } : {}), ready: count('ready'), lost: count('lost') });
  };
  const start = (worker: Worker): void => {
    const child = forkModule(moduleInPackage('recognizer/node/child'), { serialization: 'advanced' });
    worker.child = child;
    worker.state = 'starting';
    worker.ready = new Promise<RecognizerInfo>((resolve, reject) => {
      child.on('message', (message: FromChild) => {
        if ('info' in message) {
          worker.state = 'ready';
          resolve(message.info);
          tell('ready', child);
        } else if ('failed' in message && message.id === undefined) {
          reject(revive(message.failed));
          child.kill('SIGKILL');
        } else settle(worker, message);
      });
      child.on('error', reject);
      child.on('exit', (code, signal) => {
        const how = signal ?? `code ${code}`;
        const error = crashed(how);
        reject(error);
        for (const { reject: fail } of worker.waiting.values()) fail(error);
        worker.waiting.clear();
        // Deno holds on to the channel of a child that is gone.
        letGo(child);
        if (closing) return;
        if (++worker.crashes < MOST_CRASHES) {
          start(worker);
          idle(worker);
        } else worker.state = 'lost';
        tell('ended', child, how);
      });
    });
    // Whoever calls next sees it; nobody else needs to.
    worker.ready.catch(() => undefined);
    child.send({ setup } satisfies ToChild);
  };
  const workers = Array.from({ length: processes }, () => {
    const worker = { waiting: new Map(), load: 0, crashes: 0 } as unknown as Worker;
    start(worker);
    return worker;
  });
  /** One that is ready before one that is starting, else the least busy. */
  const choose = (): Worker => {
    const left = workers.filter(({ state }) => state !== 'lost');
    if (left.length === 0)
      throw new MienError('crashed', `every process that computes ended ${MOST_CRASHES} times in a row`, {
        hint: 'What they wrote on standard error says why. Start the program again.',
      });
    const ready = left.filter(({ state }) => state === 'ready');
    return (ready.length > 0 ? ready : left).reduce((a, b) => (b.load < a.load ? b : a));
  };
  const close = async (): Promise<void> => {
    closing = true;
    await Promise.all(workers.map(({ child }) => end(child)));
  };
  const [info] = await Promise.all(workers.map(({ ready }) => ready)).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  workers.forEach(idle);

  const call = async (ask: Ask, load: number, signal: AbortSignal | undefined): Promise<Answer> => {
    const worker = choose();
    worker.load += load;
    hold(worker.child);
    const id = next++;
    try {
      await worker.ready;
      throwIfAborted(signal);
      return await new Promise<Answer>((resolve, reject) => {
        const { child } = worker;
        const stuck = patience && setTimeout(() => child.kill('SIGKILL'), patience);
        const abort = (): void => {
          worker.waiting.delete(id);
          clearTimeout(stuck);
          reject(
            new MienError('interrupted', 'recognition was aborted', { cause: signal?.reason as unknown }),
          );
        };
        signal?.addEventListener('abort', abort, { once: true });
        const done = (): void => {
          signal?.removeEventListener('abort', abort);
          clearTimeout(stuck);
        };
        worker.waiting.set(id, {
          resolve: (answer) => (done(), resolve(answer)),
          reject: (error) => (done(), reject(error)),
        });
        const failed = (cause: Error | null): void => {
          // A channel closes when its child ends; that it has ended may not be known yet.
          if (cause) worker.waiting.get(id)?.reject(crashed(cause.message, cause));
        };
        try {
          child.send({ id, ...ask } satisfies ToChild, failed);
        } catch (cause) {
          // Items can always be sent, so it is an option that cannot.
          worker.waiting.delete(id);
          done();
          reject(new MienError('usage', 'the options cannot be sent to another process', { cause }));
        }
      });
    } finally {
      worker.load = Math.max(0, worker.load - load);
      idle(worker);
    }
  };
  /** Makes an item fit to be sent: images are opened here, and one that cannot be is the item's error. */
  const sendable = async ({ image, ...item }: ReadItem): Promise<SentItem> => {
    if (image === undefined) return item;
    // The bundle reads no faces: that there is an image is all that will be said of it.
    if (!info!.labels.face) return { ...item, image: '' };
    try {
      if (isEmptyImage(image)) return { ...item, image: new Uint8Array() };
      return { ...item, image: await openSource(image) };
    } catch (cause) {
      return { ...item, error: undecodable(cause) };
    }
  };
  return recognizerOf({
    info: info!,
    async run(items, { signal, ...options }) {
      const sent = await Promise.all(items.map(sendable));
      const answer = await call({ items: sent, options }, items.length, signal);
      return (answer as Extract<Answer, { results: unknown }>).results;
    },
    async explain(item, { signal, ...options }) {
      const answer = await call({ item: await sendable(item), options }, 1, signal);
      return (answer as Extract<Answer, { explanation: unknown }>).explanation;
    },
    dispose: close,
  });
}

const crashed = (how: string, cause?: unknown): MienError =>
  new MienError('crashed', `the process that computes ended unexpectedly (${how})`, {
    cause,
    hint: 'It is started again; the same call may be made again.',
  });

/** A process with nothing to do does not keep its parent alive. */
function idle(worker: Worker): void {
  if (worker.load > 0) return;
  letGo(worker.child);
}

function settle(worker: Worker, message: Extract<FromChild, { id?: number }>): void {
  const waiting = worker.waiting.get(message.id!);
  if (!waiting) return;
  worker.waiting.delete(message.id!);
  worker.crashes = 0;
  if ('failed' in message) waiting.reject(revive(message.failed));
  else waiting.resolve(message as Answer);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE);
  await gone;
  clearTimeout(timer);
}

const revive = ({ code, message }: Extract<FromChild, { failed: unknown }>['failed']): Error =>
  code === undefined ? new Error(message) : new MienError(code, message);
