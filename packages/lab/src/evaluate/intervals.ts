// Means with 95% intervals over model seeds, and over model seeds crossed with test pairings.
import quantile from '@stdlib/stats-base-dists-t-quantile';
import { MienError } from 'mien-engine/base';
import { type Interval, meanOf } from 'mien/parts';

/** Half the width of the interval of a mean with this variance and these degrees of freedom. */
const halfWidth = (variance: number, freedom: number, confidence: number): number =>
  variance > 0 ? quantile((1 + confidence) / 2, freedom) * Math.sqrt(variance) : 0;

function interval(mean: number, half: number | null): Interval {
  return half === null ? { mean, low: null, high: null } : { mean, low: mean - half, high: mean + half };
}

/**
 * Mean and interval of independent runs, one value per model seed, from Student's t with n − 1 degrees of freedom.
 * It covers the spread of training, not that of drawing another test set.
 * @throws MienError `shape` when there is no value.
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
 * The runs are not s · p independent ones: all pairings of a seed share a model, and all models share the pairings.
 * Treating seeds alone as units would leave out that every mean stands on the same few pairings. So both count as
 * random effects of a two-way layout, value = μ + seed + pairing + rest, and the mean's variance is estimated by
 * (MS_seed + MS_pairing − MS_rest) / (s · p), with Satterthwaite's degrees of freedom. Where the rest exceeds one of
 * the two, that effect's variance would come out negative: the larger of the two mean squares is then used by
 * itself. With one pairing this is `seedInterval` over seeds, with one seed over pairings.
 * Source: Satterthwaite 1946, "An approximate distribution of estimates of variance components".
 * @throws MienError `shape` when there is no value or the rows differ in length.
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
