// Losses.
import type { Value } from '../graph/builder.js';
import { add, div, log, mul, neg } from '../graph/ops/elementwise.js';
import { oneHot } from '../graph/ops/lookup.js';
import { logSoftmax, mean, sum } from '../graph/ops/reduction.js';

/**
 * Mean cross-entropy of logits `[batch, labels]` with the true labels `[batch]` (integers). With weights `[batch]`,
 * the weighted mean: Σ wᵢ·lossᵢ / Σ wᵢ, so that an item of weight 0 does not count.
 */
export function crossEntropy(logits: Value, labels: Value, weights?: Value): Value {
  return softCrossEntropy(logits, oneHot(labels, logits.shape[1] as number), weights);
}

/**
 * Mean cross-entropy of logits `[batch, labels]` with distributions over the labels `[batch, labels]`: smoothed or
 * mixed labels, a teacher's posterior. Weights as in `crossEntropy`.
 */
export function softCrossEntropy(logits: Value, targets: Value, weights?: Value): Value {
  const losses = neg(sum(mul(logSoftmax(logits), targets), [1]));
  if (weights === undefined) return mean(losses);
  return div(sum(mul(losses, weights)), sum(weights));
}

/**
 * Weighted mean cross-entropy of shares `[batch]`, each in (0, 1), with the shares they should be, also `[batch]`:
 * −t log p − (1 − t) log(1 − p), least where p = t.
 */
export function shareCrossEntropy(shares: Value, targets: Value, weights: Value): Value {
  const one = (value: Value): Value => add(neg(value), 1);
  const losses = neg(add(mul(targets, log(shares)), mul(one(targets), log(one(shares)))));
  return div(sum(mul(losses, weights)), sum(weights));
}
