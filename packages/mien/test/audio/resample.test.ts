// The resampler against the continuous sound it samples: tones have one right value at every instant.
import { describe, expect, it } from 'vitest';
import { resample } from '../../src/audio/resample.js';

const SECONDS = 0.25;

const sampled = (rate: number, f: (t: number) => number): Float32Array =>
  Float32Array.from({ length: Math.round(SECONDS * rate) }, (_, i) => f(i / rate));

/** Signal-to-noise ratio in dB away from the ends, where the sound is cut off. */
function ratio(actual: Float32Array, expected: Float32Array, margin: number): number {
  let [signal, noise] = [0, 0];
  for (let i = margin; i < expected.length - margin; i++) {
    signal += expected[i]! ** 2;
    noise += (actual[i]! - expected[i]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

describe.each([8000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000, 44_099])(
  '%i Hz',
  (rate) => {
    const nyquist = Math.min(rate, 16_000) / 2;

    it('gives tones in the pass band with an error 80 dB below', () => {
      const tones = [0.02, 0.31, 0.62, 0.86].map((share) => 2 * Math.PI * share * nyquist);
      const sound = (t: number) => tones.reduce((sum, w, k) => sum + 0.2 * Math.sin(w * t + k), 0);
      const output = resample(sampled(rate, sound), rate, 16_000);
      // 44,099 Hz is read as the nearest ratio that is kept, 3·10⁻⁷ off.
      expect(Math.abs(output.length - SECONDS * 16_000)).toBeLessThanOrEqual(1);
      expect(ratio(output, sampled(16_000, sound).subarray(0, output.length), 800)).toBeGreaterThan(
        rate === 44_099 ? 40 : 80,
      );
    });

    it.runIf(rate > 17_000)('suppresses frequencies above 8 kHz by 75 dB', () => {
      const loud = sampled(rate, (t) => Math.sin(2 * Math.PI * Math.min(8200, rate * 0.49) * t));
      const output = resample(loud, rate, 16_000).subarray(800, -800);
      const power = output.reduce((sum, x) => sum + x * x, 0) / output.length;
      expect(10 * Math.log10(power / 0.5)).toBeLessThan(-75);
    });

    it('keeps a constant', () => {
      const output = resample(new Float32Array(rate / 5).fill(0.5), rate, 16_000).subarray(800, -800);
      for (const sample of output) expect(sample).toBeCloseTo(0.5, 5);
    });
  },
);

it('returns sound that has the requested rate unchanged', () => {
  const sound = Float32Array.of(1, 2, 3);
  expect(resample(sound, 16_000, 16_000)).toBe(sound);
});
