// Posteriors over time: averages by half-life, fading utterances, time that only goes forward.
import { expect, test, vi } from 'vitest';
import { SHARED_LABELS, FACE_LABELS } from '../../src/data/labels.js';
import { startSession } from '../../src/recognizer/sequence.js';
import { averageFrames } from '../../src/recognizer/smoothing.js';
import { trackFaces } from '../../src/recognizer/tracking.js';
import type { ReadItem } from '../../src/recognizer/read-item.js';
import type {
  FacePlace,
  LabelPrior,
  Probabilities,
  RecognizeOptions,
  Result,
} from '../../src/recognizer/types.js';

const mostly = (labels: readonly string[], label: string, p = 0.9): Probabilities =>
  Object.fromEntries(labels.map((one) => [one, one === label ? p : (1 - p) / (labels.length - 1)]));

/** A face's label stands in the image's place, a text is its label; `?` is no face. */
const recognize = async ({ text, image }: ReadItem): Promise<Result> => {
  if (image === '?') return { error: { code: 'no-face', message: '' }, warnings: [] };
  const posterior = (labels: readonly string[], label: string) => ({
    label,
    probabilities: mostly(labels, label),
    logits: {},
  });
  return {
    label: '',
    probabilities: {},
    logits: {},
    from: 'both',
    warnings: [],
    ...(text ? { text: { ...posterior(SHARED_LABELS, text), read: 1 } } : {}),
    ...(typeof image === 'string' ? { face: { ...posterior(FACE_LABELS, image), place: null } } : {}),
  };
};
const even = (labels: readonly string[]): number[] => labels.map(() => 1 / labels.length);
const info = {
  labels: { text: SHARED_LABELS, face: FACE_LABELS, fused: SHARED_LABELS },
  priors: { text: even(SHARED_LABELS), face: even(FACE_LABELS), both: even(SHARED_LABELS) },
};
const start = (options = {}) =>
  startSession(recognize, info, { faceHalfLife: 1, textHalfLife: 4, ...options });

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

test('evidence is multiplied and fades, and each prior counts once', async () => {
  // A face that says what faces of the training are like says nothing, nor does a text of that kind.
  const priors = { face: [0.8, 0.2], text: [0.4, 0.6], both: [0.3, 0.7] };
  const labels = { face: ['anger', 'joy'], text: ['anger', 'joy'] };
  const told = (values: readonly number[]) => {
    const probabilities = { anger: values[0]!, joy: values[1]! };
    return { label: 'anger', probabilities, logits: probabilities };
  };
  const ask = (face: readonly number[], text: readonly number[], prior?: LabelPrior) =>
    startSession(
      async ({ image }): Promise<Result> => ({
        ...told(text),
        from: 'text',
        warnings: [],
        ...(image === undefined
          ? { text: { ...told(text), read: 1 } }
          : { face: { ...told(face), place: null } }),
      }),
      { labels, priors },
      { faceHalfLife: 1, textHalfLife: 2, ...(prior ? { prior } : {}) },
    );
  const quiet = ask([0.8, 0.2], [0.4, 0.6]);
  expect(quiet.now(0).probabilities).toEqual({ anger: 0.3, joy: 0.7 });
  expect((await quiet.push({ at: 0, image: 'face' })).probabilities['anger']).toBeCloseTo(0.8, 12);
  expect((await quiet.push({ at: 0, text: 'words' })).probabilities['anger']).toBeCloseTo(0.3, 12);

  const loud = ask([0.5, 0.5], [0.8, 0.2]);
  await loud.push({ at: 0, image: 'face' });
  // Alone, a face fades into its own prior: odds of 1 are a quarter of the prior's, after a half-life half that.
  expect(loud.now(1000).probabilities['anger']).toBeCloseTo(2 / 3, 12);
  await loud.push({ at: 1000, text: 'words' });
  // Odds: 3/7 of the prior, ½ of the face after a half-life, 4 / (2/3) of the text.
  const odds = (3 / 7) * 0.5 * 6;
  expect(loud.now(1000).probabilities['anger']).toBeCloseTo(odds / (1 + odds), 12);
  const later = (3 / 7) * 0.25 ** 0.125 * 6 ** 0.5;
  expect(loud.now(3000).probabilities['anger']).toBeCloseTo(later / (1 + later), 12);

  // Both are stated under odds of 3 then, which are in the answer once.
  const weighed = ask([0.75, 0.25], [0.9, 0.1], { anger: 3 });
  expect(weighed.now(0).probabilities['anger']).toBeCloseTo(0.75, 12);
  await weighed.push({ at: 0, image: 'face' });
  expect((await weighed.push({ at: 0, text: 'words' })).probabilities['anger']).toBeCloseTo(0.9, 12);
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

test('without evidence there is no label', async () => {
  const session = start();
  const nothing = { label: null, probabilities: mostly(SHARED_LABELS, 'anger', 0.2) };
  expect(session.now(0)).toEqual({ at: 0, ...nothing });
  expect(await session.push({ at: 0, image: '?' })).toMatchObject(nothing);
  expect(await session.push({ at: 0, text: '' })).toMatchObject(nothing);
  expect((await session.push({ at: 0, image: 'sadness' })).label).toBe('sadness');
  expect(session.now(9_999)).toMatchObject({ label: 'sadness', face: expect.anything() as object });
  // Ten half-lives of a face, then of a text.
  expect(session.now(10_001)).toEqual({ at: 10_001, ...nothing });
  expect((await session.push({ at: 60_000, text: 'fear' })).label).toBe('fear');
  expect((await session.push({ at: 99_000, image: '?' })).label).toBe('fear');
  expect((await session.push({ at: 100_001, image: '?' })).label).toBeNull();
});

test('observations without a time do not depend on the wall clock', async () => {
  const session = start();
  const wall = vi.spyOn(Date, 'now');
  try {
    wall.mockReturnValue(2e12);
    await session.push({ image: 'joy' });
    wall.mockReturnValue(1e12);
    expect((await session.push({ image: 'joy' })).label).toBe('joy');
    expect(session.now().label).toBe('joy');
  } finally {
    wall.mockRestore();
  }
});

test('time goes forward, half-lives are above zero', async () => {
  const session = start();
  await session.push({ at: 1000, image: 'joy' });
  await expect(session.push({ at: 999, image: 'joy' })).rejects.toThrow(/order of their time/);
  await expect(session.push({ at: Number.NaN, image: 'joy' })).rejects.toThrow(/at/);
  expect(() => start({ faceHalfLife: 0 })).toThrow(/faceHalfLife/);
});

/** A face that stands at `x`. */
const placed = (x: number): Result => {
  const place: FacePlace = { box: { x, y: 0, width: 9, height: 9 }, keyPoints: {}, score: 1 };
  const posterior = { label: 'joy', probabilities: mostly(FACE_LABELS, 'joy'), logits: {} };
  return { ...posterior, from: 'face', warnings: [], face: { ...posterior, place } };
};
/** Where faces are looked for; everywhere where none is known. */
const xOf = ({ near = [] }: RecognizeOptions): number[] | 'everywhere' =>
  near.length === 0 ? 'everywhere' : near.map(({ box }) => box.x);

test('a face is followed until it is lost, and the whole frame is searched once a second', () => {
  const tracker = trackFaces();
  const look = (at: number, result: Result): number[] | 'everywhere' => {
    const options = tracker.options(at);
    tracker.saw(result, at);
    return xOf(options);
  };
  const lost: Result = { error: { code: 'no-face', message: '' }, warnings: [] };
  expect(look(0, placed(1))).toBe('everywhere');
  expect(look(100, placed(2))).toEqual([1]);
  expect(look(900, placed(3))).toEqual([2]);
  expect(look(1000, placed(4))).toBe('everywhere');
  expect(look(1900, lost)).toEqual([4]);
  expect(look(1950, placed(5))).toBe('everywhere');
  expect(look(2000, placed(6))).toEqual([5]);
});

test('a face that stands still is read where it was, for a while, and looked for as soon as it moves', () => {
  const tracker = trackFaces();
  const kind = (at: number, result: Result): string => {
    const options = tracker.options(at);
    tracker.saw(result, at);
    return options.near?.length === 0 ? 'search' : Object.keys(options).join();
  };
  expect(kind(0, placed(1))).toBe('search');
  // How fast it moves is known after two looks.
  expect(kind(40, placed(1))).toBe('near');
  expect(tracker.options(80).places?.map(({ box }) => box.x)).toEqual([1]);
  expect(kind(80, placed(1))).toBe('places');
  expect(kind(189, placed(1))).toBe('places');
  // A pixel of its nine in 150 ms is more than it may have moved by in 40, and less than in 5.
  expect(kind(190, placed(2))).toBe('near');
  expect(kind(195, placed(2))).toBe('places');
  expect(kind(235, placed(2))).toBe('near');
  expect(kind(1000, placed(2))).toBe('search');
  expect(kind(1040, placed(2))).toBe('near');
  const lost: Result = { error: { code: 'no-face', message: '' }, warnings: [] };
  expect(kind(1200, lost)).toBe('near');
  expect(kind(1210, placed(2))).toBe('search');
  expect(kind(1220, placed(2))).toBe('near');

  const always = trackFaces({ lookEvery: 0 });
  for (const at of [0, 10, 20]) always.saw(placed(1), at);
  expect(always.options(30)).toHaveProperty('near');
});

test('a session looks for a face where it was', async () => {
  const seen: (number[] | 'everywhere')[] = [];
  let x = 0;
  const session = startSession(async (_item, options = {}) => {
    seen.push(xOf(options));
    return placed(x++);
  }, info);
  for (const at of [0, 40, 80]) await session.push({ at, image: 'frame' });
  await session.push({ at: 90, text: 'words between two frames' });
  await session.push({ at: 120, image: 'frame' });
  expect([seen[0], seen[1], seen[2], seen[4]]).toEqual(['everywhere', [0], [1], [2]]);
});

test('frames are averaged by half-life, and anew when the face is lost or a text joins in', () => {
  const frame = (label: string, from: 'face' | 'both' = 'face'): Result => {
    const probabilities = mostly(FACE_LABELS, label);
    const posterior = { label, probabilities, logits: {} };
    return { ...posterior, from, face: { ...posterior, place: null }, warnings: [] };
  };
  const probability = (result: Result, label: string): number =>
    result.error ? NaN : result.probabilities[label]!;
  const average = averageFrames(1);
  expect(average(frame('joy'), 0)).toEqual(frame('joy'));
  const half = average(frame('anger'), 1000);
  expect(probability(half, 'joy')).toBeCloseTo(probability(half, 'anger'), 12);
  const soon = average(frame('fear'), 1010);
  expect(soon).toMatchObject({ label: 'anger', face: { label: 'anger' } });
  expect(average(frame('sadness', 'both'), 1020)).toMatchObject({ label: 'sadness' });
  const lost: Result = { error: { code: 'no-face', message: '' }, warnings: [] };
  expect(average(lost, 1030)).toBe(lost);
  expect(average(frame('anger', 'both'), 1040)).toMatchObject({ label: 'anger', face: { label: 'anger' } });
});
