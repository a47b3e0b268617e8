// Sounds that tests make: something that passes for speech, with pauses where they are wanted.
import { integers, wavFile } from './wav.js';

/** Samples a second. */
export const RATE = 16_000;

/**
 * Harmonics of a wavering pitch in these stretches of seconds, silence elsewhere; the detector takes it for speech.
 * @param gain of each stretch; by default its peak is .09
 */
export function murmur(
  seconds: number,
  stretches: readonly (readonly [from: number, to: number, gain?: number])[],
): Float32Array {
  const sound = new Float32Array(seconds * RATE);
  for (const [from, to, gain = 1] of stretches) {
    let phase = 0;
    for (let i = Math.round(from * RATE); i < Math.round(to * RATE); i++) {
      const t = i / RATE - from;
      phase += (2 * Math.PI * (150 + 30 * Math.sin(2 * Math.PI * 0.7 * t))) / RATE;
      for (let k = 1; k <= 12; k++) sound[i]! += (gain * 0.05 * Math.sin(k * phase)) / k;
    }
  }
  return sound;
}

/** A WAV file: 16-bit PCM of one channel. */
export const wav = (samples: Float32Array): Uint8Array<ArrayBuffer> => wavFile(integers(samples, 16));
