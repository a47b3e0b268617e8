// Batches a stream of items: available ones are computed together, and none waits for a batch to fill up.
import { describeType, MienError, repeated } from 'mien-engine/base';

/** Milliseconds that a non-empty batch waits for its next item. */
const MAX_WAIT = 10;

/**
 * Batches of at most `size` items, in order, with no further items in memory. The source is closed when the consumer stops
 * or the signal is aborted.
 * @throws MienError `interrupted` when the signal is aborted, `usage` when the size is not a whole number above zero.
 */
export async function* batchesOf<T>(
  source: AsyncIterable<T> | Iterable<T>,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<T[], void, undefined> {
  if (!Number.isInteger(size) || size < 1)
    throw new MienError('usage', `batchSize cannot be ${repeated(size)}`, {
      field: 'batchSize',
      hint: 'Expected a whole number above 0.',
    });
  if (!isIterable(source))
    throw new MienError('usage', `${describeType(source)} is not iterable`, {
      hint: 'Pass an array, a generator or any other iterable or async iterable.',
    });
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const aborted = rejectOnAbort(signal);
  let pending: Promise<IteratorResult<T>> | undefined;
  let finished = false;
  try {
    while (!finished) {
      const batch: T[] = [];
      while (batch.length < size) {
        pending ??= Promise.resolve(iterator.next());
        const next = await Promise.race([
          pending,
          aborted.promise,
          ...(batch.length > 0 ? [timeout(MAX_WAIT)] : []),
        ]);
        if (next === undefined) break;
        pending = undefined;
        if (next.done) {
          finished = true;
          break;
        }
        batch.push(next.value);
      }
      if (batch.length > 0) yield batch;
    }
  } finally {
    aborted.forget();
    // Not awaited: a generator's `return` would wait for a pending item, perhaps forever.
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => undefined);
    void pending?.catch(() => undefined);
  }
}

/**
 * Results of all batches in order, with at most `most` batches computed at a time. The results of a batch do not wait for
 * further items of the source.
 * @throws MienError as `batchesOf` and `compute`.
 */
export async function* computedInOrder<T, R>(
  batches: (signal: AbortSignal) => AsyncGenerator<T[], void, undefined>,
  compute: (batch: T[]) => Promise<R[]>,
  most: number,
  signal?: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  const stopped = new AbortController();
  const source = batches(signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal);
  const running: Promise<R[]>[] = [];
  let reading: Promise<IteratorResult<T[], void>> | undefined;
  let finished = false;
  try {
    for (;;) {
      if (!finished && running.length < most) reading ??= source.next();
      const [first] = running;
      if (!reading && !first) return;
      // Reading comes first, so that nothing is idle while there are items.
      const read = await Promise.race([
        ...(reading ? [reading] : []),
        ...(first ? [first.then(() => undefined)] : []),
      ]);
      if (read) {
        reading = undefined;
        if (read.done) finished = true;
        else running.push(settled(compute(read.value)));
      } else yield* await running.shift()!;
    }
  } finally {
    // Closes the source even while it waits for an item.
    stopped.abort();
    reading?.catch(() => undefined);
  }
}

/** A promise whose rejection is reported when it is awaited, and is not an unhandled one until then. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

const isIterable = (source: unknown): boolean =>
  typeof source === 'object' &&
  source !== null &&
  (Symbol.asyncIterator in source || Symbol.iterator in source);

const timeout = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));

/** A promise that rejects when the signal is aborted. */
export function rejectOnAbort(signal: AbortSignal | undefined): { promise: Promise<never>; forget(): void } {
  let forget = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    if (!signal) return;
    const stop = (): void =>
      reject(new MienError('interrupted', 'recognition was aborted', { cause: signal.reason as unknown }));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    forget = () => signal.removeEventListener('abort', stop);
  });
  promise.catch(() => undefined);
  return { promise, forget };
}
