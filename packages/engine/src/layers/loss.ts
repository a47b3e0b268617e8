// Losses.
import type { Value } from '../graph/graph.js';
import { add, div, log, mul, neg } from '../graph/ops/elementwise.js';
import { oneHot } from '../graph/ops/lookup.js';
import { logSoftmax, mean, sum } from '../graph/ops/reduction.js';
import { sizeAlong } from '../graph/shapes.js';

/**
 * Mean cross-entropy of logits `[batch, labels]` and the true labels `[batch]` (integers). With weights `[batch]`, the
 * weighted mean Σ wᵢ·lossᵢ / Σ wᵢ, so that an item of weight 0 does not count.
 */
export function crossEntropy(logits: Value, labels: Value, weights?: Value): Value {
  return softCrossEntropy(logits, oneHot(labels, sizeAlong(logits, 1)), weights);
}

/**
 * Mean cross-entropy of logits `[batch, labels]` and distributions over the labels `[batch, labels]`, such as smoothed or
 * mixed labels or a teacher's posterior. Weights as in `crossEntropy`.
 */
export function softCrossEntropy(logits: Value, targets: Value, weights?: Value): Value {
  const losses = neg(sum(mul(logSoftmax(logits), targets), [1]));
  if (weights === undefined) return mean(losses);
  return div(sum(mul(losses, weights)), sum(weights));
}

/**
 * Weighted mean cross-entropy of shares p `[batch]`, each in (0, 1), and target shares t `[batch]`:
 * −t log p − (1 − t) log(1 − p), minimal at p = t.
 */
export function shareCrossEntropy(shares: Value, targets: Value, weights: Value): Value {
  const complement = (value: Value): Value => add(neg(value), 1);
  const losses = neg(add(mul(targets, log(shares)), mul(complement(targets), log(complement(shares)))));
  return div(sum(mul(losses, weights)), sum(weights));
}
