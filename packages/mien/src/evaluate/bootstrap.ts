// Resamples test items together with the subjects, faces and model seeds they depend on, to estimate how far a mean would
// move with others.
import { MienError, randomStream } from 'mien-engine/base';
import { meanOf, type Interval } from './intervals.js';

/**
 * `factor[o]`: the unit (a model seed, a subject, a face, an item) that observation o depends on, counted from 0. An
 * observation may depend on several factors, in any combination.
 */
export type Factor = Int32Array;

export interface BootstrapOptions {
  readonly replicates?: number;
  readonly seed?: number;
}

/** A factor from values of any kind: equal values are the same unit. */
export function factorOf(units: Iterable<string | number>): Factor {
  const numbers = new Map<string | number, number>();
  return Int32Array.from(units, (unit) => {
    const known = numbers.get(unit) ?? numbers.size;
    numbers.set(unit, known);
    return known;
  });
}

/**
 * Means of each statistic in `replicates` resamples, `[statistics][replicates]`. All statistics use the same resamples, so
 * that the difference of two rows is the paired difference.
 *
 * Each factor is resampled separately, and an observation is weighted by the product of its units' counts: observations
 * of the same seed, subject or face stay together (the pigeonhole bootstrap). n − 1 of n units are drawn: the variance of
 * a mean over n units is then s²/n, whereas n draws would give (n − 1)/n of it, a fifth too little with five seeds. With
 * several factors the spread is too wide rather than too narrow, since the variance of one factor is counted for the
 * others as well (`resampleMeans` corrects this). A factor of one unit is not resampled.
 * Sources: Owen 2007, "The pigeonhole bootstrap"; Rao & Wu 1988, "Resampling inference with complex survey data".
 * @throws MienError `shape` when lengths differ or are zero.
 */
export function bootstrapMeans(
  statistics: readonly ArrayLike<number>[],
  factors: readonly Factor[],
  { replicates = 2000, seed = 0 }: BootstrapOptions = {},
): Float64Array[] {
  const n = factors[0]?.length ?? 0;
  if (n === 0 || [...statistics, ...factors].some(({ length }) => length !== n))
    throw new MienError(
      'shape',
      'statistics and factors must have one value for each of the same observations',
    );
  const counts = factors.map((factor) => new Int32Array(unitsOf(factor)));
  const means = statistics.map(() => new Float64Array(replicates));
  const stream = randomStream(seed, 'bootstrap');
  // Arrays of one type, one after the other: by far the fastest, and this takes most of a report's time.
  const values = statistics.map((statistic) => Float64Array.from(statistic));
  const weights = new Float64Array(n);
  for (let replicate = 0; replicate < replicates; replicate++) {
    let total = 0;
    // With few units, a resample may contain no observation at all.
    while (total === 0) {
      counts.forEach((count) => {
        const size = count.length;
        if (size === 1) return void count.fill(1);
        count.fill(0);
        for (let draw = 1; draw < size; draw++) count[stream.integer(size)]! += 1;
      });
      weights.fill(1);
      factors.forEach((factor, f) => weigh(weights, factor, counts[f]!));
      total = sumOf(weights);
    }
    means.forEach((row, s) => (row[replicate] = weightedSum(weights, values[s]!) / total));
  }
  return means;
}

function weigh(weights: Float64Array, factor: Factor, counts: Int32Array): void {
  for (let o = 0; o < weights.length; o++) weights[o]! *= counts[factor[o]!]!;
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

function weightedSum(weights: Float64Array, values: Float64Array): number {
  let sum = 0;
  for (let o = 0; o < weights.length; o++) sum += weights[o]! * values[o]!;
  return sum;
}

/**
 * Variances of means whose observations depend on several crossed factors: the variance clustered by each factor, minus
 * that clustered by each pair of factors, plus that by each three, and so on; with one factor, the cluster-robust
 * variance. With few clusters the sum may be too small or negative: it is bounded below by that of any single factor.
 * Source: Cameron, Gelbach & Miller 2011, "Robust inference with multiway clustering", with G / (G − 1) for G clusters.
 * @throws MienError `shape` when lengths differ or are zero.
 */
export function multiwayVariances(
  statistics: readonly ArrayLike<number>[],
  factors: readonly Factor[],
): number[] {
  const n = factors[0]?.length ?? 0;
  if (n === 0 || [...statistics, ...factors].some(({ length }) => length !== n))
    throw new MienError(
      'shape',
      'statistics and factors must have one value for each of the same observations',
    );
  const totals = statistics.map(() => 0);
  const least = statistics.map(() => 0);
  const means = statistics.map((values) => meanOf(values));
  for (let subset = 1; subset < 2 ** factors.length; subset++) {
    const chosen = factors.filter((_factor, f) => (subset >> f) & 1);
    const clusters = chosen.reduce(intersect);
    const size = unitsOf(clusters);
    if (size === 1) continue;
    const sign = chosen.length % 2 === 1 ? 1 : -1;
    statistics.forEach((values, s) => {
      const sums = new Float64Array(size);
      for (let o = 0; o < n; o++) sums[clusters[o]!]! += values[o]! - means[s]!;
      const squares = sums.reduce((total, sum) => total + sum * sum, 0);
      const variance = (squares * size) / (size - 1) / n ** 2;
      totals[s]! += sign * variance;
      if (chosen.length === 1) least[s] = Math.max(least[s]!, variance);
    });
  }
  return totals.map((variance, s) => Math.max(least[s]!, variance));
}

const unitsOf = (factor: Factor): number => factor.reduce((most, unit) => Math.max(most, unit), -1) + 1;

/** The factor whose units are the pairs of units of two factors. */
function intersect(a: Factor, b: Factor): Factor {
  const size = unitsOf(b);
  return factorOf(Array.from(a, (unit, o) => unit * size + b[o]!));
}

/** A mean and its bootstrap replicates. */
export interface ResampledMean {
  readonly mean: number;
  readonly replicates: Float64Array;
}

/**
 * Means of statistics with replicates from `bootstrapMeans`, shrunk towards the mean to the variance of
 * `multiwayVariances` where theirs is larger; they are never widened. All statistics use the same resamples.
 * @throws MienError `shape` as both do.
 */
export function resampleMeans(
  statistics: readonly ArrayLike<number>[],
  factors: readonly Factor[],
  options: BootstrapOptions = {},
): ResampledMean[] {
  const variances = multiwayVariances(statistics, factors);
  return bootstrapMeans(statistics, factors, options).map((replicates, s) => {
    const mean = meanOf(statistics[s]!);
    const centre = meanOf(replicates);
    const variance = meanOf(replicates.map((value) => (value - centre) ** 2));
    const scale = variance > variances[s]! ? Math.sqrt(variances[s]! / variance) : 1;
    return { mean, replicates: replicates.map((value) => mean + scale * (value - centre)) };
  });
}

/** The q-quantile, interpolated linearly between order statistics (numpy's and R's default, type 7). */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
}

/** The percentile interval of a resampled mean. */
export const percentileInterval = (
  { mean, replicates }: { readonly mean: number; readonly replicates: ArrayLike<number> },
  confidence = 0.95,
): Interval => ({
  mean,
  low: quantile(replicates, (1 - confidence) / 2),
  high: quantile(replicates, (1 + confidence) / 2),
});

/**
 * Two-sided p-value of a zero mean from its replicates: twice the smaller of the shares at or below and at or above zero,
 * never below 2 / (replicates + 1). Source: Davison & Hinkley 1997, "Bootstrap methods and their application", 4.2.
 */
export function bootstrapPValue(replicates: ArrayLike<number>): number {
  const values = Array.from(replicates);
  const tail = (isInside: (value: number) => boolean): number =>
    (1 + values.filter(isInside).length) / (values.length + 1);
  const [below, above] = [tail((value) => value <= 0), tail((value) => value >= 0)];
  return Math.min(1, 2 * Math.min(below, above));
}
