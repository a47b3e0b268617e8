// Means, and confidence intervals of accuracies.
import { MienError } from 'mien-engine/base';

/** A mean and the limits of its interval, null where a single run leaves the spread unknown. */
export interface Interval {
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** The .975 quantile of the standard normal distribution. */
const NORMAL_QUANTILE = 1.959963984540054;

/**
 * Wilson's 95% interval of a proportion such as an accuracy, with `hits` of `n` independent items. It covers sampling
 * another test set, not another training.
 * Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
 * @throws MienError `shape` when `n` is 0.
 */
export function wilsonInterval(hits: number, n: number): { mean: number; low: number; high: number } {
  if (n === 0) throw new MienError('shape', 'an interval needs at least one item');
  const share = hits / n;
  const z = NORMAL_QUANTILE;
  const scale = 1 + z ** 2 / n;
  const centre = (share + z ** 2 / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + z ** 2 / (4 * n ** 2));
  return { mean: share, low: centre - half, high: centre + half };
}

export interface GroupAccuracy {
  readonly group: string;
  readonly n: number;
  /** With Wilson's 95% interval over the group's items. */
  readonly accuracy: Interval;
}

/** The accuracy of each group, in order of first occurrence; items without a group are left out. */
export function groupAccuracies(
  items: Iterable<{ readonly group: string | undefined; readonly hit: boolean }>,
): GroupAccuracy[] {
  const groups = new Map<string, { n: number; hits: number }>();
  for (const { group, hit } of items) {
    if (group === undefined) continue;
    const { n, hits } = groups.get(group) ?? { n: 0, hits: 0 };
    groups.set(group, { n: n + 1, hits: hits + (hit ? 1 : 0) });
  }
  return [...groups].map(([group, { n, hits }]) => ({ group, n, accuracy: wilsonInterval(hits, n) }));
}
