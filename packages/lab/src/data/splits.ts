// Splits items into parts, stratified by label, without splitting groups; draws come from a named random stream.
import { MienError, type RandomStream } from 'mien-engine/base';

/**
 * Chooses about `fraction` of the items in whole groups, with each label as close to its share as the groups allow.
 * Groups are visited in random order and chosen if this brings the label counts closer to their targets (squared
 * distance): groups of one item meet every target exactly, subjects with one text per label nearly.
 * @returns for every item, whether it was chosen
 * @throws MienError `config` if the fraction is not in [0, 1)
 */
export function chooseGroups(
  items: readonly { readonly label: string; readonly group: number }[],
  fraction: number,
  stream: RandomStream,
): boolean[] {
  if (!(fraction >= 0 && fraction < 1))
    throw new MienError('config', `a split's fraction must be at least 0 and below 1, got ${fraction}`);
  const labels = [...new Set(items.map(({ label }) => label))].sort();
  const labelIndex = new Map(labels.map((label, index) => [label, index]));
  const remaining = new Array<number>(labels.length).fill(0);
  const groups = new Map<number, number[]>();
  items.forEach(({ label, group }) => {
    const index = labelIndex.get(label)!;
    remaining[index]!++;
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [index]);
    else members.push(index);
  });
  for (let i = 0; i < remaining.length; i++) remaining[i] = Math.round(remaining[i]! * fraction);
  const keys = [...groups.keys()];
  const chosen = new Set<number>();
  for (const position of stream.permutation(keys.length)) {
    const key = keys[position]!;
    // Change of the squared distance to the targets if this group is chosen.
    let change = 0;
    const left = new Map<number, number>();
    for (const label of groups.get(key)!) {
      const need = left.get(label) ?? remaining[label]!;
      change += 1 - 2 * need;
      left.set(label, need - 1);
    }
    if (change >= 0) continue;
    chosen.add(key);
    for (const [label, need] of left) remaining[label] = need;
  }
  return items.map(({ group }) => chosen.has(group));
}

/** Disjoint sets: `union(a, b)` joins two sets, `find(a)` returns the smallest member of the set of `a`. */
export interface DisjointSets {
  find(item: number): number;
  union(a: number, b: number): void;
}

export function disjointSets(size: number): DisjointSets {
  const parent = Int32Array.from({ length: size }, (_, index) => index);
  const find = (item: number): number => {
    let root = item;
    while (parent[root] !== root) root = parent[root]!;
    while (parent[item] !== root) [item, parent[item]] = [parent[item]!, root];
    return root;
  };
  const union = (a: number, b: number): void => {
    const [x, y] = [find(a), find(b)];
    if (x !== y) parent[Math.max(x, y)] = Math.min(x, y);
  };
  return { find, union };
}

/** For each key, the index of its first occurrence. */
export function groupsOf(keys: readonly string[]): Int32Array {
  const first = new Map<string, number>();
  return Int32Array.from(keys, (key, index) => {
    const known = first.get(key);
    if (known === undefined) first.set(key, index);
    return known ?? index;
  });
}
