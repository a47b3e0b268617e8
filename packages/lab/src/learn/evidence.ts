// A corpus as evidence about labels: which ones compete in the softmax, how frequent they are, what the targets are.
import type { Teacher } from './teacher.js';

/** How a corpus takes part in a training. */
export interface CorpusPart {
  readonly name: string;
  /**
   * For every label, 1 if the corpus can give it and 0 if it is no evidence about it; between them for a label that its
   * annotators could not give but that its items hardly ever have.
   */
  readonly evidence: ArrayLike<number>;
  /** How often an item occurs in an epoch, on average. */
  readonly repeat: number;
  /** Weight of the corpus in what selects the epoch. */
  readonly score: number;
}

/** Items with their labels, of which an item may have several, and the corpus of each. */
export interface LabelledItems {
  readonly labels: readonly (readonly number[])[];
  readonly corpus: ArrayLike<number>;
}

/** Takes a label out of the softmax: far below any logit, and finite, since 0 · −∞ is not a number. */
const OUT = -1e4;

/** How frequent labels are in each corpus, `[classes]`; an item of several labels counts a share for each. */
export function labelShares(
  { labels, corpus }: LabelledItems,
  corpora: number,
  classes: number,
): Float64Array[] {
  const shares = Array.from({ length: corpora }, () => new Float64Array(classes));
  labels.forEach((own, i) => {
    for (const label of own) shares[corpus[i]!]![label]! += 1 / own.length;
  });
  return shares.map((counts) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count) => (total > 0 ? count / total : 0));
  });
}

/**
 * Added to the logits of a corpus's items, `[classes]`: excludes labels about which it is no evidence; for the others,
 * the adjustment's share of the logarithm of their frequency there, so that the encoder learns as if they were equally
 * frequent (Menon et al. 2021). A label that does not occur gets the mean of the others, plus the logarithm of its
 * evidence.
 */
export function offsetsOf(
  evidence: ArrayLike<number>,
  shares: ArrayLike<number>,
  adjustment: number,
): Float32Array {
  const given = Array.from(shares).filter((share, label) => share > 0 && evidence[label]! > 0);
  const mean = given.reduce((sum, share) => sum + Math.log(share), 0) / Math.max(1, given.length);
  return Float32Array.from(evidence, (known, label) => {
    if (known === 0) return OUT;
    const share = shares[label]!;
    return Math.log(known) + adjustment * (share > 0 ? Math.log(share) - mean : 0);
  });
}

/**
 * Weights of items: (n / count)^balance of their labels within their corpus, scaled to a mean of 1 there, times each
 * item's own weight.
 */
export function itemWeights(
  { labels, corpus }: LabelledItems,
  shares: readonly ArrayLike<number>[],
  balance: number,
  own: (item: number) => number,
): Float32Array {
  const raw = labels.map((some, i) => {
    const rare = some.map((label) => shares[corpus[i]!]![label]! ** -balance);
    return rare.reduce((sum, weight) => sum + weight, 0) / some.length;
  });
  const totals = shares.map(() => ({ sum: 0, count: 0 }));
  raw.forEach((weight, i) => {
    const total = totals[corpus[i]!]!;
    total.sum += weight;
    total.count++;
  });
  return Float32Array.from(raw, (weight, i) => {
    const { sum, count } = totals[corpus[i]!]!;
    return ((weight * count) / sum) * own(i);
  });
}

/** A teacher of items of several corpora. */
export interface Taught {
  readonly teacher: Teacher;
  /** What is added to the logits of each corpus's items (`offsetsOf`). */
  readonly offsets: readonly ArrayLike<number>[];
}

/**
 * The distribution over labels that an item is trained towards: its labels share 1 − smoothing, the labels that its
 * corpus can give the rest; a teacher's posteriors replace their share. They are offset as the student's logits are, so
 * that a student with the teacher's evidence meets them exactly.
 */
export function evidenceTargets(
  { labels, corpus }: LabelledItems,
  corpora: readonly Pick<CorpusPart, 'evidence'>[],
  smoothing: number,
  taught?: Taught,
): (item: number) => Float32Array {
  return (item) => {
    const { evidence } = corpora[corpus[item]!]!;
    const classes = evidence.length;
    const can = Array.from(evidence, (known) => (known === 1 ? 1 : 0));
    const number = can.reduce<number>((sum, one) => sum + one, 0);
    const own = labels[item]!;
    const target = Float32Array.from(can, (one) => (one * smoothing) / number);
    for (const label of own) target[label]! += (1 - smoothing) / own.length;
    if (taught === undefined) return target;
    const { posteriors, share } = taught.teacher;
    const offsets = taught.offsets[corpus[item]!]!;
    const scores = can.map((_, label) => posteriors[item * classes + label]! * Math.exp(offsets[label]!));
    const total = scores.reduce((sum, one) => sum + one, 0);
    return target.map((aim, label) => (1 - share) * aim + (share * scores[label]!) / total);
  };
}
