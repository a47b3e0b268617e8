// Points of a path are evaluated in batches, between which evaluation can be aborted.
import { expect, test } from 'vitest';
import { float32, type Session, type Tensors } from 'mien-engine';
import { pathPoints } from '../../src/explain/path.js';

/** Gives each place as its value, and twice as its slopes; `onRun` is told of every run. */
const session = (onRun: (places: number) => void): Session =>
  ({
    run: async ({ places }: Tensors) => {
      const values = places!.data as Float32Array;
      onRun(values.length);
      return {
        value: places,
        slopes: float32(
          [values.length, 2],
          [...values].flatMap((value) => [value, value]),
        ),
      };
    },
  }) as unknown as Session;

const PLACES = [0, 0.25, 0.5, 0.75, 1];

test('points are evaluated in batches, in order', async () => {
  const runs: number[] = [];
  const points = await pathPoints(
    session((count) => runs.push(count)),
    {},
    PLACES,
    2,
  );
  expect(runs).toEqual([2, 2, 1]);
  expect(points.map(({ value }) => value)).toEqual(PLACES);
  expect(points.map(({ slopes }) => [...slopes])).toEqual(PLACES.map((place) => [place, place]));
});

test('an abort takes effect before the next run', async () => {
  const controller = new AbortController();
  let runs = 0;
  const computing = session(() => {
    runs++;
    // As a message that arrives while the thread computes.
    setTimeout(() => controller.abort());
  });
  await expect(pathPoints(computing, {}, PLACES, 2, controller.signal)).rejects.toMatchObject({
    code: 'interrupted',
  });
  expect(runs).toBe(1);
});
