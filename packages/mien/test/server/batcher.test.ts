// Micro-batching: whatever arrives, aborts or fails in whatever order, each item is computed once, and results keep order.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBatcher } from '../../src/server/batcher.js';

interface Item {
  readonly request: number;
  readonly place: number;
  readonly key: string;
}

type Action =
  | { readonly do: 'submit'; readonly items: number; readonly key: string }
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'finish'; readonly which: number; readonly crash: boolean }
  | { readonly do: 'wait'; readonly milliseconds: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      items: fc.integer({ min: 0, max: 7 }),
      key: fc.constantFrom('a', 'b'),
    }),
  },
  fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      which: fc.nat(5),
      crash: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    }),
  },
  fc.record({ do: fc.constant('wait' as const), milliseconds: fc.integer({ min: 1, max: 8 }) }),
);

const options = fc.record({
  maxBatch: fc.integer({ min: 1, max: 5 }),
  maxWait: fc.constantFrom(0, 5),
  maxQueue: fc.integer({ min: 7, max: 20 }),
  slots: fc.integer({ min: 1, max: 3 }),
  workers: fc.integer({ min: 1, max: 3 }),
});

const flush = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const nameOf = ({ request, place }: Item): string => `${request}.${place}`;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('createBatcher', () => {
  it('loses, duplicates and swaps nothing, and respects its bounds', async () => {
    await fc.assert(
      fc.asyncProperty(options, fc.array(action, { maxLength: 40 }), async (given, actions) => {
        const { maxBatch, maxWait, maxQueue, slots, workers } = given;
        const running: { items: readonly Item[]; end(crash: boolean): void }[] = [];
        const computed = new Map<string, number>();
        const gone = new Set<number>();
        // What `run` throws would count as a batch that failed: it only takes notes.
        const wrong: string[] = [];
        const must = (holds: boolean, what: string): void => void (holds || wrong.push(what));
        const run = (items: readonly Item[]): Promise<string[]> =>
          new Promise((resolve, reject) => {
            must(items.length > 0 && items.length <= maxBatch, `a batch of ${items.length}`);
            must(new Set(items.map(({ key }) => key)).size === 1, 'several keys in a batch');
            for (const item of items) {
              must(!gone.has(item.request), `${nameOf(item)} was given up before`);
              computed.set(nameOf(item), (computed.get(nameOf(item)) ?? 0) + 1);
            }
            const batch = {
              items,
              end: (crash: boolean) => {
                running.splice(running.indexOf(batch), 1);
                if (crash) for (const { request } of items) gone.add(request);
                if (crash) reject(new Error('crashed'));
                else resolve(items.map((item) => `result ${nameOf(item)}`));
              },
            };
            running.push(batch);
            must(running.length <= slots, `${running.length} batches at a time`);
          });
        const batcher = createBatcher(run, { ...given, keyOf: ({ key }: Item) => key });
        const requests: { items: number; abort: AbortController; outcome: Promise<unknown> | undefined }[] =
          [];

        for (const step of actions) {
          if (step.do === 'submit') {
            const request = requests.length;
            const abort = new AbortController();
            const items = Array.from({ length: step.items }, (_, place) => ({
              request,
              place,
              key: step.key,
            }));
            const before = batcher.queued();
            const answer = batcher.submit(items, abort.signal);
            expect(answer === undefined).toBe(before + items.length > maxQueue);
            const outcome = answer?.then(
              (results) => results,
              (error: Error) => error.message,
            );
            requests.push({ items: items.length, abort, outcome });
          } else if (step.do === 'abort' && requests.length > 0) {
            const which = step.which % requests.length;
            gone.add(which);
            requests[which]!.abort.abort(new Error(`aborted ${which}`));
          } else if (step.do === 'finish' && running.length > 0) {
            running[step.which % running.length]!.end(step.crash);
          } else if (step.do === 'wait') {
            await vi.advanceTimersByTimeAsync(step.milliseconds);
            // Whoever has waited long enough is waiting for a slot only, or for any of the workers.
            if (step.milliseconds > maxWait && running.length < slots)
              expect(batcher.queued()).toBeLessThan(running.length < workers ? 1 : workers);
          }
          expect(batcher.queued()).toBeLessThanOrEqual(maxQueue);
          await flush();
        }
        while (running.length > 0 || batcher.queued() > 0) {
          running[0]?.end(false);
          await vi.advanceTimersByTimeAsync(maxWait + 1);
        }

        expect(wrong).toEqual([]);
        for (const [request, { items, outcome }] of requests.entries()) {
          if (!outcome) continue;
          const result = await outcome;
          const all = Array.from({ length: items }, (_, place) => `result ${request}.${place}`);
          if (!gone.has(request)) expect(result).toEqual(all);
          // A request that was given up may have been answered before.
          else expect([all, `aborted ${request}`, 'crashed']).toContainEqual(result);
        }
        for (const times of computed.values()) expect(times).toBe(1);
        for (const [request, { items, outcome }] of requests.entries())
          if (outcome && !gone.has(request))
            for (let place = 0; place < items; place++) expect(computed.get(`${request}.${place}`)).toBe(1);
      }),
      { numRuns: 150 },
    );
  });

  it('computes a single item at once, and batches those that arrive meanwhile', async () => {
    const batches: string[][] = [];
    const ends: (() => void)[] = [];
    const batcher = createBatcher(
      (items: readonly string[]) =>
        new Promise<readonly string[]>((resolve) => {
          batches.push([...items]);
          ends.push(() => resolve(items));
        }),
      { maxBatch: 3, maxWait: 5, maxQueue: 10, slots: 2 },
    );
    void batcher.submit(['a']);
    expect(batches).toEqual([['a']]);
    void batcher.submit(['b']);
    void batcher.submit(['c']);
    await vi.advanceTimersByTimeAsync(4);
    expect(batches).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(batches).toEqual([['a'], ['b', 'c']]);
    for (const letter of ['d', 'e', 'f', 'g']) void batcher.submit([letter]);
    expect(batches).toHaveLength(2);
    ends[0]!();
    await flush();
    // Full, so it need not wait.
    expect(batches[2]).toEqual(['d', 'e', 'f']);
    expect(batcher.queued()).toBe(1);
  });

  it('divides what waits among the workers, and lets nothing wait for company', async () => {
    const batches: number[] = [];
    const ends: (() => void)[] = [];
    const batcher = createBatcher(
      (items: readonly number[]) =>
        new Promise<readonly number[]>((resolve) => {
          batches.push(items.length);
          ends.push(() => resolve(items));
        }),
      { maxBatch: 4, maxWait: 0, maxQueue: 20, slots: 4, workers: 2 },
    );
    // Two are computed; whichever worker is free first takes the third. Of two that wait, one is started behind them.
    for (const started of [1, 2, 2, 3, 4]) {
      void batcher.submit([started]);
      expect(batches).toEqual(Array(started).fill(1));
    }
    for (let item = 0; item < 9; item++) void batcher.submit([item]);
    expect(batcher.queued()).toBe(10);
    for (const end of ends.slice(0, 2)) {
      end();
      await flush();
    }
    // Of ten that wait no more than the maximum, then half of six.
    expect(batches.slice(4)).toEqual([4, 3]);
  });

  it('spreads the items of one request over the workers', () => {
    const sizes: number[] = [];
    const run = (items: readonly number[]): Promise<readonly number[]> => {
      sizes.push(items.length);
      return new Promise(() => undefined);
    };
    const batcher = createBatcher(run, { maxBatch: 16, maxWait: 5, maxQueue: 64, slots: 4, workers: 2 });
    void batcher.submit([0, 1, 2, 3, 4, 5, 6, 7]);
    // Both workers have begun; what is left waits for company.
    expect(sizes).toEqual([4, 2]);
    expect(batcher.queued()).toBe(2);
  });

  it('rejects a batch whose number of results differs from its items', async () => {
    const batcher = createBatcher(async () => ['one'], { maxBatch: 4, maxWait: 0, maxQueue: 4, slots: 1 });
    await expect(batcher.submit([1, 2])).rejects.toThrow('1 results for a batch of 2 items');
  });

  it('queues nothing if the signal is aborted already', async () => {
    const run = vi.fn(async (items: readonly number[]) => items);
    const batcher = createBatcher(run, { maxBatch: 4, maxWait: 0, maxQueue: 4, slots: 1 });
    await expect(batcher.submit([1], AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    expect(run).not.toHaveBeenCalled();
  });
});
