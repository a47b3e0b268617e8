// Means, and the 95% interval of a share.
import { MienError } from 'mien-engine/base';

/** A mean and the limits of its interval; the limits are null where one run says nothing about spread. */
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

/** The standard normal distribution's quantile at .975. */
const NORMAL_QUANTILE = 1.959963984540054;

/**
 * Wilson's 95% interval of a share, such as an accuracy: `hits` of `n` independent items. It covers the drawing of another
 * test set, not another training.
 * Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
 * @throws MienError `shape` when there is no item.
 */
export function wilsonInterval(hits: number, n: number): Interval {
  if (n === 0) throw new MienError('shape', 'an interval needs at least one item');
  const share = hits / n;
  const z = NORMAL_QUANTILE;
  const scale = 1 + z ** 2 / n;
  const centre = (share + z ** 2 / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + z ** 2 / (4 * n ** 2));
  return { mean: share, low: centre - half, high: centre + half };
}
