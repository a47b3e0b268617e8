// Cuts recordings of any length at pauses into segments of speech, at once or while the sound is streamed.
import { defined, MienError } from 'mien-engine/base';
import { type ActivityDetector, createActivityDetector } from './activity.js';
import { SPEECH_RATE } from './speech.js';

/** A stretch of speech in a recording. */
export interface SpeechSegment {
  /** In seconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  /** Its sound at 16 kHz. */
  readonly samples: Float32Array;
}

export interface SegmentOptions {
  /** Longest segment in seconds (default 15); longer speech is cut where it is least certain to be speech. */
  readonly maxSeconds?: number | undefined;
  /** Pauses that are shorter, in seconds, do not end a segment (default 0.4). */
  readonly pause?: number | undefined;
  /** Sound that is kept before and after speech, in seconds (default 0.15), at most half of `pause`. */
  readonly padding?: number | undefined;
  /** Detects speech in one recording; by default without a model. */
  readonly detector?: ActivityDetector | undefined;
}

/** Finds the segments of one recording. */
export interface Segmenter {
  /** Takes the next samples at 16 kHz and returns the segments that have ended; one call at a time. */
  push(samples: Float32Array): Promise<SpeechSegment[]>;
  /** Returns the segments that are left. */
  end(): Promise<SpeechSegment[]>;
}

/** Scores at which speech starts, and below which it ends, as Silero's own segmenter has them. */
const [STARTS, ENDS] = [0.5, 0.35];
/** Less speech is a click, in seconds. */
const LEAST_SPEECH = 0.1;
/** Shortest segment, in seconds, that decoding would accept as a recording. */
const LEAST_SECONDS = 0.3;
/** Frames over which scores are averaged to find the place for a cut in speech without a pause. */
const AVERAGED = 5;

/** Consecutive samples of a recording of which the oldest can be dropped. */
function createStore() {
  let [data, first, length] = [new Float32Array(1 << 16), 0, 0];
  return {
    /** Position after the last sample. */
    end: () => first + length,
    append(samples: Float32Array): void {
      if (length + samples.length > data.length) {
        const larger = new Float32Array(2 * (length + samples.length));
        larger.set(data.subarray(0, length));
        data = larger;
      }
      data.set(samples, length);
      length += samples.length;
    },
    read: (from: number, to: number): Float32Array => data.slice(from - first, to - first),
    /** Drops what is before a position, once enough has accumulated. */
    drop(before: number): void {
      const count = Math.min(length, before - first);
      if (count < length / 2) return;
      data.copyWithin(0, count, length);
      [first, length] = [first + count, length - count];
    },
  };
}

const positive = (value: number, field: string): number => {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new MienError('config', `must be a positive number of seconds, got ${value}`, { field });
};

/**
 * A segmenter for sound that comes in parts of any size. The segments are those of the whole recording; memory is
 * bounded by the longest segment.
 * @throws MienError `config` for impossible options.
 */
export function createSegmenter(options: SegmentOptions = {}): Segmenter {
  const { maxSeconds = 15, pause = 0.4, padding = 0.15, detector = createActivityDetector() } = options;
  const framesIn = (seconds: number): number => (seconds * SPEECH_RATE) / detector.frame;
  if (!(padding >= 0 && 2 * padding <= positive(pause, 'pause')))
    throw new MienError('config', `must be 0 to half of the pause of ${pause} s, got ${padding}`, {
      field: 'padding',
    });
  if (positive(maxSeconds, 'maxSeconds') < 1 + 2 * padding)
    throw new MienError('config', `must be at least ${1 + 2 * padding} s, got ${maxSeconds}`, {
      field: 'maxSeconds',
    });
  const margin = Math.round(padding * SPEECH_RATE);
  const longest = Math.floor(framesIn(maxSeconds - 2 * padding));
  const store = createStore();
  /** The open segment: its first frame, the one after its last speech, its scores, and where the last segment ended. */
  let open: { first: number; end: number; speech: number; afterCut: boolean; scores: number[] } | undefined;
  let [frame, speaking, cutAt] = [0, false, 0];

  function segment(first: number, end: number, speech: number): SpeechSegment[] {
    const start = Math.max(cutAt, first);
    const stop = Math.min(end, store.end());
    if (speech < framesIn(LEAST_SPEECH) || stop - start < LEAST_SECONDS * SPEECH_RATE) return [];
    cutAt = stop;
    return [{ start: start / SPEECH_RATE, end: stop / SPEECH_RATE, samples: store.read(start, stop) }];
  }

  function close(): SpeechSegment[] {
    if (!open) return [];
    const { first, end, speech, afterCut } = open;
    open = undefined;
    return segment(first * detector.frame - (afterCut ? 0 : margin), end * detector.frame + margin, speech);
  }

  /** Ends a segment that is too long where the mean score is least in its second half; the rest stays open. */
  function cut(): SpeechSegment[] {
    const { first, end, speech, afterCut, scores } = open!;
    let [place, least] = [longest, Infinity];
    for (let i = longest >> 1; i + AVERAGED <= scores.length; i++) {
      const sum = scores.slice(i, i + AVERAGED).reduce((a, b) => a + b);
      if (sum < least) [place, least] = [i + (AVERAGED >> 1), sum];
    }
    const speechIn = (part: readonly number[]): number => part.filter((score) => score >= ENDS).length;
    const rest = scores.slice(place);
    const found = segment(
      first * detector.frame - (afterCut ? 0 : margin),
      (first + place) * detector.frame,
      speech - speechIn(rest),
    );
    open = { first: first + place, end, speech: speechIn(rest), afterCut: true, scores: rest };
    return found;
  }

  function take(score: number): SpeechSegment[] {
    const found: SpeechSegment[] = [];
    speaking = score >= (speaking ? ENDS : STARTS);
    if (open && !speaking && frame - open.end >= framesIn(pause)) found.push(...close());
    if (speaking) {
      open ??= { first: frame, end: frame, speech: 0, afterCut: false, scores: [] };
      open.end = frame + 1;
      open.speech++;
    }
    frame++;
    open?.scores.push(score);
    if (open && open.end - open.first >= longest) found.push(...cut());
    return found;
  }

  const takeAll = (scores: readonly number[]): SpeechSegment[] => scores.flatMap(take);

  return {
    async push(samples) {
      const found: SpeechSegment[] = [];
      // In parts, so that one call with hours of sound needs no more memory than many.
      for (let start = 0; start < samples.length; start += SPEECH_RATE) {
        const part = samples.subarray(start, start + SPEECH_RATE);
        store.append(part);
        found.push(...takeAll(await detector.push(part)));
        store.drop(Math.max(0, (open?.first ?? frame) * detector.frame - margin));
      }
      return found;
    },
    async end() {
      return [...takeAll(await detector.end()), ...close()];
    },
  };
}

/**
 * Segments of speech in a recording at 16 kHz, in order, without overlap. Scores do not depend on the level: level each
 * segment afterwards, not the recording before.
 * @throws MienError `config` for impossible options.
 */
export async function speechSegments(
  samples: Float32Array,
  options: SegmentOptions = {},
): Promise<SpeechSegment[]> {
  const segmenter = createSegmenter(defined(options));
  return [...(await segmenter.push(samples)), ...(await segmenter.end())];
}
