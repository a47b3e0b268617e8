// Sounds that tests make: something that passes for speech, with pauses where they are wanted.

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

/** A sine. */
export const tone = (seconds: number, { hertz = 220, level = 0.5 } = {}): Float32Array =>
  Float32Array.from({ length: seconds * RATE }, (_, i) => level * Math.sin((2 * Math.PI * hertz * i) / RATE));

/** A WAV file: 16-bit PCM of one channel. */
export function wav(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(2 * RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((value, i) => bytes.writeInt16LE(Math.round(32_767 * value), 44 + 2 * i));
  return new Uint8Array(bytes);
}
