// Temperature scaling, and the product of calibrated posteriors: the fusion that needs no training.
import { MienError } from 'mien-engine/base';
import { labelAt } from './metrics.js';
import { toLogPosteriors, rowCount, toPosteriors, type Scores } from './scores.js';

/** Bounds of temperatures: logits that separate the validation items perfectly would otherwise drive it to zero. */
export const temperatureBounds = { low: 0.05, high: 20 } as const;

export interface Calibration {
  readonly temperature: number;
  /** Mean negative log-likelihood on the fitting data, in nats, at temperature 1 and at the fitted one. */
  readonly before: number;
  readonly after: number;
  /** Whether the fit stopped at a bound. */
  readonly bounded: boolean;
}

/**
 * The temperature that minimises the negative log-likelihood of `softmax(logits / T)` on held-out items, within
 * `temperatureBounds`. It is convex in β = 1/T, with derivative Σ (E_β[z] − z_y) and curvature Σ Var_β[z]; Newton steps
 * are kept inside a bracket that bisection shrinks.
 * Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.
 * @throws MienError `shape` when lengths differ or are zero, `diverged` when a logit is not finite.
 */
export function fitTemperature(logits: Scores, labels: ArrayLike<number>): Calibration {
  const before = negativeLogLikelihood(logits, labels, 1);
  if (logits.data.some((z) => z === -Infinity))
    throw new MienError('diverged', 'a temperature cannot be fitted to logits of −∞');
  let low = 1 / temperatureBounds.high;
  let high = 1 / temperatureBounds.low;
  let beta = 1;
  if (slope(logits, labels, low).first >= 0) beta = low;
  else if (slope(logits, labels, high).first <= 0) beta = high;
  else
    for (let step = 0; step < 100; step++) {
      const { first, second } = slope(logits, labels, beta);
      if (first > 0) high = beta;
      else low = beta;
      const newton = beta - first / second;
      const next = newton > low && newton < high ? newton : Math.sqrt(low * high);
      if (Math.abs(next - beta) <= 1e-12 * beta) break;
      beta = next;
    }
  const temperature = 1 / beta;
  return {
    temperature,
    before,
    after: negativeLogLikelihood(logits, labels, temperature),
    bounded: temperature <= temperatureBounds.low || temperature >= temperatureBounds.high,
  };
}

/** Mean negative log-likelihood in nats, without the clipping of `logLoss`. */
function negativeLogLikelihood(logits: Scores, labels: ArrayLike<number>, temperature: number): number {
  const n = rowCount(logits);
  if (labels.length !== n || n === 0)
    throw new MienError('shape', `${labels.length} labels for ${n} items; at least one of each is needed`);
  const log = toLogPosteriors(logits, temperature).data;
  let total = 0;
  for (let row = 0; row < n; row++)
    total -= log[row * logits.classes + labelAt(labels, row, logits.classes)]!;
  return total / n;
}

/** First and second derivative of the summed negative log-likelihood with respect to β. */
function slope(logits: Scores, labels: ArrayLike<number>, beta: number): { first: number; second: number } {
  const { classes, data } = logits;
  const posteriors = toPosteriors(logits, 1 / beta).data;
  let first = 0;
  let second = 0;
  for (let row = 0; row < rowCount(logits); row++) {
    const start = row * classes;
    let mean = 0;
    for (let k = start; k < start + classes; k++) mean += posteriors[k]! * data[k]!;
    for (let k = start; k < start + classes; k++) second += posteriors[k]! * (data[k]! - mean) ** 2;
    first += mean - data[start + labels[row]!]!;
  }
  return { first, second };
}

/**
 * The label distribution `[classes]` of training items, with one pseudo-count per label so that no label is impossible.
 * @throws MienError `shape` when a label is out of range.
 */
export function labelPrior(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(1);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (counts[label] === undefined)
      throw new MienError('shape', `label ${label} of item ${i} is not one of 0 … ${classes - 1}`);
    counts[label] += 1;
  }
  return counts.map((count) => count / (labels.length + classes));
}

/** One modality's classification of n items. */
export interface Evidence {
  /** `[n, classes]`: logits of the modality's classifier. */
  readonly logits: Scores;
  /** From `fitTemperature`; 1 leaves the logits unchanged. */
  readonly temperature: number;
  /** `[classes]`: label distribution of the classifier's training items. */
  readonly prior: readonly number[];
}

/**
 * The product of posteriors: log-posteriors `[n, classes]` of the label given all modalities.
 *
 * The text t and the face v of a label-matched pair are independent given the label y, so by Bayes' rule
 *
 *     p(y | t, v) ∝ π(y) · p(t | y) · p(v | y)
 *                 ∝ π(y) · [ p_t(y | t) / π_t(y) ] · [ p_v(y | v) / π_v(y) ]
 *
 *     log p(y | t, v) = log π(y) + Σ_m ( log softmax(z_m / T_m)(y) − log π_m(y) ) + constant
 *
 * with z_m and T_m a modality's logits and fitted temperature, π_m the label distribution it was trained on, and π
 * (`target`) that of the pairs to classify, estimated on training pairs. Pairs have the text's label: if the text
 * classifier was trained on the same distribution (π_t = π), this is p_t · p_v / π_v. No fusion of the same two
 * posteriors can be expected to do better on such pairs.
 * With one modality it converts a posterior from its training prior to another.
 * @throws MienError `shape` when modalities differ in labels or items, or a prior contains a zero.
 */
export function productOfPosteriors(
  evidence: readonly Evidence[],
  target: readonly number[],
): Scores<Float64Array> {
  const classes = target.length;
  const length = evidence[0]?.logits.data.length ?? 0;
  for (const { logits, prior } of evidence)
    if (logits.classes !== classes || logits.data.length !== length || prior.length !== classes)
      throw new MienError('shape', 'modalities to multiply must have the same labels and items');
  if ([target, ...evidence.map(({ prior }) => prior)].some((prior) => prior.some((p) => !(p > 0))))
    throw new MienError('shape', 'a label prior must be above zero for every label', {
      hint: 'Use labelPrior.',
    });
  const offset = target.map(
    (p, k) => Math.log(p) - evidence.reduce((total, { prior }) => total + Math.log(prior[k]!), 0),
  );
  const data = Float64Array.from({ length }, (_, i) => offset[i % classes]!);
  for (const { logits, temperature } of evidence) {
    const log = toLogPosteriors(logits, temperature).data;
    for (let i = 0; i < length; i++) data[i]! += log[i]!;
  }
  return toLogPosteriors({ classes, data });
}
