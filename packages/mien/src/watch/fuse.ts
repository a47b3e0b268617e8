// Combines what face, voice and text say at a time, and tells how far they agree.
import { restricted } from '../recognizer/labels.js';
import type { Probabilities, RecognizerInfo } from '../recognizer/types.js';

/** The senses of a timeline, in the order of its columns. */
export const SENSES = ['face', 'voice', 'text'] as const;
export type Sense = (typeof SENSES)[number];
export type Posteriors = { readonly [S in Sense]?: Probabilities | undefined };

type Info = Pick<RecognizerInfo, 'labels' | 'priors'>;

/** The labels of a sense's model, and their prior. The voice is there if the bundle has one. */
export function modelOf({ labels, priors }: Info, sense: Sense): Probabilities | undefined {
  const names = (labels as Readonly<Record<string, readonly string[] | undefined>>)[sense];
  const prior = (priors as Readonly<Record<string, readonly number[] | undefined>>)[sense];
  return names && Object.fromEntries(names.map((label, i) => [label, prior?.[i] ?? 1 / names.length]));
}

/**
 * The posterior given several, over the labels that they share: the prior times the evidence of each (its posterior
 * divided by its prior), as in sessions; a single posterior is itself.
 */
export function fuse(info: Info, posteriors: Posteriors): Probabilities | undefined {
  const given = SENSES.flatMap((sense) => {
    const [posterior, prior] = [posteriors[sense], modelOf(info, sense)];
    return posterior && prior ? [{ posterior, prior }] : [];
  });
  if (given.length < 2) return given[0]?.posterior;
  const labels = Object.keys(given[0]!.posterior).filter((label) =>
    given.every(({ posterior }) => label in posterior),
  );
  const shares = given.map(({ posterior, prior }) => ({
    posterior: restricted(posterior, labels),
    prior: restricted(prior, labels),
  }));
  const values = labels.map((label) => {
    const mean = shares.reduce((sum, { prior }) => sum + prior[label]!, 0) / shares.length;
    return shares.reduce(
      (product, { posterior, prior }) => product * (posterior[label]! / Math.max(prior[label]!, 1e-9)),
      mean,
    );
  });
  return restricted(Object.fromEntries(labels.map((label, i) => [label, values[i]!])), labels);
}

/**
 * 1 minus the Jensen–Shannon divergence, in bits, of two posteriors on the labels that they share: 1 if they are equal, 0
 * if they have nothing in common. Of three the mean over pairs; undefined for one.
 */
export function agreementOf(posteriors: Posteriors): number | undefined {
  const given = SENSES.map((sense) => posteriors[sense]).filter((posterior) => posterior !== undefined);
  const pairs = given.flatMap((a, i) => given.slice(i + 1).map((b) => 1 - divergence(a, b)));
  return pairs.length > 0 ? pairs.reduce((sum, value) => sum + value, 0) / pairs.length : undefined;
}

function divergence(a: Probabilities, b: Probabilities): number {
  const labels = Object.keys(a).filter((label) => label in b);
  const [p, q] = [restricted(a, labels), restricted(b, labels)];
  const bits = (value: number, mean: number): number => (value > 0 ? value * Math.log2(value / mean) : 0);
  const sum = labels.reduce((total, label) => {
    const mean = (p[label]! + q[label]!) / 2;
    return total + (bits(p[label]!, mean) + bits(q[label]!, mean)) / 2;
  }, 0);
  return Math.min(1, Math.max(0, sum));
}
