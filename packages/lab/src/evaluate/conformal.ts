// Prediction sets that hold the true label as often as asked, from posteriors and held-out items.
import { MienError } from 'mien-engine/base';
import { labelAt, rowCount, type Scores } from 'mien/parts';

/** How prediction sets turned out on test items. */
export interface SetCoverage {
  /** Share of items whose set holds their label. */
  readonly coverage: number;
  /** Mean number of labels in a set. */
  readonly size: number;
  /** Share of sets with exactly one label, and with none. */
  readonly single: number;
  readonly empty: number;
  /** `coverage` of each label's items; null where a label has none. */
  readonly perLabel: readonly (number | null)[];
}

/**
 * The threshold of split conformal prediction: the ⌈(n + 1)(1 − α)⌉-th smallest of the held-out scores 1 − p(label).
 * Sets of all labels with 1 − p ≤ threshold hold the label of a new item with probability 1 − α at least, whatever
 * the model, if held-out and new items are exchangeable. 1 (every label) where n is too small to promise as much.
 * Sources: Vovk, Gammerman & Shafer 2005; score of Sadinle, Lei & Wasserman 2019, "Least ambiguous set-valued
 * classifiers with bounded error levels".
 * @throws MienError `shape` when lengths differ, `usage` when α is not between 0 and 1.
 */
export function conformalThreshold(truth: ArrayLike<number>, posteriors: Scores, alpha: number): number {
  if (!(alpha > 0 && alpha < 1))
    throw new MienError('usage', `the error rate must lie between 0 and 1, not ${alpha}`);
  checkRows(truth, posteriors);
  const n = truth.length;
  const { classes, data } = posteriors;
  const ranked = Float64Array.from(
    { length: n },
    (_, row) => 1 - data[row * classes + labelAt(truth, row, classes)]!,
  ).sort();
  // (n + 1)(1 − α) may come out a hair above a whole number.
  const rank = Math.ceil((n + 1) * (1 - alpha) - 1e-9);
  return rank > n ? 1 : ranked[rank - 1]!;
}

/** Coverage and size of the sets that a threshold makes. @throws MienError `shape` when lengths differ. */
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
