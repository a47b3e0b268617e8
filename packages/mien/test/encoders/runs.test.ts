// Batches of an encoder's items: which items share a batch, and the order of their outputs.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float32 } from 'mien-engine/base';
import { encodeInRuns, idsOf, pixelsOf } from '../../src/encoders/runs.js';

const texts = fc.array(
  fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }).map((ids) => Int32Array.from(ids)),
  { maxLength: 12 },
);

test('texts of equal length share batches of bounded size, and outputs keep their order', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 5 }), async (batch, most) => {
      const longest = Math.max(0, ...batch.map(({ length }) => length));
      const shapes = { sum: [1], states: [longest, 2] };
      const runs: number[][] = [];
      const run = (some: readonly Int32Array[]) => {
        runs.push(some.map(({ length }) => length));
        const { shape, data } = idsOf(some);
        return Promise.resolve({
          sum: float32(
            [some.length, 1],
            some.map((ids) => ids.reduce((a, b) => a + b, 0)),
          ),
          states: float32(
            [...shape, 2],
            [...data].flatMap((id) => [id, 10 - id]),
          ),
        });
      };
      const kindOf = ({ length }: Int32Array) => length;
      const { sum, states } = await encodeInRuns(batch, { kindOf, most, shapes, run });
      expect([sum.shape, states.shape]).toEqual([
        [batch.length, 1],
        [batch.length, longest, 2],
      ]);
      expect([...sum.data]).toEqual(batch.map((ids) => ids.reduce((a, b) => a + b, 0)));
      const padded = batch.flatMap((ids) =>
        Array.from({ length: longest }, (_, i) => (i < ids.length ? [ids[i], 10 - ids[i]!] : [0, 0])),
      );
      expect([...states.data]).toEqual(padded.flat());
      for (const lengths of runs) {
        expect(new Set(lengths).size).toBe(1);
        expect(lengths.length).toBeLessThanOrEqual(most);
      }
    }),
  );
});

test('the first of several views is kept, and only requested outputs are returned', async () => {
  const shapes = { embedding: [1], map: [2] };
  const options = {
    most: 2,
    shapes,
    run: (some: readonly number[]) =>
      Promise.resolve({
        map: float32(
          [2 * some.length, 2],
          some.flatMap((i) => [i, i + 0.5, -1, -1]),
        ),
      }),
  };
  const encoded = await encodeInRuns([1, 2, 3], { ...options, outputs: ['map'] });
  expect(encoded).toEqual({ map: float32([3, 2], [1, 1.5, 2, 2.5, 3, 3.5]) });
});

test('pixels of images of equal dimensions are concatenated', () => {
  const image = (first: number) => ({
    width: 2,
    height: 1,
    data: Uint8Array.from({ length: 6 }, (_, i) => first + i),
  });
  expect(pixelsOf([image(0), image(10)])).toEqual({
    dtype: 'uint8',
    shape: [2, 1, 2, 3],
    data: Uint8Array.of(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15),
  });
});
