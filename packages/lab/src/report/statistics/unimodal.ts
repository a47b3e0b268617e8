// Accuracies of one modality with test items in their intervals.
import { factorOf, hitsAgainst, type Interval, percentileInterval, resampleMeans } from 'mien/parts';
import type { RowPredictions } from '../../experiments/results.js';

/**
 * Accuracy with a 95% interval over model seeds and test items, resampled together; texts of one subject stay
 * together where subjects are known.
 */
export function itemInterval(
  { runs }: RowPredictions,
  subjects: ArrayLike<number> | null,
  replicates = 1000,
): Interval {
  const hits = Uint8Array.from(runs.flatMap(({ truth, posteriors }) => [...hitsAgainst(posteriors, truth)]));
  const seed = factorOf(runs.flatMap(({ seed: one, ids }) => ids.map(() => one)));
  const units: readonly (string | number)[] = subjects === null ? runs[0]!.ids : Array.from(subjects);
  const item = factorOf(runs.flatMap(() => units));
  const [resampled] = resampleMeans([hits], [seed, item], { replicates });
  return percentileInterval(resampled!);
}
