// Sounds that tests make: something that passes for speech, with pauses where they are wanted.

/** Samples a second. */
export const RATE = 16_000;

/** Harmonics of a wavering pitch in these stretches of seconds, silence elsewhere; the detector takes it for speech. */
export function murmur(
  seconds: number,
  stretches: readonly (readonly [from: number, to: number])[],
): Float32Array {
  const sound = new Float32Array(seconds * RATE);
  for (const [from, to] of stretches) {
    let phase = 0;
    for (let i = from * RATE; i < to * RATE; i++) {
      const t = i / RATE - from;
      phase += (2 * Math.PI * (150 + 30 * Math.sin(2 * Math.PI * 0.7 * t))) / RATE;
      for (let k = 1; k <= 12; k++) sound[i]! += (0.05 * Math.sin(k * phase)) / k;
    }
  }
  return sound;
}
