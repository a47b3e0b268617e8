// Single frames jump: an exponential moving average of their posteriors shows what stays.
import { topOf } from './labels.js';
import type { Probabilities, Recognition, Result } from './types.js';

/** Seconds after which a frame counts half. */
export const FACE_HALF_LIFE = 0.7;

/** Something seen or said, and when, in milliseconds. */
export interface Evidence {
  readonly probabilities: Probabilities;
  readonly at: number;
}

/** The share that is left of something after a time. */
export const left = (from: number, now: number, halfLife: number): number =>
  2 ** (-(now - from) / 1000 / halfLife);

/** The average so far, moved towards a new posterior over the same labels. */
export function averaged(
  before: Evidence,
  probabilities: Probabilities,
  now: number,
  halfLife: number,
): Probabilities {
  const weight = left(before.at, now, halfLife);
  return Object.fromEntries(
    Object.entries(probabilities).map(([label, p]) => [
      label,
      weight * (before.probabilities[label] ?? p) + (1 - weight) * p,
    ]),
  );
}

/**
 * Answers of a camera's frames, each with the averages of the answer and of the face over the frames so far in place of
 * its own. They begin anew where no face is found, and where a text joins in or goes.
 */
export function averageFrames(halfLife = FACE_HALF_LIFE): (result: Result, at: number) => Result {
  let before: { answer: Recognition; at: number } | undefined;
  return (result, at) => {
    if (result.error || !result.face) {
      before = undefined;
      return result;
    }
    const { answer: last, at: then } = before?.answer.from === result.from ? before : {};
    const over = (now: Probabilities, earlier: Probabilities | undefined): Probabilities =>
      earlier ? averaged({ probabilities: earlier, at: then! }, now, at, halfLife) : now;
    const probabilities = over(result.probabilities, last?.probabilities);
    const face = over(result.face.probabilities, last?.face?.probabilities);
    const answer: Recognition = {
      ...result,
      probabilities,
      label: topOf(probabilities),
      face: { ...result.face, probabilities: face, label: topOf(face) },
    };
    before = { answer, at };
    return answer;
  };
}
