// Split conformal prediction: sets that contain the true label with a given probability, and the thresholds of certain
// answers, both from held-out items.
import { MienError } from 'mien-engine/base';
import {
  answerThresholds,
  type Certainty,
  COVERAGES,
  labelAt,
  rowCount,
  type Scores,
} from 'mien/parts/evaluate';

/** Prediction sets on test items. */
export interface SetCoverage {
  /** Share of items whose set contains their label. */
  readonly coverage: number;
  /** Mean number of labels in a set. */
  readonly size: number;
  /** Share of sets with exactly one label, and with none. */
  readonly single: number;
  readonly empty: number;
  /** `coverage` of each label's items; null for a label without items. */
  readonly perLabel: readonly (number | null)[];
}

/**
 * The threshold of split conformal prediction: the ⌈(n + 1)(1 − α)⌉-th smallest of the held-out scores 1 − p(label).
 * Sets of all labels with 1 − p ≤ threshold contain the label of a new item with probability at least 1 − α, for any
 * model, if held-out and new items are exchangeable. 1 (every label) if n is too small for this guarantee.
 * Sources: Vovk, Gammerman & Shafer 2005; score of Sadinle, Lei & Wasserman 2019, "Least ambiguous set-valued
 * classifiers with bounded error levels".
 * @throws MienError `shape` if lengths differ, `usage` if α is not between 0 and 1
 */
export function conformalThreshold(truth: ArrayLike<number>, posteriors: Scores, alpha: number): number {
  if (!(alpha > 0 && alpha < 1))
    throw new MienError('usage', `the error rate must be between 0 and 1, got ${alpha}`);
  checkRows(truth, posteriors);
  const n = truth.length;
  const { classes, data } = posteriors;
  const ranked = Float64Array.from(
    { length: n },
    (_, row) => 1 - data[row * classes + labelAt(truth, row, classes)]!,
  ).sort();
  // Rounding may put (n + 1)(1 − α) slightly above an integer.
  const rank = Math.ceil((n + 1) * (1 - alpha) - 1e-9);
  return rank > n ? 1 : ranked[rank - 1]!;
}

/** Coverage and size of the sets of a threshold. @throws MienError `shape` if lengths differ */
export function setCoverage(truth: ArrayLike<number>, posteriors: Scores, threshold: number): SetCoverage {
  checkRows(truth, posteriors);
  const n = truth.length;
  const { classes, data } = posteriors;
  const held = new Array<number>(classes).fill(0);
  const support = new Array<number>(classes).fill(0);
  const totals = { size: 0, single: 0, empty: 0 };
  for (let row = 0; row < n; row++) {
    let size = 0;
    for (let k = 0; k < classes; k++) if (1 - data[row * classes + k]! <= threshold) size++;
    const label = labelAt(truth, row, classes);
    support[label]! += 1;
    if (1 - data[row * classes + label]! <= threshold) held[label]! += 1;
    totals.size += size;
    if (size === 1) totals.single++;
    if (size === 0) totals.empty++;
  }
  return {
    coverage: held.reduce((sum, count) => sum + count, 0) / n,
    size: totals.size / n,
    single: totals.single / n,
    empty: totals.empty / n,
    perLabel: held.map((count, k) => (support[k]! > 0 ? count / support[k]! : null)),
  };
}

function checkRows(truth: ArrayLike<number>, posteriors: Scores): void {
  if (truth.length === 0 || truth.length !== rowCount(posteriors))
    throw new MienError('shape', `${truth.length} labels for ${rowCount(posteriors)} items`);
}

/** Rounds down, so that the guarantee still holds. */
const rounded = (value: number): number => Math.max(0, Math.floor(value * 1e6) / 1e6);

/**
 * Thresholds of prediction sets and of answers from the posteriors `[n, labels]` of held-out items, with six digits, as
 * stored in manifests.
 * @throws MienError `shape` if lengths differ
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
