// From decoded channels to the sound that encoders read: one channel at 16 kHz, checked. Samples are read in plain
// loops, since a callback for each took longer than decoding.
import { resample } from './resample.js';
import { AudioError, checkLength, checkRate, type Waveform } from './waveform.js';

/** Samples a second that encoders read. */
export const SPEECH_RATE = 16_000;

/** A defect of a recording that was read nevertheless. */
export type AudioNote =
  /** Peaks are clipped at full scale. */
  | 'clipped'
  /** It was not centred at zero; it is now. */
  | 'offset'
  /** A channel without sound was left out. */
  | 'dead-channel'
  /** Channels cancel each other out; the loudest stands for all. */
  | 'opposite-phase'
  /** The file ends before its sound does, or parts of it were unreadable. */
  | 'truncated';

/** One channel at 16 kHz. */
export interface Speech {
  readonly samples: Float32Array;
  readonly notes: readonly AudioNote[];
}

export interface SpeechOptions {
  /** Shorter recordings are refused, in seconds (default 0.3). */
  readonly minSeconds?: number | undefined;
  /** Longer recordings are refused, in seconds (default 600). */
  readonly maxSeconds?: number | undefined;
}

/** Shortest recording by default, in seconds: less than a syllable. */
const LEAST_SECONDS = 0.3;
/** No sample of a recording that counts as silent is larger: three steps of 16 bits. */
const SILENCE = 1e-4;
/** A mean larger than this share of the largest sample is worth a note. */
const OFFSET = 0.05;
/** A channel whose power is this much below the loudest's is dead: 50 dB. */
const DEAD = 1e-5;
/** A mixture with less than this share of its channels' mean power is one of opposites: 20 dB. */
const CANCELLED = 0.01;
/** Successive samples at the largest value that make a clipped peak, and the least share of samples in such peaks. */
const CLIPPED_RUN = 3;
const CLIPPED_SHARE = 1e-3;
const FULL_SCALE = 0.9;

const power = (samples: Float32Array): number => {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum / samples.length;
};

const largest = (samples: Float32Array): number => {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak;
};

/** @throws AudioError `not-finite` that names the first sample. */
function checkFinite(channels: readonly Float32Array[]): void {
  for (const [c, samples] of channels.entries()) {
    let at = 0;
    while (at < samples.length && Number.isFinite(samples[at])) at++;
    if (at < samples.length)
      throw new AudioError(
        'not-finite',
        `sample ${at} of channel ${c} is ${samples[at]}, not a finite number`,
      );
  }
}

/** Whether peaks are cut off at the largest value. */
function isClipped(samples: Float32Array): boolean {
  const peak = largest(samples);
  if (peak < FULL_SCALE) return false;
  let [run, clipped] = [0, 0];
  for (const sample of samples) {
    run = Math.abs(sample) >= peak * 0.999 ? run + 1 : 0;
    if (run === CLIPPED_RUN) clipped += CLIPPED_RUN;
    else if (run > CLIPPED_RUN) clipped++;
  }
  return clipped >= CLIPPED_SHARE * samples.length;
}

/** The centred samples, and the mean that was subtracted. */
function centred(samples: Float32Array): { readonly samples: Float32Array; readonly mean: number } {
  let sum = 0;
  for (const sample of samples) sum += sample;
  const mean = sum / samples.length;
  const around = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) around[i] = samples[i]! - mean;
  return { samples: around, mean };
}

/** The mean of channels that have sound. */
function mix(channels: readonly Float32Array[], notes: Set<AudioNote>): Float32Array {
  const powers = channels.map(power);
  const most = Math.max(...powers);
  const loudest = channels[powers.indexOf(most)]!;
  const live = channels.filter((_, c) => powers[c]! > most * DEAD);
  if (live.length < channels.length && most > 0) notes.add('dead-channel');
  if (live.length <= 1) return loudest;
  const mixture = new Float32Array(loudest.length);
  for (let i = 0; i < mixture.length; i++) {
    let sum = 0;
    for (const samples of live) sum += samples[i]!;
    mixture[i] = sum / live.length;
  }
  const mean = live.reduce((sum, samples) => sum + power(samples), 0) / live.length;
  if (power(mixture) > mean * CANCELLED) return mixture;
  notes.add('opposite-phase');
  return loudest;
}

/**
 * Speech from any number of channels at any rate: each is centred at zero, those with sound are averaged, and the
 * result is resampled to 16 kHz. Its level is left as it is.
 * @throws AudioError `no-sound`, `not-finite`, `silent`, `too-short`, `too-long`, or `undecodable` for an impossible
 *   rate.
 */
export function speechOf(waveform: Waveform, options: SpeechOptions = {}): Speech {
  const { minSeconds = LEAST_SECONDS, maxSeconds } = options;
  const { sampleRate, channels, truncated } = waveform;
  checkRate(sampleRate);
  const length = channels[0]?.length ?? 0;
  if (length === 0) throw new AudioError('no-sound', 'has no sample');
  if (channels.some((samples) => samples.length !== length))
    throw new AudioError('undecodable', 'has channels of different lengths');
  const seconds = length / sampleRate;
  if (seconds < minSeconds)
    throw new AudioError('too-short', `lasts ${seconds.toFixed(2)} s, less than ${minSeconds} s`);
  checkLength(length, sampleRate, maxSeconds);
  checkFinite(channels);

  const notes = new Set<AudioNote>(truncated ? ['truncated'] : []);
  if (channels.some(isClipped)) notes.add('clipped');
  const around = channels.map(centred);
  if (
    around.some(({ mean }, c) => Math.abs(mean) > OFFSET * largest(channels[c]!) && Math.abs(mean) > SILENCE)
  )
    notes.add('offset');
  const mono = mix(
    around.map(({ samples }) => samples),
    notes,
  );
  if (largest(mono) < SILENCE)
    throw new AudioError('silent', 'is silent', {
      hint: 'Was the microphone muted or the wrong one chosen?',
    });
  return { samples: resample(mono, sampleRate, SPEECH_RATE), notes: [...notes] };
}
