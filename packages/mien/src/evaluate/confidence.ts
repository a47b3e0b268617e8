// What confidence, the largest posterior, is worth: accuracy by confidence, and errors when unsure items are not answered.
import { MienError } from 'mien-engine/base';
import { wilsonInterval } from './intervals.js';
import { labelAt } from './metrics.js';
import { argmax, rowCount, type Scores } from './scores.js';

/** Items with a confidence in (low, high]. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean confidence of the bin's items. */
  readonly confidence: number;
  readonly accuracy: number;
}

/**
 * The confidence of each item, and whether its prediction is right (1) or not (0).
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
 * The non-empty bins of a reliability diagram: of equal width, open below and closed above, as in
 * `expectedCalibrationError`. Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.
 * @throws MienError `shape` when lengths differ.
 */
export function reliabilityBins(truth: ArrayLike<number>, posteriors: Scores, bins = 15): ReliabilityBin[] {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, hits: 0 }));
  for (const { confidence, hit } of judged(truth, posteriors)) {
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))]!;
    bin.count++;
    bin.confidence += confidence;
    bin.hits += hit;
  }
  return sums.flatMap(({ count, confidence, hits }, i) =>
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
  /** Mean of `risk`: the area under the risk–coverage curve. */
  readonly area: number;
}

/**
 * The error rate when only the most confident items are answered. Items of equal confidence share their errors evenly, so
 * that their order does not matter.
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

/** The effect of a confidence threshold on held-out items. */
export interface AnswerThreshold {
  /** The least confidence that is answered. */
  readonly confidence: number;
  /** Share of items that are answered. */
  readonly answered: number;
  /** Upper limit of Wilson's 95% interval of the error rate among them. */
  readonly risk: number;
}

/** Shares of items to answer for which thresholds are computed, descending. */
const SHARES = Array.from({ length: 50 }, (_, i) => 1 - i / 50);

/**
 * Thresholds for answering fewer and fewer of the held-out items, keeping the most confident. The risk is an upper limit
 * and not the error rate itself, since a threshold chosen for its few errors has fewer of them than new items will.
 * Source: Geifman & El-Yaniv 2017, "Selective classification for deep neural networks" (with their bound's exact tail
 * replaced by Wilson's).
 * @throws MienError `shape` when lengths differ.
 */
export function answerThresholds(truth: ArrayLike<number>, posteriors: Scores): AnswerThreshold[] {
  const n = truth.length;
  const items = judged(truth, posteriors).sort((a, b) => b.confidence - a.confidence);
  const thresholds: AnswerThreshold[] = [];
  for (const share of SHARES) {
    const { confidence } = items[Math.max(1, Math.round(share * n)) - 1]!;
    if (thresholds.at(-1)?.confidence === confidence) continue;
    const answered = items.filter((item) => item.confidence >= confidence);
    const errors = answered.reduce((sum, { hit }) => sum + 1 - hit, 0);
    const { high: risk } = wilsonInterval(errors, answered.length);
    thresholds.push({ confidence, answered: answered.length / n, risk });
  }
  return thresholds;
}
