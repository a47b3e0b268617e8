// Which of two sessions is to be trusted, told with made-up ones.
import { Tensor, type InferenceSession } from 'onnxruntime-common';
import { expect, test } from 'vitest';
import { compareSessions } from 'mien/parts/recognizer';

const SETTINGS = { tolerance: 1e-3, timing: true };

/** A session that gives these numbers, whatever it is fed, after so many milliseconds. */
const session = (values: readonly number[], milliseconds = 0): InferenceSession =>
  ({
    inputNames: ['ids', 'pixels', 'x'],
    inputMetadata: [
      { name: 'ids', isTensor: true, type: 'int32', shape: ['batch', 'tokens'] },
      { name: 'pixels', isTensor: true, type: 'uint8', shape: ['batch', 'height', 'width', 3] },
      { name: 'x', isTensor: true, type: 'float32', shape: ['batch', 5] },
    ],
    async run(feeds: Record<string, Tensor>) {
      expect(Object.values(feeds).map(({ dims }) => dims)).toEqual([
        [1, 32],
        [1, 112, 112, 3],
        [1, 5],
      ]);
      const until = performance.now() + milliseconds;
      while (performance.now() < until);
      return { logits: new Tensor('float32', Float32Array.from(values), [values.length]) };
    },
  }) as unknown as InferenceSession;

const compare = (fast: InferenceSession | undefined, settings = SETTINGS) =>
  compareSessions({ Tensor }, session([4, -2, 0]), fast, settings);

test('the difference is a share of the largest output', async () => {
  expect((await compare(session([4, -2, 0]))).difference).toBe(0);
  expect((await compare(session([4, -2.04, 0]))).difference).toBeCloseTo(0.01, 6);
});

test('what is no number, or cannot be computed, differs', async () => {
  expect((await compare(session([4, NaN, 0]))).difference).toBe(Infinity);
  expect((await compare(session([4, -2]))).difference).toBe(Infinity);
  expect((await compare(undefined)).difference).toBe(Infinity);
  const failing = { ...session([]), run: () => Promise.reject(new Error('device lost')) };
  expect((await compare(failing as unknown as InferenceSession)).difference).toBe(Infinity);
});

test('times are compared where they are to decide, and only among equals', async () => {
  expect((await compare(session([4, -2, 0], 20))).ratio).toBeLessThan(1);
  expect(await compare(session([4, -2, 0]), { ...SETTINGS, timing: false })).not.toHaveProperty('ratio');
  expect(await compare(session([0, 0, 0]))).not.toHaveProperty('ratio');
});
