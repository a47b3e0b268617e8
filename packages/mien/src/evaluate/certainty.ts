// A bundle's fitted thresholds for prediction sets and abstention, without the code that fits them, which answering does
// not need.
import type { AnswerThreshold } from './confidence.js';

export interface Certainty {
  /** Number of held-out items that it was fitted on. */
  readonly items: number;
  /** By rising coverage: labels with a posterior of at least `posterior` are in the set. */
  readonly sets: { readonly coverage: number; readonly posterior: number }[];
  /** By falling share of answered items: answers with a posterior below `confidence` are withheld. */
  readonly answers: AnswerThreshold[];
}

export const LEAST_COVERAGE = 0.5;
export const MOST_COVERAGE = 0.99;
/** Coverages for which sets are fitted: .5, .51, …, .99. */
export const COVERAGES = Array.from({ length: 50 }, (_, i) => (50 + i) / 100);

/** The least posterior of a label in a set of at least this coverage; 0, so every label, beyond the fitted ones. */
export const leastPosterior = ({ sets }: Certainty, coverage: number): number =>
  sets.find((one) => one.coverage >= coverage - 1e-9)?.posterior ?? 0;

/** The least posterior of an answer at this risk; undefined when no threshold reaches it. */
export const leastConfidence = ({ answers }: Certainty, risk: number): number | undefined =>
  answers.find((one) => one.risk <= risk)?.confidence;
