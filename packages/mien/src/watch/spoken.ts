// Posteriors of the voice and the words of a recording over time.
import { MienError } from 'mien-engine/base';
import { createSegmenter, type SpeechSegment } from '../audio/segments.js';
import { SPEECH_RATE } from '../audio/speech.js';
import { checkTranscribes } from '../bundle/words.js';
import type { Recognizer, Probabilities, Item } from '../recognizer/types.js';
import { modelOf } from './fuse.js';
import type { Media } from './media.js';

/** A posterior that holds from `start` until `end`, in seconds. */
export interface Said {
  readonly start: number;
  readonly end: number;
  readonly probabilities: Probabilities;
  /** The words, if it is theirs. */
  readonly words?: string;
}

/** What an utterance says. */
export interface Utterance {
  readonly voices: readonly Said[];
  readonly texts: readonly Said[];
  /** Whether its words were not understood surely enough to be of use. */
  readonly unclear: boolean;
  /** Seconds of the recording until its end. */
  readonly end: number;
}

/** Words of a recording, with their times in seconds. */
export interface TranscriptPart {
  /** Beginning, in seconds from that of the recording. */
  readonly start: number;
  /** End, in seconds from the beginning of the recording. */
  readonly end: number;
  /** An English text. */
  readonly text: string;
}

type Recognize = Pick<Recognizer, 'recognize' | 'info'>;

/** Utterances that are recognised together. */
const BATCH = 16;

/** Whether the bundle hears voices. */
export const hearsVoices = ({ info }: Recognize): boolean => modelOf(info, 'voice') !== undefined;

/** @throws MienError `data` if the bundle has nothing for what a recording contains, `bundle` if it cannot transcribe. */
export function checkReadable(
  recognizer: Recognize,
  { video, sound }: Media,
  {
    transcript,
    transcribe,
  }: { readonly transcript: readonly TranscriptPart[]; readonly transcribe: boolean },
  file: string,
): void {
  const { face, text } = recognizer.info.labels;
  if (transcribe) checkTranscribes(recognizer.info);
  if ((video && face) || (sound && hearsVoices(recognizer))) return;
  if (text && (transcript.length > 0 || (sound && transcribe))) return;
  const content = [video ? 'pictures' : '', sound ? 'sound' : ''].filter(Boolean).join(' and ');
  throw new MienError('data', `has ${content}, of which the bundle ${recognizer.info.name} reads nothing`, {
    file,
    hint: 'Use a bundle with a part for faces or voices, or pass a transcript.',
  });
}

/** The item for a part of the sound. */
const itemOf = (samples: Float32Array): Item => ({ audio: { sampleRate: SPEECH_RATE, data: samples } });

async function* segmentsOf(
  parts: AsyncIterable<Float32Array>,
): AsyncGenerator<SpeechSegment, void, undefined> {
  const segmenter = createSegmenter();
  for await (const part of parts) yield* await segmenter.push(part);
  yield* await segmenter.end();
}

export interface ListenOptions {
  /** Whether words are transcribed. */
  readonly transcribe?: boolean;
  /** Number of utterances at the beginning that are known already. */
  readonly skip?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What is heard, utterance by utterance; nothing if the bundle hears no voices and no words are asked for. */
export async function* utterancesOf(
  recognizer: Recognize,
  media: Pick<Media, 'sound' | 'samples'>,
  { transcribe = false, skip = 0, signal }: ListenOptions = {},
): AsyncGenerator<Utterance, void, undefined> {
  if (!media.sound || !(transcribe || hearsVoices(recognizer))) return;
  const options = { signal, ...(transcribe ? { transcribe } : {}) };
  let index = 0;
  for await (const { samples, start, end } of segmentsOf(media.samples())) {
    if (index++ < skip) continue;
    const result = await recognizer.recognize(itemOf(samples), options);
    const unclear = result.warnings.some(({ code }) => code === 'unclear-words');
    const { voice, transcript } = result.error ? {} : result;
    const spoken = (unclear ? [] : (transcript?.segments ?? [])).map((part) => ({
      start: start + part.start,
      end: start + part.end,
      text: part.text,
    }));
    yield {
      voices: voice ? [{ start, end, probabilities: voice.probabilities }] : [],
      texts: await textsOf(recognizer, spoken, signal),
      unclear,
      end,
    };
  }
}

/** The posterior of each part of a transcript, in the order of time; without those that cannot be read. */
export async function textsOf(
  recognizer: Recognize,
  transcript: readonly TranscriptPart[],
  signal?: AbortSignal,
): Promise<Said[]> {
  if (transcript.length > 0 && !recognizer.info.labels.text) return [];
  const parts = [...transcript].sort((a, b) => a.start - b.start);
  const texts: Said[] = [];
  for (let at = 0; at < parts.length; at += BATCH) {
    const batch = parts.slice(at, at + BATCH);
    const results = await recognizer.recognize(
      batch.map(({ text }) => ({ text })),
      { signal },
    );
    results.forEach((result, i) => {
      if (result.error || !result.text) return;
      const { start, end, text: words } = batch[i]!;
      texts.push({ start, end, probabilities: result.text.probabilities, words });
    });
  }
  return texts;
}

/** The last that began at or before a time and has not ended. */
export function saidAt(said: readonly Said[], at: number): Said | undefined {
  let [low, high] = [0, said.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (said[middle]!.start <= at + 1e-9) low = middle + 1;
    else high = middle;
  }
  const last = said[low - 1];
  return last && at < last.end ? last : undefined;
}
