// Augmentation of voices against what its settings state: ratios, bands, decay, masks, and the same draws again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGraph, float32, input, randomStream } from 'mien-engine';
import { levelled } from 'mien/parts/audio';
import { filtered, fourier } from '../../src/learn/fourier.js';
import { voiceLearnSettings } from '../../src/learn/settings.js';
import {
  augmentVoice,
  drawVoice,
  lengthAt,
  maskSpectrogram,
  muLaw,
  noiseSources,
  powerOf,
  roomResponse,
  throughTelephone,
  withNoise,
} from '../../src/learn/voice-augmentation.js';
import { compute, numbers } from '../../../engine/test/graph/harness.js';

const RATE = 16_000;
const noise = (length: number, index = 0): Float32Array => {
  const draw = randomStream(5, 'test noise', index);
  return Float32Array.from({ length }, () => 0.1 * draw.normal());
};
const tone = (hertz: number, length = 8000): Float32Array =>
  Float32Array.from({ length }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hertz * i) / RATE));
const decibels = (a: Float32Array, b: Float32Array): number => 10 * Math.log10(powerOf(a) / powerOf(b));

const all = voiceLearnSettings.parse({
  augmentation: { room: 1, equalizer: 1, noise: 1, telephone: 1 },
}).augmentation;
const none = voiceLearnSettings.parse({
  augmentation: { speed: 0, room: 0, equalizer: 0, noise: 0, telephone: 0, gain: 0 },
}).augmentation;

describe('the transform', () => {
  it('is the sum that defines it', () => {
    const [re, im] = [Float64Array.from(noise(16)), Float64Array.from(noise(16, 1))];
    const [x, y] = [re.slice(), im.slice()];
    fourier(re, im);
    for (let k = 0; k < 16; k++) {
      let [a, b] = [0, 0];
      for (let t = 0; t < 16; t++) {
        const angle = (-2 * Math.PI * k * t) / 16;
        a += x[t]! * Math.cos(angle) - y[t]! * Math.sin(angle);
        b += x[t]! * Math.sin(angle) + y[t]! * Math.cos(angle);
      }
      expect(re[k]).toBeCloseTo(a, 12);
      expect(im[k]).toBeCloseTo(b, 12);
    }
  });

  it('filters as a convolution with the impulse does', () => {
    const [x, h] = [noise(50), noise(7, 1)];
    const found = filtered(x, RATE, { impulse: h });
    expect(found).toHaveLength(50);
    found.forEach((value, i) => {
      let sum = 0;
      for (let k = 0; k < 7 && k <= i; k++) sum += h[k]! * x[i - k]!;
      expect(value).toBeCloseTo(sum, 6);
    });
  });
});

it('adds noise at the ratio that was drawn', () => {
  const clip = tone(300);
  for (const ratio of [5, 20, 40]) {
    const heard = withNoise(clip, noise(clip.length), ratio);
    const added = heard.map((value, i) => value - clip[i]!);
    expect(decibels(clip, added)).toBeCloseTo(ratio, 2);
  }
});

it('has pink noise that falls by 3 dB an octave', () => {
  const { white, pink } = noiseSources(1, [], 2 ** 15);
  const inOctave = (from: number) => (hertz: number) => Number(hertz >= from && hertz < 2 * from);
  const slope = (source: Float32Array) => {
    const octave = (from: number) => filtered(source, RATE, { gain: inOctave(from) });
    return decibels(octave(2000), octave(500));
  };
  expect(powerOf(pink)).toBeCloseTo(1, 4);
  // An octave twice as high is twice as wide.
  expect(slope(white)).toBeCloseTo(6, 0);
  expect(Math.abs(slope(pink))).toBeLessThan(0.5);
});

it('has rooms that decay by 60 dB in their time, with the direct sound’s share', () => {
  const { white } = noiseSources(1, [], 2 ** 15);
  const response = roomResponse({ seconds: 0.4, direct: 6, at: 0.3 }, white);
  const late = response.subarray(1);
  expect(response[0]).toBe(1);
  expect(-10 * Math.log10(powerOf(late) * late.length)).toBeCloseTo(6, 1);
  const tenth = late.length / 10;
  const part = (i: number) => late.subarray(i * tenth, (i + 1) * tenth);
  expect(decibels(part(1), part(7))).toBeCloseTo(36, -0.5);
});

describe('a telephone', () => {
  it('passes 300 to 3400 Hz and nothing else', () => {
    for (const hertz of [500, 1000, 3000]) {
      const found = throughTelephone(tone(hertz));
      expect(found).toHaveLength(8000);
      expect(Math.abs(decibels(found.subarray(800, 7200), tone(hertz).subarray(800, 7200)))).toBeLessThan(
        0.5,
      );
    }
    for (const hertz of [50, 4500, 7000])
      expect(decibels(throughTelephone(tone(hertz)), tone(hertz)), String(hertz)).toBeLessThan(-30);
  });

  it('codes samples to within an eighth of a per cent of full scale and 2.2 % of themselves', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (x) => {
        expect(Math.abs(muLaw(x) - x)).toBeLessThanOrEqual(0.00125 + 0.022 * Math.abs(x));
        expect(muLaw(muLaw(x))).toBeCloseTo(muLaw(x), 12);
      }),
    );
    expect(muLaw(0)).toBe(0);
    for (const side of [1, -1]) expect(muLaw(3 * side)).toBeCloseTo(side, 12);
  });
});

describe('a clip', () => {
  const clip = Float32Array.from(tone(220, 6000), (x, i) => x * Math.sin((Math.PI * i) / 6000));
  const sources = noiseSources(1, [noise(3000), noise(5000, 1)], 2 ** 15);

  it('is only levelled without augmentation', () => {
    const drawn = drawVoice(randomStream(1, 'draw'), none);
    expect(augmentVoice(clip, drawn, sources)).toEqual(levelled(clip));
  });

  it('is reproducible by its draw, finite, and of the predicted length', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 800, max: 6000 }), (index, length) => {
        const drawn = drawVoice(randomStream(3, 'draw', index), all);
        const part = clip.subarray(0, length);
        const found = augmentVoice(part, drawn, sources);
        expect(found).toHaveLength(lengthAt(length, drawn));
        expect(found.every(Number.isFinite)).toBe(true);
        expect(augmentVoice(part, drawVoice(randomStream(3, 'draw', index), all), sources)).toEqual(found);
      }),
      { numRuns: 8 },
    );
  });

  it('is drawn within the settings; a probability does not affect other draws', () => {
    for (let index = 0; index < 50; index++) {
      const drawn = drawVoice(randomStream(3, 'draw', index), all);
      expect(drawn.speed).toBeGreaterThanOrEqual(88);
      expect(drawn.speed).toBeLessThanOrEqual(112);
      expect(drawn.noise!.ratio).toBeGreaterThanOrEqual(5);
      expect(drawn.noise!.ratio).toBeLessThanOrEqual(40);
      expect(drawn.timeMasks).toHaveLength(2);
      for (const [from, to] of drawn.timeMasks) {
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(1);
        expect(to - from).toBeLessThanOrEqual(0.15 + 1e-9);
      }
      const without = drawVoice(randomStream(3, 'draw', index), { ...all, room: 0, noise: 0 });
      expect(without).toEqual({ ...drawn, room: undefined, noise: undefined });
    }
  });
});

it('masks of a spectrogram remove whole frames and bands, and nothing else', async () => {
  const graph = createGraph('masks');
  const mel = input(graph, 'mel', 'float32', [2, 4, 6]);
  const timeMasks = input(graph, 'timeMasks', 'float32', [2, 2, 2]);
  const bandMasks = input(graph, 'bandMasks', 'float32', [2, 1, 2]);
  const masked = maskSpectrogram(mel, { timeMasks, bandMasks });
  const found = numbers(
    (
      await compute(
        graph,
        { masked },
        {
          mel: float32([2, 4, 6], new Float32Array(48).fill(1)),
          timeMasks: float32([2, 2, 2], [0, 1, 4, 6, 0, 0, 0, 0]),
          bandMasks: float32([2, 1, 2], [1, 2, 3, 3]),
        },
      )
    )['masked'],
  );
  const row = [0, 1, 1, 1, 0, 0];
  expect(found.slice(0, 24)).toEqual([...row, 0, 0, 0, 0, 0, 0, ...row, ...row]);
  expect(found.slice(24)).toEqual(new Array(24).fill(1));
  expect(maskSpectrogram(mel, {})).toBe(mel);
});
