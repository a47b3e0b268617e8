// From a window's tokens to its segments, and to where the next window starts. Source: `transcribe` in openai/whisper's
// transcribe.py.
import { textOf, type WordsVocabulary } from './vocabulary.js';

/** Seconds from one time token to the next. */
const TIME_STEP = 0.02;

/** The time that a token stands for, in seconds from the start of the window; negative for other tokens. */
export const secondsOf = (
  token: number,
  { firstTimestamp }: Pick<WordsVocabulary, 'firstTimestamp'>,
): number => (token - firstTimestamp) * TIME_STEP;

/** Text spoken without a break. */
interface SpokenSegment {
  /** In seconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface WindowSegments {
  readonly segments: readonly SpokenSegment[];
  /** Seconds of the window that are finished: up to the end of the last complete segment. */
  readonly done: number;
}

/**
 * Segments of the tokens of one window, the final `end` left out. Segments without text or duration are left out, and
 * none reaches beyond the sound.
 * @param length seconds of sound in the window
 */
export function segmentsOf(
  tokens: readonly number[],
  words: Pick<WordsVocabulary, 'vocabulary' | 'firstTimestamp'>,
  length: number,
): WindowSegments {
  const isTime = (token: number | undefined): boolean => token !== undefined && token >= words.firstTimestamp;
  const segment = (part: readonly number[], start: number, end: number): SpokenSegment[] => {
    const text = textOf(part, words).trim();
    const until = Math.min(end, length);
    return text !== '' && until > start ? [{ start, end: until, text }] : [];
  };

  /** Places at which one segment has ended and the next starts. */
  const cuts = tokens.flatMap((token, i) => (i > 0 && isTime(token) && isTime(tokens[i - 1]) ? [i] : []));
  const endsWithTime = isTime(tokens.at(-1)) && !isTime(tokens.at(-2));
  if (cuts.length === 0) {
    const times = tokens.filter(isTime);
    const start = isTime(tokens[0]) ? secondsOf(tokens[0]!, words) : 0;
    const last = secondsOf(times.at(-1) ?? words.firstTimestamp, words);
    return { segments: segment(tokens, start, times.length > 1 ? last : length), done: length };
  }
  if (endsWithTime) cuts.push(tokens.length);
  const segments = cuts.flatMap((cut, i) => {
    const part = tokens.slice(cuts[i - 1] ?? 0, cut);
    return segment(part, secondsOf(part[0]!, words), secondsOf(part.at(-1)!, words));
  });
  // A last time without a successor means that nothing is spoken after it.
  const done = endsWithTime ? length : Math.min(length, secondsOf(tokens[cuts.at(-1)! - 1]!, words));
  return { segments, done };
}
