// Corruption by degrees, of each modality: level 0 leaves an item as it is, the same stream gives the same, more takes more.
import { expect, test } from 'vitest';
import { relativeError } from '../../../../test/support/golden.js';
import { type RandomStream, randomStream } from 'mien-engine/base';
import type { DecodedImage } from 'mien/parts/encoders';
import { MODALITIES } from 'mien/parts/bundle';
import { levelled, SPEECH_RATE } from 'mien/parts/audio';
import { powerOf, throughTelephone } from '../../src/learn/voice-augmentation.js';
import {
  corrupt,
  corruptByChance,
  degreesOf,
  kindsOf,
  type ModalityCorruptions,
} from '../../src/modalities/corruption.js';
import { type CorruptionKind, corruptions } from '../../src/modalities/list.js';
import { wordsOf } from '../../src/modalities/text.js';
import { ratioOf } from '../../src/modalities/voice.js';

const TEXT_CORRUPTIONS = kindsOf(corruptions.text);
const FACE_CORRUPTIONS = kindsOf(corruptions.face);
const corruptText = (
  text: string,
  kind: CorruptionKind<'text'>,
  level: number,
  draw: RandomStream,
  others: readonly string[] = [],
) => corrupt(corruptions.text, text, kind, level, draw, others);
const corruptFace = (face: DecodedImage, kind: CorruptionKind<'face'>, level: number, draw: RandomStream) =>
  corrupt(corruptions.face, face, kind, level, draw, undefined);

const SENTENCE = 'I felt so happy when my old friend came to see me after all these long years';
const others = ['uno', 'dos', 'tres'];
const draw = randomStream(3, 'image');
const smooth = (x: number, y: number, c: number) => 128 + 60 * Math.sin(x / 3 + c) + 50 * Math.cos(y / 4);
const image = {
  width: 40,
  height: 30,
  data: Uint8Array.from({ length: 3600 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return smooth(pixel % 40, Math.floor(pixel / 40), i % 3) + draw.integer(16);
  }),
};
const distance = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
const at = (level: number, kind: (typeof FACE_CORRUPTIONS)[number]) =>
  corruptFace(image, kind, level, randomStream(1, kind, 7));

test.each(TEXT_CORRUPTIONS)(
  '%s changes nothing at level 0, at a higher level the same and more, and does so again from the same stream',
  (kind) => {
    const made = (level: number) => corruptText(SENTENCE, kind, level, randomStream(1, kind, 7), others);
    expect(made(0)).toBe(SENTENCE);
    expect(made(0.5)).toBe(made(0.5));
    const left = [0.1, 0.3, 0.5, 0.7, 0.9, 1].map((level) =>
      wordsOf(made(level)).filter((word) => !others.includes(word)),
    );
    left.slice(1).forEach((words, i) => {
      expect(left[i]).toEqual(expect.arrayContaining(words));
      expect(words.length).toBeLessThanOrEqual(left[i]!.length);
    });
    expect(wordsOf(made(1))).toHaveLength(kind === 'words dropped' ? 1 : wordsOf(SENTENCE).length);
  },
);

test('on average as many words go as the level says', () => {
  const words = Array.from({ length: 4000 }, (_, i) => `w${i}`).join(' ');
  for (const kind of TEXT_CORRUPTIONS) {
    const made = wordsOf(corruptText(words, kind, 0.3, randomStream(2, kind), others));
    expect(made.filter((word) => word.startsWith('w')).length / 4000).toBeCloseTo(0.7, 1);
  }
});

test.each(FACE_CORRUPTIONS)(
  '%s changes nothing at level 0 and more at higher ones, and does so again from the same stream',
  (kind) => {
    expect(at(0, kind)).toEqual(image);
    expect(at(0.3, kind)).toEqual(at(0.3, kind));
    const far = [0.05, 0.2, 0.6].map((level) => distance(image.data, at(level, kind).data));
    expect(far[0]).toBeGreaterThan(0);
    expect(far[1]).toBeGreaterThan(far[0]!);
    expect(far[2]).toBeGreaterThan(far[1]!);
    const { width, height, data } = at(1, kind);
    expect([width, height, data.length]).toEqual([40, 30, 3600]);
  },
);

test('blur keeps the mean and a plane surface, and takes away what alternates', () => {
  const mean = (data: Uint8Array) => data.reduce((a, b) => a + b) / data.length;
  const flat = { width: 9, height: 7, data: new Uint8Array(189).fill(77) };
  expect(corruptFace(flat, 'blur', 0.3, draw)).toEqual(flat);
  const board = {
    width: 32,
    height: 32,
    data: Uint8Array.from({ length: 3072 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return (pixel + (pixel >> 5)) % 2 ? 200 : 100;
    }),
  };
  const { data } = corruptFace(board, 'blur', 2 / 32, draw);
  expect(mean(data)).toBeCloseTo(150, 0);
  expect(Math.max(...data) - Math.min(...data)).toBeLessThan(30);
});

test('a rectangle of the wanted area is covered, and nothing else', () => {
  for (const level of [0.1, 0.25, 0.5, 0.9, 1])
    for (let item = 0; item < 20; item++) {
      const { data } = corruptFace(image, 'occlusion', level, randomStream(0, 'place', item));
      const shades = new Map<string, number>();
      for (let i = 0; i < data.length; i += 3) {
        if ([0, 1, 2].every((c) => data[i + c] === image.data[i + c])) continue;
        const shade = data.subarray(i, i + 3).join();
        shades.set(shade, (shades.get(shade) ?? 0) + 1);
      }
      expect(shades.size).toBe(1);
      expect([...shades.values()][0]! / 1200).toBeCloseTo(level, 1);
    }
});

test('noise has the deviation asked for; contrast shrinks towards the mean colour', () => {
  const grey = { width: 50, height: 50, data: new Uint8Array(7500).fill(128) };
  const { data } = corruptFace(grey, 'noise', 0.1, randomStream(0, 'noise'));
  expect(Math.sqrt(data.reduce((sum, value) => sum + (value - 128) ** 2, 0) / 7500)).toBeCloseTo(25.5, -0.5);
  for (let i = 0; i < 7500; i += 3) expect(data[i]).toBe(data[i + 1]);
  const range = (values: Uint8Array) => Math.max(...values) - Math.min(...values);
  const colour = (values: Uint8Array) => values.filter((_, i) => i % 3 === 0);
  const before = range(colour(image.data));
  expect(range(colour(at(0.8, 'contrast lost').data)) / before).toBeCloseTo(0.2, 1);
  expect(range(colour(at(1, 'contrast lost').data))).toBe(0);
});

test.each([-0.1, 1.1, Number.NaN])('the level %d is refused', (level) => {
  expect(() => corruptText(SENTENCE, 'words dropped', level, draw)).toThrow(/from 0 to 1/);
  expect(() => corruptFace(image, 'blur', level, draw)).toThrow(/from 0 to 1/);
});

test('words cannot be replaced if there are no others', () => {
  expect(() => corruptText(SENTENCE, 'words replaced', 0.5, draw)).toThrow(/others/);
});

test('every modality of the list says how it is made worse, by kinds of its own name', () => {
  expect(Object.keys(corruptions)).toEqual([...MODALITIES]);
  const all: ModalityCorruptions[] = Object.values(corruptions) as ModalityCorruptions[];
  const kinds = all.flatMap((one) => kindsOf(one));
  expect(new Set(kinds).size).toBe(kinds.length);
  for (const { kinds: own } of all)
    for (const { worst, levels } of Object.values(own)) {
      for (const level of [worst, ...levels]) expect(level > 0 && level <= 1).toBe(true);
      expect([...levels].sort((a, b) => a - b)).toEqual(levels);
    }
  expect(degreesOf(corruptions.face)).toContainEqual({ as: 'occlusion', level: 0.4 });
});

/** Syllables of a falling tone with pauses between them, 1 s. */
const speech = Float32Array.from({ length: SPEECH_RATE }, (_, i) => {
  const t = i / SPEECH_RATE;
  return 0.2 * Math.sin(2 * Math.PI * (260 - 80 * t) * t) * Math.max(0.02, Math.sin(2 * Math.PI * 4 * t));
});
const murmur = (index: number): Float32Array => {
  const stream = randomStream(9, 'murmur', index);
  return Float32Array.from({ length: 9000 }, () => 0.1 * stream.normal());
};
const voices = [murmur(0), murmur(1), murmur(2)];
const spoilt = (kind: CorruptionKind<'voice'>, level: number, sound: Float32Array = speech) =>
  corrupt(corruptions.voice, sound, kind, level, randomStream(1, kind, 7), voices);
const apart = (a: Float32Array, b: Float32Array): number => powerOf(a.map((sample, i) => sample - b[i]!));
const decibels = (ratio: number): number => 10 * Math.log10(ratio);

test.each(kindsOf(corruptions.voice))(
  '%s changes nothing of a voice at level 0 and more at higher ones, and does so again from the same stream',
  (kind) => {
    expect(spoilt(kind, 0)).toBe(speech);
    expect(spoilt(kind, 0.5)).toEqual(spoilt(kind, 0.5));
    // As an encoder would hear them.
    const far = [0.2, 0.6, 1].map((level) => apart(levelled(spoilt(kind, level)), levelled(speech)));
    expect(far[0]).toBeGreaterThan(0);
    expect(far[1]).toBeGreaterThan(far[0]!);
    expect(far[2]).toBeGreaterThan(far[1]!);
    for (const level of [0.01, 1]) {
      const made = spoilt(kind, level);
      expect(made).toHaveLength(speech.length);
      expect(made.every(Number.isFinite) && powerOf(made) > 0).toBe(true);
    }
    const silence = new Float32Array(4000);
    if (kind !== 'other voices') expect(powerOf(spoilt(kind, 0.5, silence))).toBeLessThan(1e-20);
  },
);

test.each(['background noise', 'other voices'] as const)(
  '%s is at the ratio that its level means',
  (kind) => {
    for (const [level, ratio] of [
      [1 / 11, 20],
      [0.5, 0],
      [10 / 11, -20],
    ] as const) {
      expect(ratioOf(level)).toBeCloseTo(ratio, 9);
      expect(decibels(powerOf(speech) / apart(spoilt(kind, level), speech))).toBeCloseTo(ratio, 3);
    }
  },
);

test('other voices are those of other items only', () => {
  const stream = () => randomStream(1, 'voices');
  const beside = (others: readonly Float32Array[]) =>
    corrupt(corruptions.voice, speech, 'other voices', 0.5, stream(), others);
  expect(beside([speech, voices[0]!])).toEqual(beside([voices[0]!]));
  for (const others of [[], [speech], [new Float32Array(0)]])
    expect(() => beside(others)).toThrow(/others|other/);
});

test('at level 1 a voice is as a telephone makes it, at .5 half as far from what it was', () => {
  // What it takes away is added to the clip: close to zero, less than the clip's own rounding is left.
  expect(relativeError(spoilt('telephone', 1), throughTelephone(speech))).toBeLessThan(1e-7);
  const [half, whole] = [0.5, 1].map((level) => apart(spoilt('telephone', level), speech));
  expect(whole! / half!).toBeCloseTo(4, 3);
});

test('as many samples are clipped as the level says', () => {
  const noise = murmur(3);
  for (const level of [0.1, 0.4, 0.9]) {
    const made = spoilt('clipping', level, noise);
    const most = made.reduce((a, b) => Math.max(a, b));
    const cut = made.filter((sample) => Math.abs(sample) >= most).length / made.length;
    expect(cut).toBeCloseTo(level, 2);
    expect(made.every((sample, i) => Math.sign(sample) === Math.sign(noise[i]!))).toBe(true);
  }
});

test('a recording that is too quiet has as few steps as bits are left', () => {
  for (const [level, bits] of [
    [1 / 3, 11],
    [0.8, 4],
    [1, 1],
  ] as const) {
    const steps = new Set(spoilt('too quiet', level, murmur(4)).map((x) => x + 0)).size;
    expect(steps).toBeLessThanOrEqual(2 ** bits + 1);
    expect(steps).toBeGreaterThan(2 ** (bits - 2));
  }
});

test('a room adds its decaying sound at the ratio that the level means', () => {
  const click = new Float32Array(SPEECH_RATE);
  click[0] = 1;
  for (const level of [0.25, 0.5, 0.75]) {
    const made = spoilt('reverberation', level, click);
    expect(made[0]).toBeCloseTo(1, 5);
    const tail = made.subarray(1);
    expect(decibels(1 / (powerOf(tail) * tail.length))).toBeCloseTo(ratioOf(level), 2);
    const [early, late] = [tail.subarray(0, 2000), tail.subarray(4000, 6000)];
    expect(powerOf(early)).toBeGreaterThan(3 * powerOf(late));
  }
});

test('what is drawn by chance is one of the kinds, at most at its worst', () => {
  const made = corruptions.text;
  const chances = Array.from({ length: 60 }, (_, i) =>
    wordsOf(corruptByChance(made, SENTENCE, randomStream(4, 'chance', i), others)),
  );
  const kinds = chances.map((words) => (words.length < wordsOf(SENTENCE).length ? 'dropped' : 'replaced'));
  expect(new Set(kinds).size).toBe(2);
  expect(corruptByChance(made, SENTENCE, randomStream(4, 'chance', 3), others)).toBe(chances[3]!.join(' '));
});
