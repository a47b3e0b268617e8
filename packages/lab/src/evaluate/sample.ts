// A sample of items in which every label has the share it has among all.
import type { RandomStream } from 'mien-engine/base';

/**
 * Positions of `count` items, ascending; all of them where there are no more. Labels get their shares rounded down,
 * what is left goes to the largest remainders.
 */
export function stratifiedSample(labels: ArrayLike<number>, count: number, stream: RandomStream): Int32Array {
  const n = labels.length;
  if (count >= n) return Int32Array.from({ length: n }, (_, i) => i);
  const strata = new Map<number, number[]>();
  for (let i = 0; i < n; i++) {
    const items = strata.get(labels[i]!);
    if (items) items.push(i);
    else strata.set(labels[i]!, [i]);
  }
  const parts = [...strata]
    .sort(([a], [b]) => a - b)
    .map(([, items]) => ({ items, exact: (count * items.length) / n }));
  const left = count - parts.reduce((sum, { exact }) => sum + Math.floor(exact), 0);
  const byRemainder = parts.toSorted((a, b) => (b.exact % 1) - (a.exact % 1));
  const more = new Set(byRemainder.slice(0, left));
  return Int32Array.from(
    parts.flatMap((part) => {
      const order = stream.permutation(part.items.length);
      const size = Math.floor(part.exact) + (more.has(part) ? 1 : 0);
      return Array.from(order.subarray(0, size), (position) => part.items[position]!);
    }),
  ).sort();
}
