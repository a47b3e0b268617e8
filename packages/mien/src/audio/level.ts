// Removes from a recording what depends on the microphone more than on the voice: its level, and the silence around it.

/** Samples of a frame, 20 ms at 16 kHz. */
const FRAME = 320;
/** Frames this much quieter than the loudest are not speech, as a ratio of powers: 40 dB. */
const QUIET = 1e-4;
/** Power of active speech after levelling: −26 dB of full scale, the usual level of telephony (ITU-T P.56, P.830). */
const LEVEL = 10 ** -2.6;

/** Mean power of each frame; what is left over at the end belongs to the last. */
function framePowers(samples: Float32Array): Float64Array {
  const count = Math.max(1, Math.floor(samples.length / FRAME));
  return Float64Array.from({ length: count }, (_, frame) => {
    const end = frame === count - 1 ? samples.length : (frame + 1) * FRAME;
    let sum = 0;
    for (let i = frame * FRAME; i < end; i++) sum += samples[i]! ** 2;
    return sum / (end - frame * FRAME);
  });
}

/** The first and last frame that may be speech. */
function activeFrames(powers: Float64Array): {
  readonly threshold: number;
  readonly first: number;
  readonly last: number;
} {
  const threshold = powers.reduce((most, power) => Math.max(most, power), 0) * QUIET;
  return {
    threshold,
    first: powers.findIndex((power) => power >= threshold),
    last: powers.findLastIndex((power) => power >= threshold),
  };
}

export interface TrimOptions {
  /** What is kept of the silence at either end, in frames of 20 ms (default 2). */
  readonly margin?: number;
}

/**
 * Speech at 16 kHz without the silence at either end: what is more than 40 dB below its loudest 20 ms. Pauses inside
 * stay. A view of the samples, not a copy.
 */
export function trimSilence(samples: Float32Array, { margin = 2 }: TrimOptions = {}): Float32Array {
  const powers = framePowers(samples);
  const { first, last } = activeFrames(powers);
  const end = last + margin >= powers.length - 1 ? samples.length : (last + 1 + margin) * FRAME;
  return samples.subarray(Math.max(0, first - margin) * FRAME, end);
}

/**
 * Speech at 16 kHz at a common level: the mean power of its frames within 40 dB of the loudest becomes −26 dB of full
 * scale. Samples may exceed 1. Silence is returned as it is.
 */
export function levelled(samples: Float32Array): Float32Array {
  const powers = framePowers(samples);
  const { threshold } = activeFrames(powers);
  if (threshold === 0) return samples;
  const active = powers.filter((power) => power >= threshold);
  const gain = Math.sqrt(LEVEL / (active.reduce((sum, power) => sum + power, 0) / active.length));
  return samples.map((sample) => sample * gain);
}
