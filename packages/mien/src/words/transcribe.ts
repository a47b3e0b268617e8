// Transcribes speech: Whisper's encoder and decoder as ONNX files, greedy decoding with times, windows of 30 s.
// English. Source: Radford et al. 2023, section 4.5; `transcribe` and `DecodingTask` in openai/whisper.
import {
  checkOptions,
  createSession,
  defined,
  flag,
  float32,
  int32,
  type Kinds,
  MienError,
  number,
  type Session,
  type Tensors,
} from 'mien-engine';
import { SPEECH_RATE } from '../audio/speech.js';
import { nextToken, probabilityOf } from './rules.js';
import { secondsOf, segmentsOf } from './segments.js';
import { checkWords, WORDS_FILES, type WordsVocabulary } from './vocabulary.js';

/** What was said without a break, and how sure that is. */
export interface TranscriptSegment {
  /** In seconds from the start of the recording. */
  readonly start: number;
  /** In seconds from the start of the recording. */
  readonly end: number;
  /** The words. */
  readonly text: string;
  /** Mean natural logarithm of the probabilities of the window's tokens. */
  readonly logProbability: number;
  /** Probability that the window contains no speech. */
  readonly noSpeech: number;
}

/** The words of a recording. */
export interface Transcript {
  /** Those of all segments. */
  readonly text: string;
  /** In order of time. */
  readonly segments: readonly TranscriptSegment[];
}

export interface TranscribeOptions {
  /**
   * Most seconds of silence after the sound of a window: by default 6, and without times what fills the window. Whisper
   * was trained on windows of 30 s; computing fewer states is faster. With 2 s and less (without times, with 6),
   * sentences are repeated.
   */
  readonly silence?: number;
  /** Whether segments get times (default true); without them a window is one segment. */
  readonly timestamps?: boolean;
}

export interface Transcriber {
  /**
   * Transcribes speech at 16 kHz in [−1, 1], of any length; silence gives an empty text.
   * @throws MienError `usage` for an unknown option
   */
  transcribe(samples: Float32Array, options?: TranscribeOptions): Promise<Transcript>;
  dispose(): Promise<void>;
}

const OPTIONS: Kinds<TranscribeOptions> = {
  silence: number('seconds from 0', (value) => value >= 0),
  timestamps: flag,
};

/**
 * Seconds of silence after a window’s sound by default: no more words were misheard than with 30 s (bench/words.ts).
 */
const SILENCE = 6;
/** A window is silent if this is exceeded and its tokens are less sure than `LEAST_SURE`. */
const NO_SPEECH = 0.6;
const LEAST_SURE = -1;
/** A shorter rest after the last segment, in seconds, is skipped: the model would invent words for it. */
const SHORTEST_REST = 0.5;
/** Fewest samples of which the encoder makes a spectrogram. */
const LEAST_SAMPLES = 201;

/**
 * Opens the files `words-encoder.onnx`, `words-decoder.onnx` and `words.json`.
 * @param files bytes by name; others are ignored
 * @throws MienError `bundle` that names a file which is missing, `format` if one cannot be read
 */
export async function openTranscriber(
  files: Readonly<Record<string, Uint8Array | undefined>>,
  options: { readonly threads?: number; readonly spinning?: boolean } = {},
): Promise<Transcriber> {
  const bytesOf = (name: string): Uint8Array => {
    const bytes = files[name];
    if (bytes === undefined)
      throw new MienError('bundle', 'is missing, without which speech cannot be transcribed', {
        file: name,
        hint: `A bundle that transcribes has the files ${Object.values(WORDS_FILES).join(', ')}.`,
      });
    return bytes;
  };
  const [encoderBytes, decoderBytes] = [bytesOf(WORDS_FILES.encoder), bytesOf(WORDS_FILES.decoder)];
  const words = checkWords(parsed(bytesOf(WORDS_FILES.vocabulary)));
  const encoder = await createSession(encoderBytes, defined(options));
  const decoder = await createSession(decoderBytes, defined(options)).catch(async (error: unknown) => {
    await encoder.dispose();
    throw error;
  });

  return {
    async transcribe(samples, asked = {}) {
      checkOptions(asked, OPTIONS, 'transcribe');
      const { timestamps = true, silence = timestamps ? SILENCE : words.window } = asked;
      const most = Math.round(words.window * SPEECH_RATE);
      const segments: TranscriptSegment[] = [];
      for (let at = 0; at < samples.length;) {
        const sound = samples.subarray(at, at + most);
        const padded = new Float32Array(
          Math.min(most, Math.max(LEAST_SAMPLES, sound.length + Math.round(silence * SPEECH_RATE))),
        );
        padded.set(sound);
        const length = sound.length / SPEECH_RATE;
        const cross = await encoder.run({ samples: float32([1, padded.length], padded) });
        const { tokens, ...sureness } = await decodeWindow(decoder, cross, words, length, timestamps);
        const isSilent = sureness.noSpeech > NO_SPEECH && sureness.logProbability < LEAST_SURE;
        const found = isSilent ? { segments: [], done: length } : segmentsOf(tokens, words, length);
        const offset = at / SPEECH_RATE;
        for (const { start, end, text } of found.segments)
          segments.push({ start: offset + start, end: offset + end, text, ...sureness });
        at += found.done > 0 ? Math.round(found.done * SPEECH_RATE) : sound.length;
        if (samples.length - at < SHORTEST_REST * SPEECH_RATE) break;
      }
      return { text: segments.map(({ text }) => text).join(' '), segments };
    },
    async dispose() {
      await encoder.dispose();
      await decoder.dispose();
    },
  };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch (cause) {
    throw new MienError('format', 'is not JSON', { file: WORDS_FILES.vocabulary, cause });
  }
}

interface Decoded {
  /** Without the prompt and the end. */
  readonly tokens: readonly number[];
  readonly logProbability: number;
  readonly noSpeech: number;
}

/**
 * The likeliest tokens of a window, one by one, half of the decoder's positions at most (as published). They end at a
 * time behind the sound, of `length` seconds: what would follow are repetitions.
 */
async function decodeWindow(
  decoder: Session,
  cross: Tensors,
  words: WordsVocabulary,
  length: number,
  timestamps: boolean,
): Promise<Decoded> {
  const { layers, heads, headWidth, positions, start, end, noTimestamps } = words;
  let past: Tensors = Object.fromEntries(
    Array.from({ length: layers }, (_, i) => [
      [`past.${i}.keys`, float32([1, heads, headWidth, 0], [])],
      [`past.${i}.values`, float32([1, heads, 0, headWidth], [])],
    ]).flat(),
  );
  let place = 0;
  /** Logits after each of these tokens, `[tokens · vocabulary]`. */
  const step = async (ids: readonly number[]): Promise<Float32Array> => {
    const count = ids.length;
    const places = ids.map((_, i) => place + i);
    const feeds = { ids: int32([1, count], ids), places: int32([count], places), ...cross, ...past };
    const { logits, ...present } = await decoder.run(feeds);
    past = Object.fromEntries(
      Object.entries(present).map(([name, tensor]) => [name.replace('present', 'past'), tensor]),
    );
    place += count;
    return logits!.data as Float32Array;
  };

  const prompt = timestamps ? [start] : [start, noTimestamps];
  const first = await step(prompt);
  const vocabulary = first.length / prompt.length;
  const noSpeech = probabilityOf(words.noSpeech, first.subarray(0, vocabulary));
  let logits = first.subarray(-vocabulary);
  const tokens: number[] = [];
  let sum = 0;
  const most = Math.floor(positions / 2);
  for (;;) {
    const { token, logProbability } = nextToken(logits, tokens, words, timestamps);
    sum += logProbability;
    if (token === end) break;
    tokens.push(token);
    if (tokens.length >= most || secondsOf(token, words) >= length) break;
    logits = await step([token]);
  }
  return { tokens, logProbability: sum / (tokens.length + 1), noSpeech };
}
