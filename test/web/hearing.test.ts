// How the page hears, without a browser: sound in parts of any size becomes the utterances of the whole.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resample, speechSegments } from 'mien/parts/audio';
import { recordingOf } from '../support/voice.js';

/** A variable, since the types of the page are those of browsers. */
const SOURCE = '../../web/src/hearing.ts';
interface Hearing<T> {
  push(samples: Float32Array): T;
  end(): T;
}
const { createResampler, createHearing } = (await import(/* @vite-ignore */ SOURCE)) as {
  createResampler(from: number, to: number): Hearing<Float32Array>;
  createHearing(rate: number): Hearing<ReturnType<typeof speechSegments>>;
};

/** Parts of these sizes, again and again. */
function* partsOf(samples: Float32Array, sizes: readonly number[]): Generator<Float32Array> {
  for (let at = 0, i = 0; at < samples.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield samples.subarray(at, at + size);
    at += size;
  }
}

test('sound in parts is resampled as the whole is', () => {
  const rates = fc.constantFrom(8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000);
  const sizes = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(rates, sizes, fc.integer({ min: 0, max: 9000 }), (rate, parts, length) => {
      const samples = Float32Array.from({ length }, (_, i) => Math.sin(i * i * 1e-4));
      const resampler = createResampler(rate, 16_000);
      const found: number[] = [];
      for (const part of partsOf(samples, parts)) found.push(...resampler.push(part));
      found.push(...resampler.end());
      expect(found).toEqual([...resample(samples, rate, 16_000)]);
    }),
    { numRuns: 60 },
  );
});

test('utterances are those of the whole recording', async () => {
  const voices = [
    { label: 'joy', start: 0.5, end: 1.5 },
    { label: 'sadness', start: 3, end: 4.2 },
  ] as const;
  const samples = recordingOf(5.5, voices, 48_000);
  const hearing = createHearing(48_000);
  // Calls are not waited for, as those of a microphone are not.
  const parts = [...partsOf(samples, [2048])].map((part) => hearing.push(part));
  const found = (await Promise.all([...parts, hearing.end()])).flat();
  const expected = await speechSegments(resample(samples, 48_000, 16_000));
  expect(found).toHaveLength(2);
  expect(found.map(({ start, end }) => [start, end])).toEqual(expected.map(({ start, end }) => [start, end]));
  expect(found.map(({ samples }) => [...samples])).toEqual(expected.map(({ samples }) => [...samples]));
});
