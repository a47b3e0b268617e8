// How sure answers must be, from held-out items: sets that hold the label, and when to give no answer.
import { answerThresholds, type AnswerThreshold } from './abstention.js';
import { conformalThreshold } from './conformal.js';
import type { Scores } from './scores.js';

export interface Certainty {
  /** Held-out items that it was fitted on. */
  readonly items: number;
  /** By coverage, rising: labels with a posterior of at least `posterior` are in the set. */
  readonly sets: { readonly coverage: number; readonly posterior: number }[];
  /** From all items answered to few: answers with a posterior below `confidence` are not given. */
  readonly answers: AnswerThreshold[];
}

/** Coverages that sets are made for: .5, .51, …, .99. */
const COVERAGES = Array.from({ length: 50 }, (_, i) => (50 + i) / 100);
export const LEAST_COVERAGE = COVERAGES[0]!;
export const MOST_COVERAGE = COVERAGES.at(-1)!;

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

/** The least posterior of a label in a set of this coverage or more; 0, every label, beyond what is known. */
export const leastPosterior = ({ sets }: Certainty, coverage: number): number =>
  sets.find((one) => one.coverage >= coverage - 1e-9)?.posterior ?? 0;

/** The least posterior of an answer at this risk; undefined where no answer is that sure. */
export const leastConfidence = ({ answers }: Certainty, risk: number): number | undefined =>
  answers.find((one) => one.risk <= risk)?.confidence;
