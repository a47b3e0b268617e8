// Area under the ROC curve: how well a score ranks the items of one label above the others.
import { MienError } from 'mien-engine/base';

/**
 * Probability that an item with the label scores higher than one without it, ties counted half: the normalised
 * Mann–Whitney U statistic, as scikit-learn's `roc_auc_score`. NaN where one of the two kinds does not occur.
 * @param scores `[n]`
 * @param positive `[n]`: whether the item bears the label
 * @throws MienError `shape` when lengths differ.
 */
export function areaUnderRoc(scores: ArrayLike<number>, positive: ArrayLike<boolean | number>): number {
  const n = scores.length;
  if (positive.length !== n)
    throw new MienError(
      'shape',
      `${positive.length} labels for ${n} scores; the two must be the same number`,
    );
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let rankSum = 0;
  let count = 0;
  for (let start = 0; start < n;) {
    let end = start + 1;
    while (end < n && scores[order[end]!] === scores[order[start]!]) end++;
    // Tied scores share the mean of their ranks, which are counted from one.
    for (let i = start; i < end; i++)
      if (positive[order[i]!]) {
        rankSum += (start + end + 1) / 2;
        count++;
      }
    start = end;
  }
  return (rankSum - (count * (count + 1)) / 2) / (count * (n - count));
}

/**
 * The mean over labels of each label's area against all others (one versus rest); with two labels, their common area.
 * Labels that no item bears are left out.
 * @param posteriors `[n][labels]`
 * @param truth `[n]`: index of each item's label
 */
export function meanAreaUnderRoc(posteriors: readonly ArrayLike<number>[], truth: ArrayLike<number>): number {
  const labels = posteriors[0]?.length ?? 0;
  const areas = Array.from({ length: labels }, (_, label) =>
    areaUnderRoc(
      posteriors.map((row) => row[label]!),
      Array.from(truth, (one) => one === label),
    ),
  ).filter((area) => !Number.isNaN(area));
  return areas.reduce((sum, area) => sum + area, 0) / areas.length;
}
