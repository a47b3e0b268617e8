// Groups of labels, such as polarity: which of the model's labels stands for which group, and the posterior over these.
import { defined, MienError, suggestion } from 'mien-engine/base';
import type { Probabilities, Result } from './types.js';

export interface Collapse {
  /** Alphabetical. */
  readonly groups: readonly string[];
  /** The group of each label; null where the label is left out. */
  readonly of: Readonly<Record<string, string | null>>;
}

/**
 * @param labels every label that the model may give
 * @param mapping the group of a label, or null to leave it out
 * @throws MienError `config` when fewer than two groups remain.
 */
export function collapseOf(
  labels: readonly string[],
  mapping: (label: string) => string | null,
  { named = [], file }: { readonly named?: readonly string[]; readonly file?: string } = {},
): Collapse {
  const unknown = named.find((label) => !labels.includes(label));
  if (unknown !== undefined)
    throw new MienError('config', `the model has no label "${unknown}"`, {
      ...defined({ file }),
      hint: suggestion(unknown, labels),
    });
  const of = Object.fromEntries(labels.map((label) => [label, mapping(label)]));
  const groups = [...new Set(Object.values(of).filter((group) => group !== null))].sort();
  if (groups.length < 2)
    throw new MienError('config', 'labels must fall into two groups at least', {
      ...defined({ file }),
      hint: 'A line a label, for instance "joy: positive", or "surprise: null" to leave it out.',
    });
  return { groups, of };
}

/**
 * The posterior over the groups, given that the label is in one of them: each the sum of its labels' probabilities.
 * Even where none of these has any.
 */
export function collapsed(probabilities: Probabilities, { groups, of }: Collapse): number[] {
  const sums = groups.map(() => 0);
  for (const [label, probability] of Object.entries(probabilities)) {
    const group = of[label];
    if (group !== null && group !== undefined) sums[groups.indexOf(group)]! += probability;
  }
  const total = sums.reduce((sum, value) => sum + value, 0);
  return sums.map((value) => (total > 0 ? value / total : 1 / sums.length));
}

/** A result whose posteriors are over the groups. */
export function collapsedResult(result: Result, collapse: Collapse): Result {
  if (result.error) return result;
  const over = <One extends { readonly probabilities: Probabilities }>(one: One): One => {
    const values = collapsed(one.probabilities, collapse);
    return {
      ...one,
      probabilities: Object.fromEntries(collapse.groups.map((group, i) => [group, values[i]!])),
    };
  };
  return {
    ...over(result),
    ...(result.text ? { text: over(result.text) } : {}),
    ...(result.face ? { face: over(result.face) } : {}),
  };
}
