// Cuts sound at its pauses as it comes in: the loud stretches are taken for utterances.
import { SPEECH_RATE } from '../audio/speech.js';

/** A stretch of sound at 16 kHz. */
export interface Stretch {
  readonly samples: Float32Array;
  /** Seconds from the beginning of the recording. */
  readonly start: number;
  readonly end: number;
}

/** Samples of a step: 20 ms. */
const STEP = SPEECH_RATE / 50;
/** Steps of quiet that end an utterance, and the shortest and longest utterance in steps. */
const PAUSE = 20;
const SHORTEST = 25;
const LONGEST = 500;
/** Root mean square below which nothing is heard, and how much louder than the background speech is (10 dB). */
const QUIET = 1e-3;
const LOUDER = 3.2;
/** The background follows a quieter step at once, and a louder one by this share of it a step. */
const RISE = 0.002;

const loudness = (samples: Float32Array): number => {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
};

/**
 * Utterances of half a second to ten seconds, by loudness against the background. Music and noise that come and go are
 * taken for utterances, too.
 */
export async function* utterancesOf(
  parts: AsyncIterable<Float32Array>,
): AsyncGenerator<Stretch, void, undefined> {
  let background = Infinity;
  let steps: Float32Array[] = [];
  let [first, quiet, now] = [0, 0, 0];
  const take = (): Stretch | undefined => {
    const kept = steps.slice(0, steps.length - quiet);
    steps = [];
    quiet = 0;
    if (kept.length < SHORTEST) return undefined;
    const samples = new Float32Array(kept.length * STEP);
    kept.forEach((step, i) => samples.set(step, i * STEP));
    return {
      samples,
      start: (first * STEP) / SPEECH_RATE,
      end: ((first + kept.length) * STEP) / SPEECH_RATE,
    };
  };
  for await (const step of stepsOf(parts)) {
    const level = loudness(step);
    background =
      level < background ? Math.max(level, QUIET / LOUDER) : background + RISE * (level - background);
    const isLoud = level > QUIET && level > background * LOUDER;
    if (isLoud || steps.length > 0) {
      if (steps.length === 0) first = now;
      steps.push(step);
      quiet = isLoud ? 0 : quiet + 1;
    }
    if (quiet >= PAUSE || steps.length >= LONGEST) {
      const stretch = take();
      if (stretch) yield stretch;
    }
    now++;
  }
  const stretch = take();
  if (stretch) yield stretch;
}

async function* stepsOf(parts: AsyncIterable<Float32Array>): AsyncGenerator<Float32Array, void, undefined> {
  let step = new Float32Array(STEP);
  let filled = 0;
  for await (const part of parts)
    for (let at = 0; at < part.length;) {
      const piece = part.subarray(at, at + STEP - filled);
      step.set(piece, filled);
      at += piece.length;
      filled += piece.length;
      if (filled < STEP) continue;
      yield step;
      [step, filled] = [new Float32Array(STEP), 0];
    }
}
