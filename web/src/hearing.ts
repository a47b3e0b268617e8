// From sound as it comes, at any sample rate, to utterances at 16 kHz.
import { createSegmenter, resample, SPEECH_RATE, type SpeechSegment } from 'mien/page';

/** Longest utterance in seconds: who speaks without a pause gets an answer this often. */
const MOST_SECONDS = 6;
/** Zero crossings that mien's filter extends to either side, and some more. */
const CROSSINGS = 44;
/** Least seconds of sound that are resampled at once. */
const BLOCK_SECONDS = 0.1;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Resamples sound that comes in parts: together, the results are what `resample` gives for all of it. */
export function createResampler(from: number, to: number) {
  /** Fewest samples that become a whole number of samples. */
  const unit = from / gcd(from, to);
  const whole = (samples: number): number => unit * Math.ceil(samples / unit);
  const margin = whole(CROSSINGS * Math.max(1, from / to));
  const block = whole(BLOCK_SECONDS * from);
  const after = (samples: number): number => Math.ceil((samples * to) / from);
  /** What was not resampled yet, after a margin of what was; silence before the beginning. */
  let pending = new Float32Array(margin);
  const append = (samples: Float32Array): void => {
    const joined = new Float32Array(pending.length + samples.length);
    joined.set(pending);
    joined.set(samples, pending.length);
    pending = joined;
  };
  return {
    push(samples: Float32Array): Float32Array {
      append(samples);
      const count = block * Math.floor((pending.length - 2 * margin) / block);
      if (count <= 0) return new Float32Array(0);
      const done = resample(pending.subarray(0, count + 2 * margin), from, to);
      pending = pending.slice(count);
      return done.slice(after(margin), after(margin + count));
    },
    /** The rest, after which nothing may follow. */
    end(): Float32Array {
      const rest = resample(pending, from, to).slice(after(margin));
      pending = new Float32Array(margin);
      return rest;
    },
  };
}

/** Cuts sound at its pauses. Utterances are returned as they end, in order, whenever the calls are made. */
export function createHearing(rate: number) {
  const resampler = createResampler(rate, SPEECH_RATE);
  const segmenter = createSegmenter({ maxSeconds: MOST_SECONDS });
  // The segmenter takes one part at a time.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<SpeechSegment[]>): Promise<SpeechSegment[]> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
  return {
    push: (samples: Float32Array) => inTurn(() => segmenter.push(resampler.push(samples))),
    end: () => inTurn(async () => [...(await segmenter.push(resampler.end())), ...(await segmenter.end())]),
  };
}
