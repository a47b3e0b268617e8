// How sure answers must be: sets that hold the label, and when to give no answer. Apart from what fits it, which whoever
// only answers does not load.
import type { AnswerThreshold } from './abstention.js';

export interface Certainty {
  /** Held-out items that it was fitted on. */
  readonly items: number;
  /** By coverage, rising: labels with a posterior of at least `posterior` are in the set. */
  readonly sets: { readonly coverage: number; readonly posterior: number }[];
  /** From all items answered to few: answers with a posterior below `confidence` are not given. */
  readonly answers: AnswerThreshold[];
}

/** Coverages that sets are made for: .5, .51, …, .99. */
export const COVERAGES = Array.from({ length: 50 }, (_, i) => (50 + i) / 100);
export const LEAST_COVERAGE = COVERAGES[0]!;
export const MOST_COVERAGE = COVERAGES.at(-1)!;

/** The least posterior of a label in a set of this coverage or more; 0, every label, beyond what is known. */
export const leastPosterior = ({ sets }: Certainty, coverage: number): number =>
  sets.find((one) => one.coverage >= coverage - 1e-9)?.posterior ?? 0;

/** The least posterior of an answer at this risk; undefined where no answer is that sure. */
export const leastConfidence = ({ answers }: Certainty, risk: number): number | undefined =>
  answers.find((one) => one.risk <= risk)?.confidence;
