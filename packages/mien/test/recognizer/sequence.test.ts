// Posteriors over time: averages by half-life, decaying utterances, times in order.
import { expect, test, vi } from 'vitest';
import { SHARED_LABELS, FACE_LABELS } from '../../src/data/labels.js';
import { averageFrames, startSession } from '../../src/recognizer/sequence.js';
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

/** Image and recording are the labels of face and voice, the text its own; `?` is an image without a face, or silence. */
const recognize = async ({ text, image, audio }: ReadItem): Promise<Result> => {
  if (image === '?') return { error: { code: 'no-face', message: '' }, warnings: [] };
  if (audio === '?') return { error: { code: 'silent-audio', message: '' }, warnings: [] };
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
    ...(typeof audio === 'string' ? { voice: { ...posterior(FACE_LABELS, audio), seconds: 1 } } : {}),
  };
};
const even = (labels: readonly string[]): number[] => labels.map(() => 1 / labels.length);
const info = {
  labels: { text: SHARED_LABELS, face: FACE_LABELS, fused: SHARED_LABELS },
  priors: { text: even(SHARED_LABELS), face: even(FACE_LABELS), both: even(SHARED_LABELS) },
};
const start = (options = {}) =>
  startSession(recognize, info, { faceHalfLife: 1, textHalfLife: 4, ...options });
/** A session of a bundle that reads voices too. */
const startHearing = (options = {}) =>
  startSession(
    recognize,
    {
      labels: { ...info.labels, voice: FACE_LABELS },
      priors: { ...info.priors, voice: even(FACE_LABELS) },
    },
    { faceHalfLife: 1, textHalfLife: 4, voiceHalfLife: 2, ...options },
  );

test('weights the old and the new frame equally after a half-life', async () => {
  const session = start();
  const first = await session.push({ at: 0, image: 'joy' });
  expect(first.probabilities['joy']).toBeCloseTo(0.9, 12);
  const second = await session.push({ at: 1000, image: 'anger' });
  expect(second.probabilities['joy']).toBeCloseTo(second.probabilities['anger']!, 12);
  expect(Object.values(second.probabilities).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
});

test('a single deviating frame does not change the label', async () => {
  const session = start();
  for (let i = 0; i < 30; i++) await session.push({ at: i * 100, image: 'joy' });
  expect((await session.push({ at: 3000, image: 'anger' })).label).toBe('joy');
  for (let i = 1; i < 30; i++) await session.push({ at: 3000 + i * 100, image: 'anger' });
  expect(session.now(6000).label).toBe('anger');
});

test('an utterance decays towards the prior', async () => {
  const session = start();
  await session.push({ at: 0, text: 'fear' });
  expect(session.now(0).probabilities['fear']).toBeCloseTo(0.9, 12);
  // After a half-life, the square root: .9^½ against .025^½.
  const half = Math.sqrt(0.9) / (Math.sqrt(0.9) + 4 * Math.sqrt(0.025));
  expect(session.now(4000).probabilities['fear']).toBeCloseTo(half, 12);
  expect(session.now(1e6).probabilities['fear']).toBeCloseTo(0.2, 6);
  expect((await session.push({ at: 1e6, image: 'joy' })).label).toBe('joy');
});

test('evidence is multiplied and decays, and each prior counts once', async () => {
  // A posterior that equals the training prior is no evidence.
  const priors = { face: [0.8, 0.2], text: [0.4, 0.6], both: [0.3, 0.7] };
  const labels = { face: ['anger', 'joy'], text: ['anger', 'joy'] };
  const posterior = (values: readonly number[]) => {
    const probabilities = { anger: values[0]!, joy: values[1]! };
    return { label: 'anger', probabilities, logits: probabilities };
  };
  const sessionWith = (face: readonly number[], text: readonly number[], prior?: LabelPrior) =>
    startSession(
      async ({ image }): Promise<Result> => ({
        ...posterior(text),
        from: 'text',
        warnings: [],
        ...(image === undefined
          ? { text: { ...posterior(text), read: 1 } }
          : { face: { ...posterior(face), place: null } }),
      }),
      { labels, priors },
      { faceHalfLife: 1, textHalfLife: 2, ...(prior ? { prior } : {}) },
    );
  const uninformative = sessionWith([0.8, 0.2], [0.4, 0.6]);
  expect(uninformative.now(0).probabilities).toEqual({ anger: 0.3, joy: 0.7 });
  expect((await uninformative.push({ at: 0, image: 'face' })).probabilities['anger']).toBeCloseTo(0.8, 12);
  expect((await uninformative.push({ at: 0, text: 'words' })).probabilities['anger']).toBeCloseTo(0.3, 12);

  const informative = sessionWith([0.5, 0.5], [0.8, 0.2]);
  await informative.push({ at: 0, image: 'face' });
  // A face alone decays towards its prior: the odds ratio to the prior is ¼, after a half-life ½.
  expect(informative.now(1000).probabilities['anger']).toBeCloseTo(2 / 3, 12);
  await informative.push({ at: 1000, text: 'words' });
  // Odds: 3/7 from the prior, ½ from the face after a half-life, 4 / (2/3) from the text.
  const odds = (3 / 7) * 0.5 * 6;
  expect(informative.now(1000).probabilities['anger']).toBeCloseTo(odds / (1 + odds), 12);
  const later = (3 / 7) * 0.25 ** 0.125 * 6 ** 0.5;
  expect(informative.now(3000).probabilities['anger']).toBeCloseTo(later / (1 + later), 12);

  // Both posteriors have prior odds of 3, which count once in the answer.
  const weighted = sessionWith([0.75, 0.25], [0.9, 0.1], { anger: 3 });
  expect(weighted.now(0).probabilities['anger']).toBeCloseTo(0.75, 12);
  await weighted.push({ at: 0, image: 'face' });
  expect((await weighted.push({ at: 0, text: 'words' })).probabilities['anger']).toBeCloseTo(0.9, 12);
});

test('frames without a face only let the evidence decay', async () => {
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

/** What is left of an even posterior over seven labels after a half-life of a voice: its state may have been drawn anew. */
const relaxed = (p: number): number => p / 2 + 1 / 14;

test('a voice follows a hidden Markov model: half of the state is left after a half-life', async () => {
  const session = startHearing();
  const first = await session.push({ at: 0, audio: 'neutral' });
  expect(first).toMatchObject({ label: 'neutral', voice: mostly(FACE_LABELS, 'neutral') });
  const after = session.now(2000).voice!;
  expect(after['neutral']).toBeCloseTo(relaxed(0.9), 12);
  expect(after['joy']).toBeCloseTo(relaxed(1 / 60), 12);
  const { voice, probabilities, label } = await session.push({ at: 2000, audio: 'fear' });
  expect(voice!['fear']! / voice!['neutral']!).toBeCloseTo((relaxed(1 / 60) * 0.9) / (relaxed(0.9) / 60), 9);
  expect(Object.values(voice!).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  expect(probabilities).toEqual(voice);
  expect(label).toBe('fear');
  expect(session.now(22_001)).toMatchObject({ label: null });
});

test('a voice’s posterior is the sum over all paths of its states', async () => {
  const prior = [0.5, 0.3, 0.2];
  const labels = ['anger', 'joy', 'neutral'];
  const heard = [
    { at: 0, p: [0.6, 0.3, 0.1] },
    { at: 700, p: [0.2, 0.7, 0.1] },
    { at: 3100, p: [0.3, 0.3, 0.4] },
    { at: 3500, p: [0.5, 0.1, 0.4] },
  ];
  const session = startSession(
    async ({ audio }): Promise<Result> => {
      const probabilities = Object.fromEntries(labels.map((label, i) => [label, (audio as number[])[i]!]));
      const posterior = { label: '', probabilities, logits: {} };
      return { ...posterior, from: 'voice', voice: { ...posterior, seconds: 1 }, warnings: [] };
    },
    { labels: { voice: labels }, priors: { voice: prior } },
    { voiceHalfLife: 1.5 },
  );
  let found: Probabilities = {};
  for (const { at, p } of heard) found = (await session.push({ at, audio: p as never })).probabilities;

  const sums = labels.map(() => 0);
  for (let path = 0; path < 3 ** heard.length; path++) {
    const states = heard.map((_, t) => Math.floor(path / 3 ** t) % 3);
    const weight = states.reduce((product, state, t) => {
      const stays = t === 0 ? 0 : 2 ** (-(heard[t]!.at - heard[t - 1]!.at) / 1500);
      const same = t > 0 && states[t - 1] === state ? stays : 0;
      return product * (same + (1 - stays) * prior[state]!) * (heard[t]!.p[state]! / prior[state]!);
    }, 1);
    sums[states.at(-1)!]! += weight;
  }
  const total = sums.reduce((a, b) => a + b);
  labels.forEach((label, i) => expect(found[label]).toBeCloseTo(sums[i]! / total, 12));
});

test('face, text and voice decay each by their own half-life; what is missing between only decays', async () => {
  const session = startHearing();
  await session.push({ at: 0, image: 'joy', text: 'joy', audio: 'anger' });
  // No sound and no face are no evidence against either.
  await session.push({ at: 500, audio: '?' });
  await session.push({ at: 1000, image: '?' });
  const { label, probabilities, ...sides } = await session.push({ at: 2000, text: 'fear' });
  // Ratios of the probabilities of two labels: the face's to the power of its weight, ¼; the voice's after a half-life.
  const ratio = (of: Probabilities | undefined, one: string, other: string) => of![one]! / of![other]!;
  const [alone, five] = [0.9 / (0.1 / 6), 0.9 / 0.025];
  expect(ratio(sides.face, 'joy', 'sadness')).toBeCloseTo(alone ** 0.25, 9);
  expect(ratio(sides.text, 'fear', 'sadness')).toBeCloseTo(five, 9);
  const spoken = relaxed(0.9) / relaxed(1 / 60);
  expect(ratio(sides.voice, 'anger', 'sadness')).toBeCloseTo(spoken, 9);
  // The product over the labels of all three.
  expect(Object.keys(probabilities)).toEqual([...SHARED_LABELS]);
  expect(ratio(probabilities, 'joy', 'sadness')).toBeCloseTo(alone ** 0.25, 9);
  expect(ratio(probabilities, 'anger', 'sadness')).toBeCloseTo(spoken, 9);
  expect(label).toBe('fear');
  // Ten half-lives of the face, then of the voice: what is left is the text.
  const after = session.now(10_001);
  expect(Object.keys(after).filter((key) => ['face', 'text', 'voice'].includes(key))).toEqual([
    'text',
    'voice',
  ]);
  expect(session.now(20_001).voice).toBeUndefined();
  // A voice before the last observation is refused, whatever else there is, and changes nothing.
  await expect(session.push({ at: 1999, audio: 'joy' })).rejects.toMatchObject({ code: 'usage' });
  expect(session.now(10_001)).toEqual(after);
});

test('a voice alone is answered over its labels, beside a text over those in common', async () => {
  const session = startHearing();
  expect(Object.keys((await session.push({ at: 0, audio: 'surprise' })).probabilities)).toEqual([
    ...FACE_LABELS,
  ]);
  const both = await session.push({ at: 0, text: 'joy' });
  expect(Object.keys(both.probabilities)).toEqual([...SHARED_LABELS]);
  expect(both.label).toBe('joy');
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

test('rejects observations out of order, and half-lives of zero', async () => {
  const session = start();
  await session.push({ at: 1000, image: 'joy' });
  await expect(session.push({ at: 999, image: 'joy' })).rejects.toThrow(/chronological order/);
  await expect(session.push({ at: Number.NaN, image: 'joy' })).rejects.toThrow(/at/);
  expect(() => start({ faceHalfLife: 0 })).toThrow(/faceHalfLife/);
  expect(() => start({ voiceHalfLife: -1 })).toThrow(/voiceHalfLife/);
});

/** A result with a face at `x`. */
const placed = (x: number): Result => {
  const place: FacePlace = { box: { x, y: 0, width: 9, height: 9 }, keyPoints: {}, score: 1 };
  const posterior = { label: 'joy', probabilities: mostly(FACE_LABELS, 'joy'), logits: {} };
  return { ...posterior, from: 'face', warnings: [], face: { ...posterior, place } };
};
/** Where faces are searched for. */
const xOf = ({ near = [] }: RecognizeOptions): number[] | 'everywhere' =>
  near.length === 0 ? 'everywhere' : near.map(({ box }) => box.x);

test('tracks a face until it is lost, and searches the whole frame once a second', () => {
  const tracker = trackFaces();
  const searchedAt = (at: number, result: Result): number[] | 'everywhere' => {
    const options = tracker.options(at);
    tracker.saw(result, at);
    return xOf(options);
  };
  const lost: Result = { error: { code: 'no-face', message: '' }, warnings: [] };
  expect(searchedAt(0, placed(1))).toBe('everywhere');
  expect(searchedAt(100, placed(2))).toEqual([1]);
  expect(searchedAt(900, placed(3))).toEqual([2]);
  expect(searchedAt(1000, placed(4))).toBe('everywhere');
  expect(searchedAt(1900, lost)).toEqual([4]);
  expect(searchedAt(1950, placed(5))).toBe('everywhere');
  expect(searchedAt(2000, placed(6))).toEqual([5]);
});

test('reuses the tracked box of a face that stands still, and detects it again once it moves', () => {
  const tracker = trackFaces();
  const kind = (at: number, result: Result): string => {
    const options = tracker.options(at);
    tracker.saw(result, at);
    return options.near?.length === 0 ? 'search' : Object.keys(options).join();
  };
  expect(kind(0, placed(1))).toBe('search');
  // Its speed is known after two detections.
  expect(kind(40, placed(1))).toBe('near');
  expect(tracker.options(80).places?.map(({ box }) => box.x)).toEqual([1]);
  expect(kind(80, placed(1))).toBe('places');
  expect(kind(189, placed(1))).toBe('places');
  // One of its nine pixels in 150 ms exceeds the allowed movement after 40 ms, but not after 5.
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

test('a session searches for a face where it was', async () => {
  const searched: (number[] | 'everywhere')[] = [];
  let x = 0;
  const session = startSession(async (_item, options = {}) => {
    searched.push(xOf(options));
    return placed(x++);
  }, info);
  for (const at of [0, 40, 80]) await session.push({ at, image: 'frame' });
  await session.push({ at: 90, text: 'words between two frames' });
  await session.push({ at: 120, image: 'frame' });
  expect([searched[0], searched[1], searched[2], searched[4]]).toEqual(['everywhere', [0], [1], [2]]);
});

test('averages frames by half-life, and restarts when the face is lost or a text is added', () => {
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
