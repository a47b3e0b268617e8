// Reads a recording for the voice encoder: decodes it, cuts off the silence around it and brings it to a common level.
import { messageOf, MienError, quoted, tagOf } from 'mien-engine/base';
import { levelled, trimSilence } from '../../audio/level.js';
import { speechSegments } from '../../audio/segments.js';
import { type AudioNote, type Speech, SPEECH_RATE } from '../../audio/speech.js';
import { AudioError, type AudioFault } from '../../audio/waveform.js';
import { isEmptySource } from '../absent.js';
import { warning, type FailureCode, type ItemError, type Reading, type Warning } from '../modality.js';

/** Speech at 16 kHz, at most `MOST_SECONDS` long, with its place in the recording in seconds. */
interface Piece {
  readonly samples: Float32Array;
  readonly start: number;
  readonly end: number;
}

/** A voice that was read: a whole recording, or a segment of one that was cut. */
export interface ReadVoice {
  readonly pieces: readonly Pick<Piece, 'samples'>[];
  /** Length of the recording, in seconds. */
  readonly seconds: number;
  /** If it is a segment: where it is in the recording, in seconds. */
  readonly segment?: { readonly start: number; readonly end: number };
}

/** The voice encoder reads at most this many seconds at a time. */
const MOST_SECONDS = 30;
/** Speech shorter than this says nothing. */
const LEAST_SECONDS = 0.3;

/** Why an item cannot be recognised, by what is wrong with its recording. */
const CODES: Readonly<Record<AudioFault, FailureCode>> = {
  undecodable: 'undecodable-audio',
  'no-sound': 'no-sound',
  silent: 'silent-audio',
  'too-short': 'audio-too-short',
  'too-long': 'audio-too-long',
  'not-finite': 'audio-not-finite',
  'no-decoder': 'no-audio-decoder',
};
/** Recordings in which nobody speaks; all others are broken, and meant to be used. */
const NOTHING: readonly FailureCode[] = ['no-sound', 'silent-audio', 'audio-too-short'];

const NOTES: Readonly<Partial<Record<AudioNote, string>>> = {
  clipped: 'the recording is clipped: it was too loud for the microphone',
  truncated: 'the recording is cut off, or parts of it cannot be read',
  'opposite-phase': 'the channels of the recording cancel each other out; the loudest was used',
};

/** Never throws for the content of a recording: what cannot be read results in an error or a warning. */
export async function prepareVoice(
  given: unknown,
  listen: ((given: unknown) => Promise<Speech>) | undefined,
): Promise<Reading<ReadVoice>> {
  let speech: Speech;
  try {
    if (isEmptySource(given)) return failed({ code: 'no-sound', message: 'the recording has no bytes' });
    if (!listen) throw new MienError('usage', 'this recogniser was made without a decoder of recordings');
    speech = await listen(given);
  } catch (cause) {
    return unheard(cause);
  }
  const trimmed = trimSilence(speech.samples);
  const samples = levelled(trimmed);
  const seconds = samples.length / SPEECH_RATE;
  if (seconds < LEAST_SECONDS)
    return failed({
      code: 'audio-too-short',
      message: `the recording has ${seconds.toFixed(2)} s of sound, less than ${LEAST_SECONDS} s`,
    });
  const warnings = speech.notes.flatMap((note): Warning[] => {
    const message = NOTES[note];
    return message === undefined ? [] : [warning('poor-audio', message)];
  });
  const whole = { seconds: speech.samples.length / SPEECH_RATE };
  if (seconds <= MOST_SECONDS) return { units: [{ pieces: [{ samples }], ...whole }], warnings };
  const pieces = await piecesOf(samples, (trimmed.byteOffset - speech.samples.byteOffset) / 4 / SPEECH_RATE);
  const segments = pieces.map(({ start, end, ...piece }): ReadVoice => ({
    pieces: [piece],
    seconds: end - start,
    segment: { start, end },
  }));
  return { units: [{ pieces, ...whole }, ...segments], warnings };
}

/**
 * Pieces of a long recording that the encoder can read: those in which somebody speaks, cut at pauses.
 * @param offset seconds of the recording before the first sample
 */
async function piecesOf(samples: Float32Array, offset: number): Promise<Piece[]> {
  const spoken = await speechSegments(samples);
  const pieces = spoken.length > 0 ? spoken : equalPieces(samples);
  return pieces.map(({ samples: piece, start, end }) => ({
    samples: spoken.length > 0 ? levelled(piece) : piece,
    start: offset + start,
    end: offset + end,
  }));
}

function equalPieces(samples: Float32Array): Piece[] {
  const count = Math.ceil(samples.length / (MOST_SECONDS * SPEECH_RATE));
  const length = Math.ceil(samples.length / count);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [i * length, Math.min(samples.length, (i + 1) * length)];
    return { samples: samples.subarray(from, to), start: from / SPEECH_RATE, end: to / SPEECH_RATE };
  });
}

const failed = (error: ItemError): Reading<never> => ({
  units: [],
  warnings: [],
  error,
  broken: !NOTHING.includes(error.code),
});

/** The reading of a recording that cannot be used. */
export const unheard = (cause: unknown): Reading<never> => failed(inaudible(cause));

/** The error of an item from anything thrown while its recording is read, including by getters of the caller's object. */
export function inaudible(cause: unknown): ItemError {
  // Even `instanceof` throws for some proxies.
  const isError = tagOf(cause) === 'Error';
  if (isError && cause instanceof AudioError) {
    const message = cause.place.file === undefined ? `the recording ${cause.reason}` : cause.message;
    return { code: CODES[cause.fault], message };
  }
  const message =
    isError && cause instanceof MienError
      ? cause.message
      : `the recording cannot be read (${quoted(messageOf(cause))})`;
  return { code: 'undecodable-audio', message };
}
