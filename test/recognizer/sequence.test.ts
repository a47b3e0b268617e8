// Posteriors over time: averages by half-life, fading utterances, time that only goes forward.
import { expect, test } from 'vitest';
import { SHARED_LABELS, FACE_LABELS } from '../../src/data/labels.js';
import { startSession } from '../../src/recognizer/sequence.js';
import type { Item, Probabilities, Result } from '../../src/recognizer/types.js';

const mostly = (labels: readonly string[], label: string, p = 0.9): Probabilities =>
  Object.fromEntries(labels.map((one) => [one, one === label ? p : (1 - p) / (labels.length - 1)]));

/** A face's label stands in the image's place, a text is its label; `?` is no face. */
const recognize = async ({ text, image }: Item): Promise<Result> => {
  if (image === '?') return { error: { code: 'no-face', message: '' }, warnings: [] };
  const posterior = (labels: readonly string[], label: string) => ({
    ...{ label, probabilities: mostly(labels, label), logits: {} },
  });
  return {
    ...{ label: '', probabilities: {}, logits: {}, from: 'both', warnings: [] },
    ...(text ? { text: posterior(SHARED_LABELS, text) } : {}),
    ...(typeof image === 'string' ? { face: { ...posterior(FACE_LABELS, image), place: null } } : {}),
  };
};
const start = (options = {}) =>
  startSession(recognize, SHARED_LABELS, { faceHalfLife: 1, textHalfLife: 4, ...options });

test('after a half-life the old frame and the new one count the same', async () => {
  const session = start();
  const first = await session.push({ at: 0, image: 'joy' });
  expect(first.probabilities['joy']).toBeCloseTo(0.9, 12);
  const second = await session.push({ at: 1000, image: 'anger' });
  expect(second.probabilities['joy']).toBeCloseTo(second.probabilities['anger']!, 12);
  expect(Object.values(second.probabilities).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
});

test('one odd frame does not turn a steady posterior', async () => {
  const session = start();
  for (let i = 0; i < 30; i++) await session.push({ at: i * 100, image: 'joy' });
  expect((await session.push({ at: 3000, image: 'anger' })).label).toBe('joy');
  for (let i = 1; i < 30; i++) await session.push({ at: 3000 + i * 100, image: 'anger' });
  expect(session.now(6000).label).toBe('anger');
});

test('what was said decides beside a doubtful face, and fades', async () => {
  const session = start();
  await session.push({ at: 0, text: 'fear' });
  expect(session.now(0).probabilities['fear']).toBeCloseTo(0.9, 12);
  // After a half-life, the square root: .9^½ against .025^½.
  const half = Math.sqrt(0.9) / (Math.sqrt(0.9) + 4 * Math.sqrt(0.025));
  expect(session.now(4000).probabilities['fear']).toBeCloseTo(half, 12);
  expect(session.now(1e6).probabilities['fear']).toBeCloseTo(0.2, 6);
  expect((await session.push({ at: 1e6, image: 'joy' })).label).toBe('joy');
});

test('frames without a face leave the rest as it was, only older', async () => {
  const session = start();
  await session.push({ at: 0, image: 'joy' });
  const moment = await session.push({ at: 500, image: '?' });
  expect(moment.label).toBe('joy');
  expect(moment.result.error?.code).toBe('no-face');
  expect(moment.probabilities['joy']!).toBeLessThan(0.9);
  expect(start().now(0).probabilities['joy']).toBeCloseTo(0.2, 12);
});

test('time goes forward, half-lives are above zero', async () => {
  const session = start();
  await session.push({ at: 1000, image: 'joy' });
  await expect(session.push({ at: 999, image: 'joy' })).rejects.toThrow(/order of their time/);
  await expect(session.push({ at: Number.NaN, image: 'joy' })).rejects.toThrow(/at/);
  expect(() => start({ faceHalfLife: 0 })).toThrow(/faceHalfLife/);
});
