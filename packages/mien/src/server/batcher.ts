// Micro-batching: items that arrive one by one are computed in batches, from a queue; the sizes of both are bounded.

export interface BatcherOptions<T> {
  /** Maximum number of items in a batch. */
  readonly maxBatch: number;
  /** Milliseconds that an item waits for its batch to fill while all workers compute; 0: it never waits for company. */
  readonly maxWait: number;
  /** Maximum number of items in the queue. */
  readonly maxQueue: number;
  /** Number of batches that may have been started and not finished. */
  readonly slots: number;
  /** Number of batches that are really computed at a time (default 1); other started ones wait behind them. */
  readonly workers?: number;
  /** Only items with the same key share a batch. */
  readonly keyOf?: (item: T) => string;
}

export interface Batcher<T, R> {
  /**
   * The items' results, in the order of the items. Undefined, with nothing queued, if the queue has no room for all of
   * them. The promise rejects with the error of any of their batches or the signal's reason; those still in the queue are
   * then dropped.
   */
  submit(items: readonly T[], signal?: AbortSignal): Promise<R[]> | undefined;
  /** Number of items in the queue. */
  queued(): number;
}

interface Entry<T, R> {
  readonly item: T;
  readonly key: string;
  /** Time of arrival in milliseconds. */
  readonly since: number;
  done(result: R): void;
  fail(error: unknown): void;
}

/**
 * Collects items into batches for `run`, which returns one result for each item, in the order of the items.
 *
 * While a worker is free, a batch starts at once. Behind the batches that are computed one starts when a slot is free and
 * it is full or its first item has waited `maxWait`, provided that an item waits for every worker: otherwise the next
 * worker to be free takes it. The batch whose first item arrived first starts first. It takes its share of what waits, an
 * equal one for each worker (guided self-scheduling; Polychronopoulos & Kuck 1987): with few items waiting they are
 * computed one by one by all workers, with many in large batches.
 */
export function createBatcher<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  { maxBatch, maxWait, maxQueue, slots, workers = 1, keyOf = () => '' }: BatcherOptions<T>,
): Batcher<T, R> {
  type Group = [first: Entry<T, R>, ...others: Entry<T, R>[]];
  const waiting = new Map<string, Group>();
  let queued = 0;
  let running = 0;
  let timer: NodeJS.Timeout | undefined;

  const groups = (): Group[] => [...waiting.values()].sort(([a], [b]) => a.since - b.since);
  const put = (key: string, [first, ...others]: readonly Entry<T, R>[]): void =>
    void (first ? waiting.set(key, [first, ...others]) : waiting.delete(key));

  function pump(): void {
    clearTimeout(timer);
    while (running < slots) {
      const now = performance.now();
      const due = groups().find(
        (group) =>
          running < workers ||
          group.length >= maxBatch ||
          (queued >= workers && now - group[0].since >= maxWait),
      );
      if (!due) break;
      const [{ key }] = due;
      const size = Math.min(maxBatch, Math.ceil(due.length / workers));
      const batch = due.slice(0, size);
      put(key, due.slice(size));
      queued -= batch.length;
      void compute(batch);
    }
    const [oldest] = groups();
    // Otherwise the next batch that finishes or the next item calls `pump` again.
    if (oldest && running < slots && queued >= workers)
      timer = setTimeout(pump, Math.max(0, oldest[0].since + maxWait - performance.now()));
  }

  async function compute(batch: readonly Entry<T, R>[]): Promise<void> {
    running++;
    try {
      const results = await run(batch.map(({ item }) => item));
      if (results.length !== batch.length)
        throw new Error(`${results.length} results for a batch of ${batch.length} items`);
      batch.forEach(({ done }, i) => done(results[i]!));
    } catch (error) {
      for (const { fail } of batch) fail(error);
    } finally {
      running--;
      pump();
    }
  }

  function drop(entries: readonly Entry<T, R>[]): void {
    const dropped = new Set(entries);
    for (const key of new Set(entries.map((entry) => entry.key))) {
      const group = waiting.get(key) ?? [];
      const left = group.filter((entry) => !dropped.has(entry));
      queued -= group.length - left.length;
      put(key, left);
    }
  }

  return {
    queued: () => queued,
    submit(items, signal) {
      if (queued + items.length > maxQueue) return undefined;
      if (items.length === 0) return Promise.resolve([]);
      return new Promise<R[]>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const results = new Array<R>(items.length);
        let open = items.length;
        const fail = (error: unknown): void => {
          signal?.removeEventListener('abort', abort);
          drop(entries);
          reject(error as Error);
        };
        const abort = (): void => fail(signal?.reason);
        const since = performance.now();
        const entries = items.map((item, i): Entry<T, R> => ({
          item,
          key: keyOf(item),
          since,
          fail,
          done: (result) => {
            results[i] = result;
            if (--open > 0) return;
            signal?.removeEventListener('abort', abort);
            resolve(results);
          },
        }));
        signal?.addEventListener('abort', abort, { once: true });
        for (const entry of entries) {
          const group = waiting.get(entry.key);
          if (group) group.push(entry);
          else waiting.set(entry.key, [entry]);
        }
        queued += entries.length;
        pump();
      });
    },
  };
}
