// The decision of a bundle as part of the graph that explains an encoder: the log-odds of a label in the result, from one
// modality's embedding and logits with those of the other held fixed.
import {
  add,
  constant,
  expand,
  float32,
  type Graph,
  input,
  log,
  matmul,
  max,
  exp,
  type Model,
  mul,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type Tensors,
  type Value,
} from 'mien-engine';
import { type LabelPrior, PRIOR_INPUTS, priorFeeds, type Side } from '../bundle/decision.js';
import {
  type BundleManifest,
  labelsOf,
  MODALITIES,
  type Modality,
  sharedLabels,
} from '../bundle/manifest.js';
import { rebuild } from './rebuild.js';

/** Added to the score of a label that does not count. */
const NEVER = -1e9;

/** The label to explain for one modality. */
export interface ExplanationTarget {
  readonly label: string;
  /** Labels that the label is compared with. */
  readonly among: readonly string[];
  /** The prior of the result. */
  readonly prior?: LabelPrior | undefined;
  /** The other modality's outputs, if the item has both. */
  readonly other?: Side | undefined;
}

const otherOf = (modality: Modality): Modality => (modality === 'text' ? 'face' : 'text');

/** Whether the decision reads embeddings. */
const readsEmbeddings = ({ nodes }: Model): boolean =>
  nodes.some(({ inputs }) => MODALITIES.some((modality) => inputs.includes(`${modality} embedding`)));

/**
 * The log-odds `[batch]` of the label, from one modality's embedding and logits. Inputs of the graph are `label`,
 * `among`, those of the prior and, in a bundle with both modalities, the other's `embedding` and `logits`, and `paired`: 1
 * where the other counts, 0 where there is none. One graph serves items with one modality and with both, under any prior.
 */
export function decisionOn(
  graph: Graph,
  manifest: BundleManifest,
  decision: Model,
  modality: Modality,
  own: Readonly<Record<'embedding' | 'logits', Value>>,
): Value {
  const labels = labelsOf(manifest);
  const given: Record<string, Value> = {
    [PRIOR_INPUTS.weights]: input(graph, PRIOR_INPUTS.weights, 'float32', [labels.length]),
    [PRIOR_INPUTS.divided]: input(graph, PRIOR_INPUTS.divided, 'float32', []),
    [`${modality} logits`]: own.logits,
    [`${modality} embedding`]: own.embedding,
  };
  const ask = (scores: Value): Value =>
    logOdds(
      scores,
      input(graph, 'label', 'float32', [labels.length]),
      input(graph, 'among', 'float32', [labels.length]),
    );
  const otherModality = otherOf(modality);
  const other = manifest[otherModality];
  if (other) {
    const [batch] = own.logits.shape as [Value['shape'][number]];
    const side = (name: string, width: number): Value =>
      expand(input(graph, name, 'float32', [1, width]), [batch, width]);
    given[`${otherModality} logits`] = side('logits', other.labels.length);
    if (readsEmbeddings(decision)) given[`${otherModality} embedding`] = side('embedding', other.width);
  }
  const wanted = [`${modality} scores`, ...(other ? ['scores'] : [])];
  const found = rebuild(graph, decision, given, wanted);
  const alone = under(found.get(wanted[0]!)!, manifest[modality]!.labels, labels);
  if (!other) return ask(alone);
  const both = under(found.get('scores')!, sharedLabels(manifest), labels);
  const paired = input(graph, 'paired', 'float32', []);
  return ask(add(mul(both, paired), mul(alone, sub(1, paired))));
}

/** What to feed to the inputs that `decisionOn` declares. */
export function decisionFeeds(
  manifest: BundleManifest,
  decision: Model,
  modality: Modality,
  { label, among, prior = 'training', other }: ExplanationTarget,
): Tensors {
  const labels = labelsOf(manifest);
  const each = (of: (one: string) => number): Tensor<'float32'> => float32([labels.length], labels.map(of));
  const feeds = {
    label: each((one) => (one === label ? 1 : 0)),
    among: each((one) => (among.includes(one) ? 0 : NEVER)),
    ...priorFeeds(manifest, prior),
  };
  const part = manifest[otherOf(modality)];
  if (!part) return feeds;
  const empty = (width: number): Tensor<'float32'> => float32([1, width], new Float32Array(width));
  return {
    ...feeds,
    paired: float32([], [other ? 1 : 0]),
    logits: other?.logits ?? empty(part.labels.length),
    ...(readsEmbeddings(decision) ? { embedding: other?.embedding ?? empty(part.width) } : {}),
  };
}

/** Columns of `x` `[batch, from]` under other labels: `[batch, to]`, zero for one that `from` has not. */
function under(x: Value, from: readonly string[], to: readonly string[]): Value {
  const matrix = new Float32Array(from.length * to.length);
  from.forEach((label, row) => {
    const column = to.indexOf(label);
    if (column >= 0) matrix[row * to.length + column] = 1;
  });
  return matmul(x, constant(x.graph, float32([from.length, to.length], matrix)));
}

/**
 * log p / (1 − p) of a label's probability, `[batch]`, from scores `[batch, labels]` whose softmax over the labels that
 * count is the answer: `label` `[labels]` is 1 for the label and else 0, `among` `[labels]` is 0 for labels that count and
 * far below zero for others.
 */
function logOdds(scores: Value, label: Value, among: Value): Value {
  const own = sum(mul(scores, label), [-1]);
  const others = add(add(scores, among), mul(label, NEVER));
  return sub(own, sum(logSumExp(others), [-1]));
}

/** log Σ exp over the last axis, which is kept. */
function logSumExp(x: Value): Value {
  const largest = stopGradient(max(x, [-1], true));
  return add(log(sum(exp(sub(x, largest)), [-1], true)), largest);
}
