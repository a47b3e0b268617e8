// `watch`: a recording in, the rows of its timeline out.
import { abortSignal, checkOptions, flag, type Kinds, list, MienError, number } from 'mien-engine/base';
import type { Recognizer } from '../recognizer/types.js';
import type { TimelineRow } from './timeline.js';
import type { Said, TranscriptPart } from './spoken.js';

/** How a recording is watched. */
export interface WatchOptions {
  /** Seconds between the frames that are analysed (default .2, at least .02). */
  readonly every?: number | undefined;
  /** Seconds after which a frame counts half in the average of a person's face (default .7). */
  readonly faceHalfLife?: number | undefined;
  /** Whether the mirror image of each face is read as well (the default); without it faces take half the time. */
  readonly mirror?: boolean | undefined;
  /** What is said, with its times. */
  readonly transcript?: readonly TranscriptPart[] | undefined;
  /**
   * Whether words are transcribed from the sound, if the bundle has the files for it (docs/voice.md#words); not with
   * `transcript`.
   */
  readonly transcribe?: boolean | undefined;
  /** Aborts: the iteration ends with a MienError `interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

/** Seconds between frames, and seconds after which a frame counts half, by default. */
export const EVERY = 0.2;
export const FACE_HALF_LIFE = 0.7;

const OPTIONS: Kinds<WatchOptions> = {
  every: number('a number of seconds from .02 to 60', (value) => value >= 0.02 && value <= 60),
  faceHalfLife: number('seconds above zero', (seconds) => seconds > 0),
  mirror: flag,
  transcript: list,
  transcribe: flag,
  signal: abortSignal,
};

/** @throws MienError `usage` for an unknown option or an invalid value. */
export function checkWatchOptions(options: WatchOptions): void {
  checkOptions(options, OPTIONS, 'watch');
  if (options.transcribe && options.transcript)
    throw new MienError('usage', 'a transcript is there already', {
      field: 'transcribe',
      hint: 'Leave out transcribe, or the transcript.',
    });
  for (const [i, part] of (options.transcript ?? []).entries()) {
    const { start, end, text } = (part as Partial<TranscriptPart> | null) ?? {};
    if (!(typeof start === 'number' && typeof end === 'number' && start <= end && typeof text === 'string'))
      throw new MienError('usage', 'is not a part of a transcript', {
        field: `transcript[${i}]`,
        hint: 'Expected { start, end, text } with times in seconds.',
      });
  }
}

/**
 * Watches a recording: yields who is on screen at each time and what their face, voice and words tell, in the order of
 * time. Memory does not grow with the length of the recording, except by what is said. docs/watching.md describes the
 * rows.
 *
 *     for await (const { time, person, label } of watch(recognizer, 'meeting.mp4')) console.log(time, person, label);
 *
 * @param source path or `file:` URL of a video or of sound
 * @throws MienError `data` if it cannot be read, or the bundle has nothing for what it contains; `file` if there is no
 *   such
 *   file; `usage` if no decoder is installed, or for an invalid option; `interrupted` if the signal is aborted.
 */
export async function* watch(
  recognizer: Pick<Recognizer, 'recognize' | 'info'>,
  source: string | URL,
  options: WatchOptions = {},
): AsyncGenerator<TimelineRow, void, undefined> {
  checkWatchOptions(options);
  // Loaded here, since few programs watch.
  const [{ openMedia, recordingPath }, { checkReadable, textsOf, utterancesOf }, { timelineOf }] =
    await Promise.all([import('./open-media.js'), import('./spoken.js'), import('./timeline.js')]);
  const { every = EVERY, faceHalfLife: halfLife = FACE_HALF_LIFE, mirror, signal } = options;
  const { transcript = [], transcribe = false } = options;
  const file = await recordingPath(source);
  const media = await openMedia(file);
  checkReadable(recognizer, media, { transcript, transcribe }, file);
  const voices: Said[] = [];
  const texts = await textsOf(recognizer, transcript, signal);
  for await (const heard of utterancesOf(recognizer, media, { transcribe, signal })) {
    voices.push(...heard.voices);
    texts.push(...heard.texts);
  }
  const settings = { every, halfLife, mirror, thumbnails: false, signal };
  for await (const { rows } of timelineOf(recognizer, media, { voices, texts }, settings)) yield* rows;
}
