// Combines what face, voice and text say at a time, and tells how far they agree.
import { MODALITIES, type Modality } from '../modalities/list.js';
import { restricted } from '../recognizer/labels.js';
import type { Probabilities, RecognizerInfo } from '../recognizer/types.js';

/** The modalities in the order of a timeline's columns: what is seen and heard, then what is said. */
export const SENSES: readonly Modality[] = [...MODALITIES.filter((one) => one !== 'text'), 'text'];
export type Posteriors = { readonly [S in Modality]?: Probabilities | undefined };

type Info = Pick<RecognizerInfo, 'labels' | 'priors'>;

/** The labels of a modality's model, and their prior; undefined if the bundle has none. */
export function modelOf({ labels, priors }: Info, sense: Modality): Probabilities | undefined {
  const [names, prior] = [labels[sense], priors[sense]];
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
