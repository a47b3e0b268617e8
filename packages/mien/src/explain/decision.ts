// What is explained: the answer's log-odds of a label, on the graph, from the logits that `recognize` makes its answer of.
import {
  add,
  constant,
  div,
  exp,
  float32,
  log,
  logSoftmax,
  matmul,
  max,
  mul,
  stopGradient,
  sub,
  sum,
  type Value,
} from 'mien-engine';
import { sharedLabels, type BundleManifest } from '../bundle/manifest.js';

/** Added to the score of a label that does not count. */
const NEVER = -1e9;
/** Added before a logarithm of what may round to zero. */
const TINY = 1e-12;

/** What the models say, logits `[batch, labels]` each. */
export interface Said {
  readonly text?: Value;
  readonly face?: Value;
  /** Of the fusion, where the bundle has one. */
  readonly fused?: Value;
}

/** All labels that an answer of this bundle can be over, alphabetical. */
export const labelsOf = ({ text, face }: Pick<BundleManifest, 'text' | 'face'>): string[] =>
  [...new Set([...(text?.labels ?? []), ...(face?.labels ?? [])])].sort();

/** Columns of `x` `[batch, from]` under other labels: `[batch, to]`, zero for one that `from` has not. */
function under(x: Value, from: readonly string[], to: readonly string[]): Value {
  const matrix = new Float32Array(from.length * to.length);
  from.forEach((label, row) => {
    const column = to.indexOf(label);
    if (column >= 0) matrix[row * to.length + column] = 1;
  });
  return matmul(x, constant(x.graph, float32([from.length, to.length], matrix)));
}

/** log Σ exp over the last axis, which is kept. */
function logSumExp(x: Value): Value {
  const largest = stopGradient(max(x, [-1], true));
  return add(log(sum(exp(sub(x, largest)), [-1], true)), largest);
}

/**
 * What a model says for each of its labels, log p / π `[batch, labels]` up to a constant: its answer without the prior π
 * that it was trained under.
 */
function evidenceOf(
  { temperature, prior }: { readonly temperature: number; readonly prior: readonly number[] },
  logits: Value,
): Value {
  const log = prior.map((p) => Math.log(p));
  return sub(div(logits, temperature), constant(logits.graph, float32([1, log.length], log)));
}

/**
 * The answer of one modality alone, as scores `[batch, labels]` over all labels of the bundle.
 * @param prior logarithms `[labels]` of the prior over the modality's labels
 */
export function alone(
  manifest: BundleManifest,
  modality: 'text' | 'face',
  logits: Value,
  prior: Value,
): Value {
  const part = manifest[modality]!;
  return under(add(evidenceOf(part, logits), prior), part.labels, labelsOf(manifest));
}

/**
 * The answer of both modalities: log-probabilities `[batch, labels]` over all labels of the bundle, zero for those that
 * the answer has not. The fused posterior, or the product of posteriors, over the shared labels.
 * @param prior logarithms `[labels]` of the prior over the shared labels
 */
export function together(
  manifest: BundleManifest,
  { text, face, fused }: Required<Said> | Said,
  prior: Value,
): Value {
  const shared = sharedLabels(manifest);
  const evidence = (modality: 'text' | 'face', logits: Value): Value => {
    const part = manifest[modality]!;
    return under(evidenceOf(part, logits), part.labels, shared);
  };
  const [ofText, ofFace] = [evidence('text', text!), evidence('face', face!)];
  const answer =
    fused && manifest.fusion
      ? doubted(manifest.fusion, fused, [ofText, ofFace], prior)
      : // As `productOfPosteriors` in packages/mien/src/evaluate/calibration.ts.
        logSoftmax(add(add(ofText, ofFace), prior));
  return under(answer, shared, labelsOf(manifest));
}

/** Log-probabilities of the fusion, as far as words and face tell of one label (`withDoubt` in packages/mien/src/evaluate/agreement.ts). */
function doubted(
  fusion: NonNullable<BundleManifest['fusion']>,
  logits: Value,
  /** Of the text and of the face. */
  evidence: readonly [Value, Value],
  prior: Value,
): Value {
  const { agreement = 1, faceWeight = 1 } = fusion;
  const head = logSoftmax(add(evidenceOf(fusion, logits), prior));
  if (agreement === 1 && faceWeight === 1) return head;
  const [one, other] = evidence.map((own) => logSoftmax(add(own, prior))) as [Value, Value];
  const fused = logSoftmax(add(mul(head, faceWeight), mul(one, 1 - faceWeight)));
  if (agreement === 1) return fused;
  const matching = mul(sum(exp(sub(add(one, other), prior)), [-1], true), agreement);
  const agreeing = div(matching, add(matching, 1 - agreement));
  const apart = mul(add(exp(one), exp(other)), 0.5);
  return log(add(add(mul(agreeing, exp(fused)), mul(sub(1, agreeing), apart)), TINY));
}

/** What a question is asked by: inputs of the graph over all labels of the bundle. */
export interface Question {
  /** 1 for the label, else 0. */
  readonly label: Float32Array;
  /** 0 for labels that the label is weighed against, and for itself; far below zero for others. */
  readonly among: Float32Array;
}

export function questionOf(manifest: BundleManifest, label: string, among: readonly string[]): Question {
  const all = labelsOf(manifest);
  return {
    label: Float32Array.from(all, (one) => (one === label ? 1 : 0)),
    among: Float32Array.from(all, (one) => (among.includes(one) ? 0 : NEVER)),
  };
}

/**
 * log p / (1 − p) of a label's probability, `[batch]`, from scores `[batch, labels]` whose softmax over the labels that
 * count is the answer; `label` and `among` `[labels]` as a `Question` has them.
 */
export function logOdds(scores: Value, label: Value, among: Value): Value {
  const own = sum(mul(scores, label), [-1]);
  const others = add(add(scores, among), mul(label, NEVER));
  return sub(own, sum(logSumExp(others), [-1]));
}
