// Corruption by degrees: level 0 leaves an item as it is, the same stream gives the same bytes, more takes more.
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import {
  corruptFace,
  corruptText,
  FACE_CORRUPTIONS,
  TEXT_CORRUPTIONS,
  wordsOf,
} from '../../src/export/corruption.js';

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
  '%s: nothing at level 0, nested levels, the same text from the same stream',
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

test('the share of dropped words equals the level on average', () => {
  const words = Array.from({ length: 4000 }, (_, i) => `w${i}`).join(' ');
  for (const kind of TEXT_CORRUPTIONS) {
    const made = wordsOf(corruptText(words, kind, 0.3, randomStream(2, kind), others));
    expect(made.filter((word) => word.startsWith('w')).length / 4000).toBeCloseTo(0.7, 1);
  }
});

test.each(FACE_CORRUPTIONS)(
  '%s: nothing at level 0, more at higher ones, the same from the same stream',
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

test('blur keeps the mean and constant areas, and removes alternating pixels', () => {
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

test('a rectangle of the requested area is covered, and nothing else', () => {
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

test('noise has the requested deviation; contrast shrinks towards the mean colour', () => {
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

test('replacing words requires other words', () => {
  expect(() => corruptText(SENTENCE, 'words replaced', 0.5, draw)).toThrow(/others/);
});
