// Voices made worse, as microphones, rooms and telephones do: speech at 16 kHz. What comes out is as a recording would have
// it: level it, as all speech, before it is encoded.
import { MienError, type RandomStream } from 'mien-engine/base';
import { SPEECH_RATE } from 'mien/parts/audio';
import { filtered } from '../learn/fourier.js';
import { pinkOf, roomResponse, throughTelephone, withNoise } from '../learn/voice-augmentation.js';
import type { ModalityCorruptions } from './corruption.js';

type Sound = Float32Array;
type VoiceCorruption =
  'background noise' | 'other voices' | 'telephone' | 'clipping' | 'too quiet' | 'reverberation';

/** Voices that make a babble. */
const SPEAKERS = 4;
/** Seconds in which a room's sound falls by 60 dB: from a living room to a hall. */
const ROOM_SECONDS = [0.3, 0.9] as const;
/** Bits of a sample, of which a recording that is too quiet uses few. */
const BITS = 16;
/** Of added sound at most this share, so that its ratio to the speech is a number. */
const MOST = 0.999;

/**
 * The ratio in dB between speech and a sound that makes up a share of both, by amplitude: .1 is 19 dB, .25 9.5 dB, .5
 * as loud as the speech, .75 −9.5 dB.
 */
export const ratioOf = (share: number): number => {
  const most = Math.min(share, MOST);
  return 20 * Math.log10((1 - most) / most);
};

function noisy(speech: Sound, level: number, draw: RandomStream): Sound {
  const white = Float32Array.from(speech, () => draw.normal());
  return withNoise(speech, pinkOf(white), ratioOf(level));
}

function babbling(speech: Sound, level: number, draw: RandomStream, others: readonly Sound[]): Sound {
  const voices = others.filter((one) => one !== speech && one.length > 0);
  if (voices.length === 0)
    throw new MienError('usage', 'other voices can be heard only if there are some', { field: 'others' });
  const babble = new Float32Array(speech.length);
  for (let i = 0; i < SPEAKERS; i++) {
    const voice = voices[draw.integer(voices.length)]!;
    const from = draw.integer(voice.length);
    for (let t = 0; t < babble.length; t++) babble[t]! += voice[(from + t) % voice.length]!;
  }
  return withNoise(speech, babble, ratioOf(level));
}

/** What a telephone takes away and adds, to a share of it. */
function telephoned(speech: Sound, level: number): Sound {
  const far = throughTelephone(speech);
  return speech.map((sample, i) => sample + level * (far[i]! - sample));
}

/** Samples above the threshold that a share of them exceeds become that threshold. */
function clipped(speech: Sound, level: number): Sound {
  const sizes = speech.map(Math.abs).sort();
  const place = Math.floor((1 - level) * (sizes.length - 1));
  // Something is left of what is not silent.
  const threshold = sizes.subarray(place).find((size) => size > 0);
  if (threshold === undefined) return speech;
  return speech.map((sample) => Math.min(threshold, Math.max(-threshold, sample)));
}

/** Rounded to the bits that the level leaves, at the size that it had. */
function quiet(speech: Sound, level: number): Sound {
  const peak = speech.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  if (peak === 0) return speech;
  const step = peak / 2 ** ((BITS - 1) * (1 - level));
  return speech.map((sample) => Math.round(sample / step) * step);
}

function reverberant(speech: Sound, level: number, draw: RandomStream): Sound {
  const [least, most] = ROOM_SECONDS;
  const seconds = least + (most - least) * draw.uniform();
  const white = Float32Array.from({ length: Math.ceil(seconds * SPEECH_RATE) }, () => draw.normal());
  const impulse = roomResponse({ seconds, direct: ratioOf(level), at: 0 }, white);
  return filtered(speech, SPEECH_RATE, { impulse });
}

export const voice: ModalityCorruptions<Sound, readonly Sound[], VoiceCorruption> = {
  kinds: {
    'background noise': {
      unit: 'share of the noise in the amplitude',
      worst: 0.85,
      levels: [0.1, 0.25, 0.5, 0.75],
      apply: noisy,
    },
    'other voices': {
      unit: 'share of the others in the amplitude',
      worst: 0.75,
      levels: [0.1, 0.25, 0.5],
      apply: babbling,
    },
    telephone: { unit: 'share of what a telephone changes', worst: 1, levels: [1], apply: telephoned },
    clipping: {
      unit: 'share of the samples that are cut off',
      worst: 0.95,
      levels: [0.1, 0.4, 0.8],
      apply: clipped,
    },
    'too quiet': {
      unit: 'share of 16 bits that are unused',
      worst: 0.95,
      levels: [0.5, 0.75, 0.9],
      apply: quiet,
    },
    reverberation: {
      unit: 'share of the room in the amplitude',
      worst: 0.9,
      levels: [0.25, 0.5, 0.75],
      apply: reverberant,
    },
  },
  othersOf: (voices) => voices,
  note:
    'share of the amplitude that is noise (.5: as loud as the speech), other voices or a room’s; share of what a telephone ' +
    'changes; share of the samples that are clipped; share of 16 bits that too low a level leaves unused',
};
