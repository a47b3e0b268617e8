// Augmentation of voices: what rooms, microphones, noise and telephones do to sound, drawn for each clip from named random
// streams and applied to its samples; and masks over its spectrogram, applied in the graph.
import {
  constant,
  cast,
  float32,
  less,
  mul,
  randomStream,
  type RandomStream,
  reshape,
  slice,
  sub,
  type Value,
} from 'mien-engine';
import { levelled, resample, SPEECH_RATE } from 'mien/parts/audio';
import { filtered } from './fourier.js';
import type { VoiceLearnSettings } from './settings.js';

export type VoiceAugmentationSettings = VoiceLearnSettings['augmentation'];

const NOISES = ['white', 'pink', 'voices'] as const;

/** The augmentation of one clip. */
export interface DrawnVoice {
  /** Speed in per cent: 110 is a tenth faster, and higher. */
  readonly speed: number;
  /** A room: seconds until its sound has fallen by 60 dB, the direct sound's power relative to it, place in the noise. */
  readonly room: { readonly seconds: number; readonly direct: number; readonly at: number } | undefined;
  /** Gains in dB at `BANDS`. */
  readonly equalizer: readonly number[] | undefined;
  readonly noise:
    | {
        readonly kind: (typeof NOISES)[number];
        /** Signal-to-noise ratio in dB. */
        readonly ratio: number;
        /** Places in the noise, as shares of it. */
        readonly at: readonly number[];
      }
    | undefined;
  readonly telephone: boolean;
  /** In dB. */
  readonly gain: number;
  /** First and last place of each mask, as shares of frames and of bands. */
  readonly timeMasks: readonly (readonly [number, number])[];
  readonly bandMasks: readonly (readonly [number, number])[];
  /** Where an excerpt is cut, as a share of what is left out. */
  readonly cut: number;
}

/** Frequencies of the equaliser in Hz; gains between them are interpolated over octaves. */
const BANDS = [60, 125, 250, 500, 1000, 2000, 4000, 8000];
/** Voices that make a babble. */
const SPEAKERS = 5;
/** The direct sound's power relative to the room's, in dB: from far away to near. */
const DIRECT = [-3, 15] as const;

/**
 * The augmentation of one clip, drawn in a fixed order and number so that changing one setting does not change other
 * draws.
 */
export function drawVoice(draw: RandomStream, settings: VoiceAugmentationSettings): DrawnVoice {
  const signed = (most: number): number => (2 * draw.uniform() - 1) * most;
  const between = (least: number, most: number): number => least + draw.uniform() * (most - least);
  const chance = (probability: number): boolean => draw.uniform() < probability;
  const masks = (count: number, most: number) =>
    Array.from({ length: count }, () => {
      const width = draw.uniform() * most;
      const start = draw.uniform() * (1 - width);
      return [start, start + width] as const;
    });
  const speed = 100 + Math.round(signed(100 * settings.speed));
  const cut = draw.uniform();
  const hasRoom = chance(settings.room);
  const room = {
    seconds: between(0.05, settings.reverberation),
    direct: between(...DIRECT),
    at: draw.uniform(),
  };
  const isEqualized = chance(settings.equalizer);
  const gains = BANDS.map(() => signed(settings.equalizerRange));
  const isNoisy = chance(settings.noise);
  const noise = {
    kind: NOISES[draw.integer(NOISES.length)]!,
    ratio: between(settings.leastRatio, settings.mostRatio),
    at: Array.from({ length: SPEAKERS }, () => draw.uniform()),
  };
  return {
    speed,
    cut,
    room: hasRoom ? room : undefined,
    equalizer: isEqualized ? gains : undefined,
    noise: isNoisy ? noise : undefined,
    telephone: chance(settings.telephone),
    gain: signed(settings.gain),
    timeMasks: masks(settings.timeMasks, settings.timeMask),
    bandMasks: masks(settings.bandMasks, settings.bandMask),
  };
}

/** Samples of a clip at another speed. */
export const lengthAt = (samples: number, { speed }: Pick<DrawnVoice, 'speed'>): number =>
  Math.ceil((samples * 100) / speed);

/** What noise is taken from. */
export interface NoiseSources {
  readonly white: Float32Array;
  readonly pink: Float32Array;
  /** Other clips. */
  readonly voices: readonly Float32Array[];
}

/** Samples of the noise that all clips take theirs from: 33 s, of which a clip has its own stretch. */
const NOISE_SAMPLES = 2 ** 19;

/** White and pink noise, both of power 1. */
export function noiseSources(
  seed: number,
  voices: readonly Float32Array[],
  length = NOISE_SAMPLES,
): NoiseSources {
  const draw = randomStream(seed, 'learn voice noise');
  const white = Float32Array.from({ length }, () => draw.normal());
  return { white, pink: pinkOf(white), voices };
}

/** Pink noise of power 1 from white noise: its power falls by 3 dB an octave, from 20 Hz on. */
export function pinkOf(white: Float32Array): Float32Array {
  const pink = filtered(white, SPEECH_RATE, { gain: (hertz) => 1 / Math.sqrt(Math.max(20, hertz)) });
  const scale = 1 / Math.sqrt(powerOf(pink));
  return pink.map((sample) => sample * scale);
}

export function powerOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum / samples.length;
}

/** Adds `length` samples of a source to `target`, from a place in it on and from its start again. */
function addStretch(target: Float32Array, source: Float32Array, at: number): void {
  let from = Math.min(Math.floor(at * source.length), source.length - 1);
  for (let i = 0; i < target.length; i++) {
    target[i]! += source[from]!;
    if (++from === source.length) from = 0;
  }
}

/** Some of the sources' noise. */
function noiseOf(
  length: number,
  { kind, at }: NonNullable<DrawnVoice['noise']>,
  sources: NoiseSources,
): Float32Array {
  const noise = new Float32Array(length);
  if (kind !== 'voices') addStretch(noise, sources[kind], at[0]!);
  else
    for (const place of at) {
      const index = place * sources.voices.length;
      const voice = sources.voices[Math.min(Math.floor(index), sources.voices.length - 1)]!;
      addStretch(noise, voice, index - Math.floor(index));
    }
  return noise;
}

/** Noise that falls exponentially, by 60 dB in the room's time, after the direct sound (Polack 1988). */
export function roomResponse({ seconds, direct, at }: NonNullable<DrawnVoice['room']>, white: Float32Array) {
  const response = new Float32Array(Math.max(2, Math.round(seconds * SPEECH_RATE)));
  addStretch(response, white, at);
  const decay = Math.LN10 * (3 / (seconds * SPEECH_RATE));
  for (let i = 0; i < response.length; i++) response[i]! *= Math.exp(-decay * i);
  response[0] = 0;
  const scale = Math.sqrt(10 ** (-direct / 10) / (powerOf(response) * response.length));
  for (let i = 1; i < response.length; i++) response[i]! *= scale;
  response[0] = 1;
  return response;
}

/** The equaliser's gain, a factor: linear in dB between its bands over the logarithm of the frequency. */
function equalizerGain(gains: readonly number[]): (hertz: number) => number {
  return (hertz) => {
    const place = Math.log2(Math.max(hertz, BANDS[0]!) / BANDS[0]!);
    const step = Math.log2(BANDS.at(-1)! / BANDS[0]!) / (BANDS.length - 1);
    const k = Math.min(Math.floor(place / step), BANDS.length - 2);
    const share = Math.min(place / step - k, 1);
    return 10 ** ((gains[k]! * (1 - share) + gains[k + 1]! * share) / 20);
  };
}

/** Edges of telephone speech in Hz (ITU-T G.712), and over how many Hz its filters fall. */
const TELEPHONE = { low: 300, high: 3400, slope: 200 } as const;
const TELEPHONE_RATE = 8000;
const MU = 255;

const telephoneGain = (hertz: number): number => {
  const { low, high, slope } = TELEPHONE;
  const inside = Math.min((hertz - low + slope) / slope, (high + slope - hertz) / slope);
  return Math.min(1, Math.max(0, inside));
};

/** A sample in [−1, 1] after µ-law coding to 8 bits (ITU-T G.711, the continuous law). */
export function muLaw(sample: number): number {
  const clipped = Math.min(1, Math.max(-1, sample));
  const code = Math.round((127 * Math.log1p(MU * Math.abs(clipped))) / Math.log1p(MU));
  return (Math.sign(clipped) * Math.expm1((code / 127) * Math.log1p(MU))) / MU;
}

/** Speech as a telephone passes it on. */
export function throughTelephone(samples: Float32Array): Float32Array {
  const band = filtered(samples, SPEECH_RATE, { gain: telephoneGain });
  // Nothing is left above 4 kHz, so that every second sample is enough.
  const half = Float32Array.from({ length: Math.ceil(band.length / 2) }, (_, i) => muLaw(band[2 * i]!));
  return resample(half, TELEPHONE_RATE, SPEECH_RATE).subarray(0, samples.length);
}

/**
 * A clip at 16 kHz as it sounds after what was drawn: speed, room, equaliser, noise, telephone, then levelled as all
 * speech is before it is encoded, and the gain. It has `lengthAt` samples.
 */
export function augmentVoice(clip: Float32Array, drawn: DrawnVoice, sources: NoiseSources): Float32Array {
  const { speed, room, equalizer, noise, telephone, gain } = drawn;
  let samples = resample(clip, speed, 100);
  if (room || equalizer)
    samples = filtered(samples, SPEECH_RATE, {
      ...(room && { impulse: roomResponse(room, sources.white) }),
      ...(equalizer && { gain: equalizerGain(equalizer) }),
    });
  if (noise) samples = withNoise(samples, noiseOf(samples.length, noise, sources), noise.ratio);
  if (telephone) samples = throughTelephone(samples);
  const factor = 10 ** (gain / 20);
  return levelled(samples).map((sample) => sample * factor);
}

/** Sound with noise at a signal-to-noise ratio in dB; silent noise adds nothing. */
export function withNoise(samples: Float32Array, noise: Float32Array, ratio: number): Float32Array {
  const power = powerOf(noise);
  if (power === 0) return samples;
  const factor = Math.sqrt(powerOf(samples) / (power * 10 ** (ratio / 10)));
  return samples.map((sample, i) => sample + factor * noise[i]!);
}

/** 0 for places in one of the stretches `[from, to)` of an item, 1 for others; `masks` are `[n, count, 2]`. */
function outside(masks: Value, places: number): Value | undefined {
  const [n, count] = masks.shape as [number, number];
  const centres = constant(
    masks.graph,
    float32(
      [1, places],
      Float32Array.from({ length: places }, (_, i) => i + 0.5),
    ),
  );
  const bound = (mask: number, side: number): Value =>
    reshape(slice(slice(masks, 1, mask, mask + 1), 2, side, side + 1), [n, 1]);
  return Array.from({ length: count }, (_, i) =>
    sub(1, mul(cast(less(bound(i, 0), centres), 'float32'), cast(less(centres, bound(i, 1)), 'float32'))),
  ).reduce<Value | undefined>((a, b) => (a ? mul(a, b) : b), undefined);
}

/**
 * Spectrograms `[n, bands, frames]` with stretches of time and of bands at 0, which is near their mean: `timeMasks` in
 * frames and `bandMasks` in bands, `[n, count, 2]` each, from where and to where.
 */
export function maskSpectrogram(
  mel: Value,
  {
    timeMasks,
    bandMasks,
  }: { readonly timeMasks?: Value | undefined; readonly bandMasks?: Value | undefined },
): Value {
  const [n, bands, frames] = mel.shape as [number, number, number];
  const time = timeMasks && outside(timeMasks, frames);
  const band = bandMasks && outside(bandMasks, bands);
  const timed = time ? mul(mel, reshape(time, [n, 1, frames])) : mel;
  return band ? mul(timed, reshape(band, [n, bands, 1])) : timed;
}
