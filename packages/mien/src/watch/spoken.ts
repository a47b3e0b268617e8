// Posteriors of the voice and the words of a recording over time.
import { MienError } from 'mien-engine/base';
import { createSegmenter, type SpeechSegment } from '../audio/segments.js';
import { SPEECH_RATE } from '../audio/speech.js';
import type { Recognizer, Probabilities, Item } from '../recognizer/types.js';
import { modelOf } from './fuse.js';
import type { Media } from './media.js';

/** A posterior that holds from `start` until `end`, in seconds. */
export interface Said {
  readonly start: number;
  readonly end: number;
  readonly probabilities: Probabilities;
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

/** @throws MienError `data` if the bundle has nothing for what a recording contains. */
export function checkReadable(
  recognizer: Recognize,
  { video, sound }: Media,
  transcript: readonly TranscriptPart[],
  file: string,
): void {
  const { face, text } = recognizer.info.labels;
  if ((video && face) || (sound && hearsVoices(recognizer)) || (transcript.length > 0 && text)) return;
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

/**
 * The posterior of each utterance's voice; none if the bundle hears no voices.
 * @param advance called with the seconds of sound that are done
 */
export async function voicesOf(
  recognizer: Recognize,
  media: Media,
  { advance, signal }: { advance?: (seconds: number) => void; signal?: AbortSignal | undefined } = {},
): Promise<Said[]> {
  if (!media.sound || !hearsVoices(recognizer)) return [];
  const voices: Said[] = [];
  for await (const { samples, start, end } of segmentsOf(media.samples())) {
    const result = await recognizer.recognize(itemOf(samples), { signal });
    const voice = result.error ? undefined : result.voice;
    if (voice) voices.push({ start, end, probabilities: voice.probabilities });
    advance?.(end);
  }
  return voices;
}

/** The posterior of each part of a transcript, in the order of time; without those that cannot be read. */
export async function textsOf(
  recognizer: Recognize,
  transcript: readonly TranscriptPart[],
  signal?: AbortSignal,
): Promise<Said[]> {
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
      const { start, end } = batch[i]!;
      texts.push({ start, end, probabilities: result.text.probabilities });
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
