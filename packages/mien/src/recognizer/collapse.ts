// Groups of labels, such as polarity: the group of each of the model's labels, and posteriors over groups.
import { defined, MienError, suggestion } from 'mien-engine/base';
import { MODALITIES, type Modality } from '../modalities/list.js';
import type { Probabilities, Recognition, Result } from './types.js';

export interface Collapse {
  /** Alphabetical. */
  readonly groups: readonly string[];
  /** The group of each label, or null if the label is excluded. */
  readonly of: Readonly<Record<string, string | null>>;
}

/**
 * @param labels all labels of the model
 * @param mapping the group of a label, or null to exclude it
 * @param options.named labels that must be among the model's
 * @param options.file source of the mapping, for errors
 * @throws MienError `config` when a named label is unknown or fewer than two groups remain.
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
    throw new MienError('config', 'labels must be mapped to at least two groups', {
      ...defined({ file }),
      hint: 'Write one label per line: "joy: positive", or "surprise: null" to exclude it.',
    });
  return { groups, of };
}

/**
 * The posterior over the groups, given that the label belongs to one: the sums of their labels' probabilities,
 * renormalised. Uniform when all are zero.
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

/** The result with posteriors over the groups: of the answer and of each modality alone. */
export function collapsedResult(
  result: Result,
  collapse: Collapse,
  modalities: readonly string[] = MODALITIES,
): Result {
  if (result.error) return result;
  const withGroups = <One extends { readonly probabilities: Probabilities }>(one: One): One => {
    const values = collapsed(one.probabilities, collapse);
    return {
      ...one,
      probabilities: Object.fromEntries(collapse.groups.map((group, i) => [group, values[i]!])),
    };
  };
  const sides = modalities.flatMap((one) => {
    const side = result[one as Modality];
    return side ? [[one, withGroups(side)] as const] : [];
  });
  return { ...withGroups(result), ...(Object.fromEntries(sides) as Pick<Recognition, Modality>) };
}
