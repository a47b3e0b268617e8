// A camera's readings jump from frame to frame; an average over half a second shows what stays.
import { isRecognition, type Probabilities, type Recognition, type Result } from '../../src/browser.js';

/** Milliseconds after which an old reading counts 1/e of a new one. */
const MEMORY = 500;

/** Averages probabilities over the readings so far, which begin anew when the face is lost. */
export function averaging(): (result: Result, time: number) => Result {
  let last: { recognition: Recognition; time: number } | undefined;
  return (result, time) => {
    if (!isRecognition(result) || !result.face) {
      last = undefined;
      return result;
    }
    const before = last?.recognition.from === result.from ? last : undefined;
    const weight = before ? 1 - Math.exp(-(time - before.time) / MEMORY) : 1;
    const mix = (now: Probabilities, then: Probabilities | undefined): Probabilities =>
      Object.fromEntries(
        Object.entries(now).map(([label, share]) => [
          label,
          weight * share + (1 - weight) * (then?.[label] ?? share),
        ]),
      );
    const probabilities = mix(result.probabilities, before?.recognition.probabilities);
    const face = mix(result.face.probabilities, before?.recognition.face?.probabilities);
    const averaged: Recognition = {
      ...result,
      ...{ probabilities, label: topOf(probabilities) },
      face: { ...result.face, probabilities: face, label: topOf(face) },
    };
    last = { recognition: averaged, time };
    return averaged;
  };
}

const topOf = (probabilities: Probabilities): string =>
  Object.entries(probabilities).reduce((best, one) => (one[1] > best[1] ? one : best))[0];
