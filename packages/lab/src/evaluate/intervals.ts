// Statistics over runs: means with 95% intervals over model seeds, or over model seeds crossed with test pairings, and
// paired tests of two models with correction for multiple comparisons.
import quantile from '@stdlib/stats-base-dists-t-quantile';
import binomialTest from '@stdlib/stats-binomial-test';
import adjust from '@stdlib/stats-padjust';
import { MienError } from 'mien-engine/base';
import { type Interval, meanOf } from 'mien/parts/evaluate';

/** Half the width of the interval of a mean with the given variance and degrees of freedom. */
const halfWidth = (variance: number, freedom: number, confidence: number): number =>
  variance > 0 ? quantile((1 + confidence) / 2, freedom) * Math.sqrt(variance) : 0;

function interval(mean: number, half: number | null): Interval {
  return half === null ? { mean, low: null, high: null } : { mean, low: mean - half, high: mean + half };
}

/**
 * Mean and interval of independent runs, one value per model seed, from Student's t with n − 1 degrees of freedom.
 * It covers the variance of training, not that of drawing another test set.
 * @throws MienError `shape` if there is no value
 */
export function seedInterval(values: readonly number[], confidence = 0.95): Interval {
  const n = values.length;
  if (n === 0) throw new MienError('shape', 'an interval needs at least one value');
  const mean = meanOf(values);
  if (n === 1) return interval(mean, null);
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / (n - 1);
  return interval(mean, halfWidth(variance / n, n - 1, confidence));
}

/**
 * Mean and interval over model seeds × test pairings; `values[s][p]` is model seed s on pairing p.
 *
 * The s · p runs are not independent: all pairings of a seed share a model, and all models share the pairings. Treating
 * only seeds as units would ignore that every mean is based on the same few pairings. Both are therefore random effects
 * of a two-way layout, value = μ + seed + pairing + rest, and the variance of the mean is estimated by
 * (MS_seed + MS_pairing − MS_rest) / (s · p), with Satterthwaite's degrees of freedom. If the rest exceeds one of the
 * two, the variance of that effect would be negative: the larger of the two mean squares is then used alone. With one
 * pairing this is `seedInterval` over seeds, with one seed `seedInterval` over pairings.
 * Source: Satterthwaite 1946, "An approximate distribution of estimates of variance components".
 * @throws MienError `shape` if there is no value or the rows differ in length
 */
export function crossedInterval(values: readonly (readonly number[])[], confidence = 0.95): Interval {
  const seeds = values.length;
  const pairings = values[0]?.length ?? 0;
  if (values.some((row) => row.length !== pairings))
    throw new MienError('shape', 'every model seed needs the same number of test pairings');
  const bySeed = values.map(meanOf);
  if (pairings <= 1) return seedInterval(values.flat(), confidence);
  if (seeds === 1) return seedInterval(values[0]!, confidence);
  const byPairing = values[0]!.map((_, p) => meanOf(values.map((row) => row[p]!)));
  const mean = meanOf(bySeed);
  const squares = (means: readonly number[]): number =>
    means.reduce((total, value) => total + (value - mean) ** 2, 0);
  const seedSquare = (pairings * squares(bySeed)) / (seeds - 1);
  const pairingSquare = (seeds * squares(byPairing)) / (pairings - 1);
  const freedom = (seeds - 1) * (pairings - 1);
  let rest = 0;
  values.forEach((row, s) =>
    row.forEach((value, p) => (rest += (value - bySeed[s]! - byPairing[p]! + mean) ** 2)),
  );
  rest /= freedom;

  const cells = seeds * pairings;
  if (rest > seedSquare || rest > pairingSquare) {
    const [square, df] =
      seedSquare >= pairingSquare ? [seedSquare, seeds - 1] : [pairingSquare, pairings - 1];
    return interval(mean, halfWidth(square / cells, df, confidence));
  }
  const total = seedSquare + pairingSquare - rest;
  const satterthwaite =
    total ** 2 / (seedSquare ** 2 / (seeds - 1) + pairingSquare ** 2 / (pairings - 1) + rest ** 2 / freedom);
  return interval(mean, halfWidth(total / cells, satterthwaite, confidence));
}

export interface McNemar {
  /** Number of items that only the first model, and only the second one, classifies correctly. */
  readonly firstOnly: number;
  readonly secondOnly: number;
  /** Two-sided p-value of the hypothesis that both err equally often. */
  readonly pValue: number;
}

/**
 * The exact McNemar test: under equal error rates, each of two models is correct on half of the items on which exactly
 * one of them is correct. It compares these two models; the variance of training and the dependence of items of one
 * subject are not considered. Source: McNemar 1947; exact as in Dietterich 1998, "Approximate statistical tests for comparing supervised
 * classification learning algorithms".
 * @param first, second 1 (correct) or 0 (wrong) for each item
 * @throws MienError `shape` if their lengths differ
 */
export function mcnemar(first: ArrayLike<number>, second: ArrayLike<number>): McNemar {
  if (first.length !== second.length)
    throw new MienError('shape', `${first.length} and ${second.length} items cannot be compared in pairs`);
  let firstOnly = 0;
  let secondOnly = 0;
  for (let i = 0; i < first.length; i++) {
    if (first[i]! > second[i]!) firstOnly++;
    if (first[i]! < second[i]!) secondOnly++;
  }
  const discordant = firstOnly + secondOnly;
  const pValue = discordant === 0 ? 1 : binomialTest(firstOnly, discordant).pValue;
  return { firstOnly, secondOnly, pValue: Math.min(1, pValue) };
}

/**
 * Adjusts the p-values of several comparisons so that the probability of any false positive among them stays below the
 * level. Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
 */
export const holm = (pValues: readonly number[]): number[] =>
  pValues.length === 0 ? [] : adjust([...pValues], 'holm').map((p) => Math.min(1, p));
