// Work on many items at the same time: order, limit, and what happens after a failure.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forEachParallel } from '../../src/base.js';

test('calls begin in order, at most so many at a time, and all end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(4), { maxLength: 30 }),
      fc.integer({ min: 1, max: 5 }),
      async (ticks, parallel) => {
        const begun: number[] = [];
        let [running, highest, ended] = [0, 0, 0];
        await forEachParallel(ticks.entries(), parallel, async ([i, count]) => {
          begun.push(i);
          highest = Math.max(highest, ++running);
          for (let tick = 0; tick < count; tick++) await Promise.resolve();
          running--;
          ended++;
        });
        expect(begun).toEqual([...ticks.keys()]);
        expect(highest).toBeLessThanOrEqual(parallel);
        expect(ended).toBe(ticks.length);
      },
    ),
  );
});

test('after a failure no call begins, and those in progress end before it is thrown', async () => {
  const events: string[] = [];
  const work = async (item: number): Promise<void> => {
    events.push(`begin ${item}`);
    await new Promise((resolve) => setTimeout(resolve, item === 2 ? 1 : 20));
    if (item === 2) throw new Error('failed');
    events.push(`end ${item}`);
  };
  await expect(forEachParallel([1, 2, 3, 4, 5], 3, work)).rejects.toThrow('failed');
  expect(events).toEqual(['begin 1', 'begin 2', 'begin 3', 'end 1', 'end 3']);
});
