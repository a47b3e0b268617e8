// Cutting at pauses: made voices at known times, parts of any size, and sound that is no speech.
import fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  constant,
  createGraph,
  encodeModel,
  float32,
  input,
  max,
  mul,
  randomStream,
  reshape,
} from 'mien-engine';
import { createActivityDetector } from '../../src/audio/activity.js';
import { createSegmenter, type SegmentOptions, speechSegments } from '../../src/audio/segments.js';
import { createSileroDetector } from '../../src/audio/silero.js';

const RATE = 16_000;

const noise = (seconds: number, deviation: number, name = 'noise'): Float32Array => {
  const draw = randomStream(1, name);
  return Float32Array.from({ length: Math.round(seconds * RATE) }, () => deviation * draw.normal());
};

/** Adds a voice of changing pitch with four syllables a second, RMS about 0.05. */
function addVoice(samples: Float32Array, start: number, end: number): void {
  let phase = 0;
  for (let i = Math.round(start * RATE); i < Math.round(end * RATE); i++) {
    const t = i / RATE - start;
    phase += (2 * Math.PI * (150 + 30 * Math.sin(2 * Math.PI * 0.7 * t))) / RATE;
    let sum = 0;
    for (let k = 1; k <= 12; k++) sum += Math.sin(k * phase) / k;
    samples[i]! += 0.05 * sum * (0.65 + 0.35 * Math.sin(2 * Math.PI * 4 * t));
  }
}

function speech(
  seconds: number,
  voices: readonly (readonly [number, number])[],
  deviation = 0.003,
): Float32Array {
  const samples = noise(seconds, deviation);
  for (const [start, end] of voices) addVoice(samples, start, end);
  return samples;
}

/** Much faster than an assertion on every element. */
const sameSamples = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((sample, i) => sample === b[i]);

const bounds = async (samples: Float32Array, options?: SegmentOptions) =>
  (await speechSegments(samples, options)).map(({ start, end }) => [start, end] as const);

describe('segments of speech', () => {
  it('contain the voice, with a little of its surroundings', async () => {
    const samples = speech(9, [
      [1, 2.5],
      [4, 6],
      [7.5, 8.2],
    ]);
    const found = await speechSegments(samples);
    expect(found).toHaveLength(3);
    for (const [i, [start, end]] of [
      [1, 2.5],
      [4, 6],
      [7.5, 8.2],
    ].entries()) {
      const segment = found[i]!;
      expect(segment.start).toBeLessThanOrEqual(start!);
      expect(segment.start).toBeGreaterThan(start! - 0.45);
      expect(segment.end).toBeGreaterThanOrEqual(end!);
      expect(segment.end).toBeLessThan(end! + 0.45);
    }
  });

  it('continue across pauses shorter than the option says', async () => {
    const samples = speech(8, [
      [1, 2.5],
      [2.8, 4],
      [5.2, 6.5],
    ]);
    expect(await bounds(samples)).toHaveLength(2);
    expect(await bounds(samples, { pause: 2 })).toHaveLength(1);
  });

  it('start and end with the recording if speech does', async () => {
    const [whole, ...others] = await bounds(speech(2.013, [[0, 2.013]]));
    expect(others).toEqual([]);
    expect(whole![0]).toBeLessThan(0.1);
    expect(whole![1]).toBe(2.013);
  });

  it('are found in quiet and in loud recordings, and by 5 dB in noise', async () => {
    const voices = [
      [1, 3],
      [4.5, 6],
    ] as const;
    for (const gain of [0.02, 1, 15]) {
      const samples = speech(7.5, voices, 0.003).map((x) => gain * x);
      expect(await bounds(samples), `gain ${gain}`).toHaveLength(2);
    }
    expect(await bounds(speech(7.5, voices, 0.03))).toHaveLength(2);
  });

  it('of speech without a pause are cut where it is weakest, without loss', async () => {
    const samples = speech(48, [[1, 47]]);
    samples.fill(0, 12 * RATE, 12.06 * RATE);
    const found = await bounds(samples, { maxSeconds: 15 });
    expect(found.length).toBeGreaterThanOrEqual(4);
    for (const [start, end] of found) {
      expect(end - start).toBeLessThanOrEqual(15 + 1e-9);
      expect(end - start).toBeGreaterThanOrEqual(0.3);
    }
    for (const [i, [start]] of found.entries()) if (i > 0) expect(start).toBe(found[i - 1]![1]);
    expect(found[0]![0]).toBeLessThan(1);
    expect(found.at(-1)![1]).toBeGreaterThan(47);
  });

  it('do not depend on the size of the parts', async () => {
    const samples = speech(15, [
      [0.5, 2],
      [2.3, 3.1],
      [4.5, 10],
      [11, 11.05],
      [13, 15],
    ]);
    const options = { maxSeconds: 3 };
    const whole = await speechSegments(samples, options);
    expect(whole.length).toBeGreaterThan(4);
    for (const { start, end, samples: sound } of whole)
      expect(sameSamples(sound, samples.slice(Math.round(start * RATE), Math.round(end * RATE)))).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 8 }), async (sizes) => {
        const segmenter = createSegmenter(options);
        const found = [];
        let at = 0;
        for (const size of [...sizes, samples.length]) {
          found.push(...(await segmenter.push(samples.subarray(at, at + size))));
          at = Math.min(samples.length, at + size);
        }
        found.push(...(await segmenter.end()));
        expect(found.map(({ start, end }) => [start, end])).toEqual(
          whole.map(({ start, end }) => [start, end]),
        );
        expect(found.every(({ samples: sound }, i) => sameSamples(sound, whole[i]!.samples))).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it('are returned soon after their speech has ended', async () => {
    const segmenter = createSegmenter();
    const samples = speech(6, [[1, 2]]);
    expect(await segmenter.push(samples.subarray(0, 2 * RATE))).toEqual([]);
    expect(await segmenter.push(samples.subarray(2 * RATE, 4 * RATE))).toHaveLength(1);
  });

  it('reject impossible options', () => {
    expect(() => createSegmenter({ padding: 0.3 })).toThrow(/padding.*half of the pause of 0.4 s/);
    expect(() => createSegmenter({ maxSeconds: 0.5 })).toThrow(/maxSeconds.*at least 1.3 s/);
    expect(() => createSegmenter({ pause: Number.NaN })).toThrow(/pause.*positive/);
  });
});

describe('sound without speech', () => {
  const fill = (seconds: number, value: (i: number) => number): Float32Array =>
    Float32Array.from({ length: seconds * RATE }, (_, i) => value(i));

  it.each<[string, Float32Array]>([
    ['nothing', new Float32Array(0)],
    ['less than a frame', noise(0.01, 0.1)],
    ['digital silence', new Float32Array(120 * RATE)],
    ['dither', noise(30, 1e-5)],
    ['an offset', fill(30, () => 0.5)],
    ['an offset with noise', noise(30, 0.001).map((x) => x + 0.7)],
    ['NaN', fill(10, () => Number.NaN)],
    ['noise', noise(30, 0.05)],
    ['clipped noise', noise(30, 3).map((x) => Math.max(-1, Math.min(1, x)))],
    [
      'mains hum',
      fill(
        30,
        (i) =>
          0.1 * Math.sin((2 * Math.PI * 50 * i) / RATE) + 0.03 * Math.sin((2 * Math.PI * 150 * i) / RATE),
      ),
    ],
    [
      'a click',
      (() => {
        const samples = noise(10, 1e-3);
        samples.fill(0.9, 5 * RATE, 5 * RATE + 40);
        return samples;
      })(),
    ],
  ])('has no segment: %s', async (_, samples) => {
    expect(await bounds(samples)).toEqual([]);
  });

  it('needs no memory, however long it lasts', async () => {
    const segmenter = createSegmenter();
    const part = new Float32Array(10 * RATE);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = async (): Promise<number> => {
      const counts: number[] = [];
      for (let round = 0; round < 5; round++) {
        // What was awaited is free in a later turn, of a busy machine not in the next one.
        await new Promise((resolve) => setTimeout(resolve, 20));
        collect();
        counts.push(process.memoryUsage().arrayBuffers);
      }
      return Math.min(...counts);
    };
    const before = await held();
    const found = [];
    // Five minutes, of which any rest would add up.
    for (let at = 0; at < 30; at++) found.push(...(await segmenter.push(part)));
    expect((await held()) - before).toBeLessThan(5e6);
    expect([...found, ...(await segmenter.end())]).toEqual([]);
  });

  it('does not hide the speech after it', async () => {
    const samples = speech(12, [[6, 8]]);
    samples.fill(Number.NaN, RATE, 2 * RATE);
    samples.fill(Infinity, 3 * RATE, 3 * RATE + 100);
    const found = await bounds(samples);
    expect(found.some(([start, end]) => start > 5 && start <= 6 && end >= 8 && end < 9)).toBe(true);
  });
});

describe('scores', () => {
  it('are one for each frame of 20 ms that began, from 0 to 1', async () => {
    for (const length of [1, 319, 320, 321, 20_000]) {
      const detector = createActivityDetector();
      const scores = [...(await detector.push(noise(length / RATE, 0.1))), ...(await detector.end())];
      expect(scores).toHaveLength(Math.ceil(length / 320));
      for (const score of scores) expect(score >= 0 && score <= 1).toBe(true);
    }
  });
});

describe("Silero's model", () => {
  /** A model with Silero's inputs whose output is the largest sample that it sees. */
  function madeModel(): Uint8Array {
    const graph = createGraph('made');
    const samples = input(graph, 'input', 'float32', [1, 576]);
    const state = input(graph, 'state', 'float32', [2, 1, 128]);
    input(graph, 'sr', 'int64', []);
    const stateN = mul(state, constant(graph, float32([], [1])));
    return encodeModel(graph, { output: reshape(max(samples, [1], true), [1, 1]), stateN });
  }

  it('sees frames of 32 ms, each with the last 4 ms before it', async () => {
    const detector = await createSileroDetector(madeModel());
    const samples = new Float32Array(1700);
    samples[100] = 0.5;
    samples[1000] = 0.9;
    samples[1600] = Number.NaN;
    const scores = [];
    for (let at = 0; at < samples.length; at += 700)
      scores.push(...(await detector.push(samples.subarray(at, at + 700))));
    scores.push(...(await detector.end()));
    expect(scores.map((score) => Number(score.toFixed(3)))).toEqual([0.5, 0.9, 0.9, 0]);
    await detector.dispose();
  });

  it('rejects another model', async () => {
    const graph = createGraph('other');
    const x = input(graph, 'x', 'float32', [1]);
    await expect(createSileroDetector(encodeModel(graph, { y: mul(x, x) }))).rejects.toThrow(
      /not the ONNX model of Silero/,
    );
  });
});
