// The decision of a bundle as part of the graph that explains an encoder: the log-odds of a label in the result, from one
// modality's embedding and logits with those of the others held fixed.
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
  slice,
  stopGradient,
  sub,
  sum,
  type Tensor,
  type Tensors,
  type Value,
} from 'mien-engine';
import {
  jointName,
  type LabelPrior,
  PRIOR_INPUTS,
  priorFeeds,
  type Sides,
  subsetsOf,
} from '../bundle/decision.js';
import {
  type BundleManifest,
  labelsOf,
  modalitiesOf,
  type Modality,
  partOf,
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
  /** What the encoders gave for the other modalities that the item has. */
  readonly others?: Sides | undefined;
}

/** Whether the decision reads embeddings of a modality. */
const readsEmbedding = ({ nodes }: Model, modality: Modality): boolean =>
  nodes.some(({ inputs }) => inputs.includes(`${modality} embedding`));

/** The sets of modalities that an item with this one may have: by itself, and with any of the others. */
const setsWith = (manifest: BundleManifest, modality: Modality): Modality[][] =>
  subsetsOf(modalitiesOf(manifest), 1).filter((some) => some.includes(modality));

const othersOf = (manifest: BundleManifest, modality: Modality): Modality[] =>
  modalitiesOf(manifest).filter((one) => one !== modality);

/**
 * The log-odds `[batch]` of the label, from one modality's embedding and logits. Inputs of the graph are `label`,
 * `among`, those of the prior and, in a bundle with further modalities, `NAME logits` and `NAME embedding` of each, and
 * `present` `[sets]`: 1 for the set of modalities that the item has, 0 for the others. One graph serves items with any
 * modalities, under any prior.
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
  const [batch] = own.logits.shape as [Value['shape'][number]];
  for (const other of othersOf(manifest, modality)) {
    const { labels: its, width } = partOf(manifest, other);
    const side = (name: string, size: number): Value =>
      expand(input(graph, name, 'float32', [1, size]), [batch, size]);
    given[`${other} logits`] = side(`${other} logits`, its.length);
    if (readsEmbedding(decision, other)) given[`${other} embedding`] = side(`${other} embedding`, width);
  }
  const all = modalitiesOf(manifest);
  const sets = setsWith(manifest, modality).map((some) => ({
    name: some.length === 1 ? `${modality} scores` : jointName(all, some, 'scores'),
    labels: some.length === 1 ? partOf(manifest, modality).labels : sharedLabels(manifest, some),
  }));
  const found = rebuild(
    graph,
    decision,
    given,
    sets.map(({ name }) => name),
  );
  const scores = sets.map(({ name, labels: over }) => under(found.get(name)!, over, labels));
  const present = sets.length > 1 ? input(graph, 'present', 'float32', [sets.length]) : undefined;
  const chosen = present
    ? scores.map((one, i) => mul(one, slice(present, 0, i, i + 1))).reduce(add)
    : scores[0]!;
  return logOdds(
    chosen,
    input(graph, 'label', 'float32', [labels.length]),
    input(graph, 'among', 'float32', [labels.length]),
  );
}

/** What to feed to the inputs that `decisionOn` declares. */
export function decisionFeeds(
  manifest: BundleManifest,
  decision: Model,
  modality: Modality,
  { label, among, prior = 'training', others = {} }: ExplanationTarget,
): Tensors {
  const labels = labelsOf(manifest);
  const each = (of: (one: string) => number): Tensor<'float32'> => float32([labels.length], labels.map(of));
  const feeds: Record<string, Tensor> = {
    label: each((one) => (one === label ? 1 : 0)),
    among: each((one) => (among.includes(one) ? 0 : NEVER)),
    ...priorFeeds(manifest, prior),
  };
  const empty = (width: number): Tensor<'float32'> => float32([1, width], new Float32Array(width));
  for (const other of othersOf(manifest, modality)) {
    const part = partOf(manifest, other);
    feeds[`${other} logits`] = others[other]?.logits ?? empty(part.labels.length);
    if (readsEmbedding(decision, other))
      feeds[`${other} embedding`] = others[other]?.embedding ?? empty(part.width);
  }
  const sets = setsWith(manifest, modality);
  const isPresent = (some: readonly Modality[]): boolean =>
    othersOf(manifest, modality).every((one) => some.includes(one) === (others[one] !== undefined));
  if (sets.length > 1)
    feeds['present'] = float32(
      [sets.length],
      sets.map((some) => (isPresent(some) ? 1 : 0)),
    );
  return feeds;
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
