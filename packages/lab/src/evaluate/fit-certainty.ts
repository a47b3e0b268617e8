// How sure answers must be, from held-out items.
import { answerThresholds, type Certainty, COVERAGES, type Scores } from 'mien/parts';
import { conformalThreshold } from './conformal.js';

/** Downwards, so that what is rounded promises no more than what was measured. */
const rounded = (value: number): number => Math.max(0, Math.floor(value * 1e6) / 1e6);

/**
 * Both from the posteriors `[n, labels]` of held-out items, six digits each: they are written down.
 * @throws MienError `shape` when lengths differ.
 */
export function fitCertainty(truth: ArrayLike<number>, posteriors: Scores): Certainty {
  return {
    items: truth.length,
    sets: COVERAGES.map((coverage) => ({
      coverage,
      posterior: rounded(1 - conformalThreshold(truth, posteriors, 1 - coverage)),
    })),
    answers: answerThresholds(truth, posteriors).map(({ confidence, answered, risk }) => ({
      confidence: rounded(confidence),
      answered: rounded(answered),
      risk: Math.min(1, Math.ceil(risk * 1e6) / 1e6),
    })),
  };
}
