// What a corpus says of its items: which labels compete in the softmax, how frequent they are there, what is aimed at.
import type { Teacher } from './teacher.js';

/** How a corpus takes part in a training. */
export interface CorpusPart {
  readonly name: string;
  /**
   * For every label 1 where the corpus can give it and 0 where it says nothing of it; between them for a label that its
   * items hardly have although nobody could give it.
   */
  readonly evidence: ArrayLike<number>;
  /** How often an item is met in an epoch, on average. */
  readonly repeat: number;
  /** Weight of the corpus in what selects the epoch. */
  readonly score: number;
}

/** Items with their labels, of which several share an item, and the corpus that each is of. */
export interface Labelled {
  readonly labels: readonly (readonly number[])[];
  readonly corpus: ArrayLike<number>;
}

/** Takes a label out of the softmax: far below any logit, and finite, since 0 · −∞ is not a number. */
const OUT = -1e4;

/** How frequent labels are in each corpus, `[classes]`; an item of several labels counts a share for each. */
export function labelShares({ labels, corpus }: Labelled, corpora: number, classes: number): Float64Array[] {
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
 * What is added to the logits of a corpus's items, `[classes]`: a label of which it says nothing is out; of the others
 * the adjustment's share of the logarithm of their frequency there, so that what is learned is as if they were equally
 * frequent (Menon et al. 2021). A label that does not occur gets the mean of the others, and the logarithm of its
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
 * Weights of items: (n / count)^balance of their labels within their corpus, scaled to a mean of 1 there, times what
 * each item brings.
 */
export function itemWeights(
  { labels, corpus }: Labelled,
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

/**
 * The distribution over labels that an item is trained towards: its labels share 1 − smoothing, the labels that its
 * corpus can give the rest; of it the teacher's share is what the teacher says of these.
 */
export function evidenceTargets(
  { labels, corpus }: Labelled,
  corpora: readonly Pick<CorpusPart, 'evidence'>[],
  smoothing: number,
  teacher?: Teacher,
): (item: number) => Float32Array {
  return (item) => {
    const { evidence } = corpora[corpus[item]!]!;
    const classes = evidence.length;
    const can = Array.from(evidence, (known) => (known === 1 ? 1 : 0));
    const number = can.reduce<number>((sum, one) => sum + one, 0);
    const own = labels[item]!;
    const target = Float32Array.from(can, (one) => (one * smoothing) / number);
    for (const label of own) target[label]! += (1 - smoothing) / own.length;
    if (teacher === undefined) return target;
    const said = can.map((one, label) => one * teacher.posteriors[item * classes + label]!);
    const total = said.reduce((sum, one) => sum + one, 0);
    return target.map((aim, label) => (1 - teacher.share) * aim + (teacher.share * said[label]!) / total);
  };
}
