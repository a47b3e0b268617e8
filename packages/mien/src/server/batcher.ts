// Micro-batching: items that come one by one are computed together, in batches and from a queue that are both bounded.

export interface BatcherOptions<T> {
  /** Items of a batch, at most. */
  readonly maxBatch: number;
  /** Milliseconds that an item waits for company while other batches are computed. With none, it does not wait. */
  readonly maxWait: number;
  /** Items that may wait. */
  readonly maxQueue: number;
  /** Batches that are computed at a time. */
  readonly slots: number;
  /** Only items of one key share a batch. */
  readonly keyOf?: (item: T) => string;
}

export interface Batcher<T, R> {
  /**
   * Results of the items, in their order. Undefined, with nothing queued, when the queue has no room for all of them.
   * The promise is rejected with what computing a batch of theirs threw, or with the signal's reason; those of them
   * that still wait are then dropped.
   */
  submit(items: readonly T[], signal?: AbortSignal): Promise<R[]> | undefined;
  /** Items that wait. */
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
 * Gathers items into batches for `run`, which gives as many results as it gets items, in their order.
 *
 * A batch starts as soon as a slot is free and it is full, its first item has waited `maxWait`, or nothing else is
 * computed. The one whose first item came first goes first.
 */
export function createBatcher<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  { maxBatch, maxWait, maxQueue, slots, keyOf = () => '' }: BatcherOptions<T>,
): Batcher<T, R> {
  /** By key; none is empty. */
  const waiting = new Map<string, Entry<T, R>[]>();
  let queued = 0;
  let running = 0;
  let timer: NodeJS.Timeout | undefined;

  const groups = (): Entry<T, R>[][] => [...waiting.values()].sort((a, b) => a[0]!.since - b[0]!.since);
  const put = (key: string, group: Entry<T, R>[]): void =>
    void (group.length > 0 ? waiting.set(key, group) : waiting.delete(key));

  function pump(): void {
    clearTimeout(timer);
    while (running < slots) {
      const now = performance.now();
      const due = groups().find(
        (group) => running === 0 || group.length >= maxBatch || now - group[0]!.since >= maxWait,
      );
      if (!due) break;
      const batch = due.slice(0, maxBatch);
      put(batch[0]!.key, due.slice(maxBatch));
      queued -= batch.length;
      void compute(batch);
    }
    const [oldest] = groups();
    // Without a free slot, the next batch to finish calls again.
    if (oldest && running < slots)
      timer = setTimeout(pump, Math.max(0, oldest[0]!.since + maxWait - performance.now()));
  }

  async function compute(batch: readonly Entry<T, R>[]): Promise<void> {
    running++;
    try {
      const results = await run(batch.map(({ item }) => item));
      if (results.length !== batch.length)
        throw new Error(`a batch of ${batch.length} items got ${results.length} results`);
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
        const abort = (): void => fail(signal!.reason);
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
