// Accuracy of groups of items, each with its interval.
import { wilsonInterval, type Interval } from './intervals.js';

export interface GroupAccuracy {
  readonly group: string;
  readonly n: number;
  /** With Wilson's interval over the group's items at 95 %. */
  readonly accuracy: Interval;
}

/** Groups in the order in which they are met; items without one are left out. */
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
