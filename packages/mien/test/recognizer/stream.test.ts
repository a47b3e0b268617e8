// Batches of a stream that are computed at the same time: order, limits, failures, and sources that stop or wait.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchesOf, computedInOrder } from '../../src/recognizer/stream.js';

/** A promise with the functions that settle it. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

const ticks = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

test('yields all results in order, with at most so many batches at a time', async () => {
  const sizes = fc.integer({ min: 1, max: 5 });
  const limits = fc.integer({ min: 2, max: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 40 }), sizes, limits, async (delays, size, most) => {
      let [running, highest] = [0, 0];
      const compute = async (batch: number[]): Promise<string[]> => {
        highest = Math.max(highest, ++running);
        for (let tick = 0; tick < delays[batch[0]!]!; tick++) await Promise.resolve();
        running--;
        return batch.map(String);
      };
      const results: string[] = [];
      for await (const result of computedInOrder(
        (signal) => batchesOf(delays.keys(), size, signal),
        compute,
        most,
      ))
        results.push(result);
      expect(results).toEqual(delays.map((_, i) => String(i)));
      expect(highest).toBeLessThanOrEqual(most);
    }),
  );
});

test('computes several batches at the same time', async () => {
  const calls: { batch: number[]; done: (results: string[]) => void }[] = [];
  const compute = (batch: number[]): Promise<string[]> => {
    const { promise, resolve } = deferred<string[]>();
    calls.push({ batch, done: resolve });
    return promise;
  };
  const results = computedInOrder((signal) => batchesOf([1, 2, 3, 4], 1, signal), compute, 3);
  const first = results.next();
  await ticks();
  expect(calls.map(({ batch }) => batch)).toEqual([[1], [2], [3]]);
  // The second batch is done before the first, and its results wait.
  calls[1]!.done(['b']);
  calls[0]!.done(['a']);
  expect((await first).value).toBe('a');
  expect((await results.next()).value).toBe('b');
  await results.return();
});

test('results do not wait for further items of the source', async () => {
  const more = deferred<number>();
  async function* source() {
    yield 1;
    yield await more.promise;
  }
  const results = computedInOrder(
    (signal) => batchesOf(source(), 1, signal),
    (batch) => Promise.resolve(batch.map((n) => n * 10)),
    4,
  );
  expect((await results.next()).value).toBe(10);
  more.resolve(2);
  expect((await results.next()).value).toBe(20);
  expect((await results.next()).done).toBe(true);
});

test('a failed batch is thrown after the results before it, and no other failure goes unhandled', async () => {
  const results = computedInOrder(
    (signal) => batchesOf([1, 2, 3, 4], 1, signal),
    ([n]) => (n === 1 ? Promise.resolve([1]) : Promise.reject(new Error(`batch ${n}`))),
    4,
  );
  expect((await results.next()).value).toBe(1);
  await expect(results.next()).rejects.toThrow('batch 2');
  expect((await results.next()).done).toBe(true);
});

test('closes the source if the consumer stops while the source waits, and on abort', async () => {
  for (const how of ['return', 'abort'] as const) {
    let closed = false;
    let given = 0;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          given++ === 0 ? Promise.resolve({ done: false, value: 1 }) : new Promise<never>(() => undefined),
        return: () => ((closed = true), Promise.resolve({ done: true, value: undefined })),
      }),
    };
    const controller = new AbortController();
    const results = computedInOrder(
      (signal) => batchesOf(source, 1, signal),
      (batch) => Promise.resolve(batch),
      2,
      controller.signal,
    );
    expect((await results.next()).value).toBe(1);
    if (how === 'return') await results.return();
    else {
      const next = results.next();
      controller.abort();
      await expect(next).rejects.toMatchObject({ code: 'interrupted' });
    }
    await ticks();
    expect(closed).toBe(true);
  }
});
