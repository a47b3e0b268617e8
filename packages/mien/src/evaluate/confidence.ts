// What the largest posterior is worth: accuracy per bin of confidence, and errors left when unsure items are refused.
import { MienError } from 'mien-engine/base';
import { labelAt } from './metrics.js';
import { argmax, rowCount, type Scores } from './scores.js';

/** Items whose largest posterior lies in (low, high]. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Means over the bin's items: largest posterior, and share of right predictions. */
  readonly confidence: number;
  readonly accuracy: number;
}

/**
 * The largest posterior of each item, and whether the label it stands for is the true one (1) or not (0).
 * @throws MienError `shape` when lengths differ.
 */
export function judged(truth: ArrayLike<number>, posteriors: Scores): { confidence: number; hit: number }[] {
  if (truth.length === 0 || truth.length !== rowCount(posteriors))
    throw new MienError('shape', `${truth.length} labels for ${rowCount(posteriors)} items`);
  const { classes, data } = posteriors;
  return Array.from(argmax(posteriors), (predicted, row) => ({
    confidence: data[row * classes + predicted]!,
    hit: predicted === labelAt(truth, row, classes) ? 1 : 0,
  }));
}

/**
 * The bins of a reliability diagram, those without items left out: equal widths, open below and closed above, as
 * `expectedCalibrationError` has them. Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.
 * @throws MienError `shape` when lengths differ.
 */
export function reliabilityBins(truth: ArrayLike<number>, posteriors: Scores, bins = 15): ReliabilityBin[] {
  const found = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, hits: 0 }));
  for (const { confidence, hit } of judged(truth, posteriors)) {
    const bin = found[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))]!;
    bin.count++;
    bin.confidence += confidence;
    bin.hits += hit;
  }
  return found.flatMap(({ count, confidence, hits }, i) =>
    count === 0
      ? []
      : [
          {
            low: i / bins,
            high: (i + 1) / bins,
            count,
            confidence: confidence / count,
            accuracy: hits / count,
          },
        ],
  );
}

export interface RiskCoverage {
  /** `risk[i]`: share of errors among the i + 1 most confident items. */
  readonly risk: Float64Array;
  /** Mean of `risk`: the area under the curve of risk over coverage. */
  readonly area: number;
}

/**
 * The error rate that is left when only the most confident items are answered. Items of equal confidence share their
 * errors evenly, so that their order does not matter.
 * Source: Geifman & El-Yaniv 2017, "Selective classification for deep neural networks".
 * @throws MienError `shape` when lengths differ.
 */
export function riskCoverage(truth: ArrayLike<number>, posteriors: Scores): RiskCoverage {
  const items = judged(truth, posteriors).sort((a, b) => b.confidence - a.confidence);
  const risk = new Float64Array(items.length);
  let errors = 0;
  for (let start = 0; start < items.length;) {
    let end = start + 1;
    while (end < items.length && items[end]!.confidence === items[start]!.confidence) end++;
    const wrong = items.slice(start, end).reduce((sum, { hit }) => sum + 1 - hit, 0);
    for (let i = start; i < end; i++)
      risk[i] = (errors + (wrong * (i + 1 - start)) / (end - start)) / (i + 1);
    errors += wrong;
    start = end;
  }
  return { risk, area: risk.reduce((sum, value) => sum + value, 0) / risk.length };
}
