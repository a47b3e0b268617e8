// Items as they come in batches: what is there at once is computed at once, nothing waits for a batch to fill up.
import { kindOf, MienError, repeated } from 'mien-engine/base';

/** Milliseconds that a batch that has begun waits for its next item. */
const PATIENCE = 10;

/**
 * Batches of at most `size` items, in order. At most `size` items are held. When the consumer stops, or the signal is
 * given, the source is closed.
 * @throws MienError `interrupted` when the signal is given, `usage` when the size is no whole number above zero.
 */
export async function* gather<T>(
  source: AsyncIterable<T> | Iterable<T>,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<T[], void, undefined> {
  if (!Number.isInteger(size) || size < 1)
    throw new MienError('usage', `a batch of ${repeated(size)} items is not possible`, {
      field: 'batchSize',
    });
  if (!isIterable(source))
    throw new MienError('usage', `${kindOf(source)} holds no items that can be gone through`, {
      hint: 'Give an array, a generator, or anything else for which there is "for await".',
    });
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const aborted = abortion(signal);
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
          ...(batch.length > 0 ? [later(PATIENCE)] : []),
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
    // An item may still be on its way: a generator's `return` would wait for it, and so for ever.
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => undefined);
    void pending?.catch(() => undefined);
  }
}

const isIterable = (source: unknown): boolean =>
  typeof source === 'object' &&
  source !== null &&
  (Symbol.asyncIterator in source || Symbol.iterator in source);

const later = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));

/** A promise that fails when the signal is given. */
export function abortion(signal: AbortSignal | undefined): { promise: Promise<never>; forget(): void } {
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
