// The decision of a bundle as a graph: from the logits and embeddings of each modality to the answer.
//
// Everything between the encoders and the answer is here and nowhere else: calibration, label priors, the fusion head, and
// what allows for contradictions. `recognize` runs the graph, `explain` differentiates it (packages/mien/src/bundle/decision.ts
// has the names of its inputs and outputs).
import {
  add,
  constant,
  createGraph,
  div,
  encodeModel,
  exp,
  expand,
  float32,
  gather,
  type Graph,
  input,
  int64,
  log,
  logSoftmax,
  maximum,
  mean,
  minimum,
  mul,
  softmax,
  sub,
  sum,
  type Value,
} from 'mien-engine';
import {
  answerLabels,
  type BundleParts,
  fusedIn,
  fuses,
  jointName,
  jointPrior,
  labelsOf,
  modalitiesOf,
  type Modality,
  partOf,
  PRIOR_INPUTS,
  sharedLabels,
  subsetsOf,
} from 'mien/parts/bundle';

/** What a decision is made of: labels, temperatures, priors, widths and how contradictions are allowed for. */
export type DecisionParts = BundleParts;

/** A trained head: from the embeddings `[items, width]` of the modalities that it fuses to logits and, if it has one, a gate. */
export type DecisionHead = (embeddings: Readonly<Record<Modality, Value>>) => {
  /** `[items, labels of the fusion]` */
  readonly logits: Value;
  /** Of two modalities the share of the second, `[items, width]` or `[1, width]`. */
  readonly gate?: Value;
  /** Of more modalities the share of each, `[items, modalities, width]`. */
  readonly gates?: Value;
};

/** Added to what may round to zero, before its logarithm. */
const TINY = 1e-12;

/** A label distribution on the graph, in logarithms `[labels]`. */
interface Prior {
  /** Of training, π. */
  readonly trained: Value;
  /** log q / π up to a constant, where q is the prior to answer under. */
  readonly shift: Value;
  /** The prior to answer under, q. */
  readonly wanted: Value;
}

/** What one modality says by itself, over its own labels. */
interface Evidence {
  readonly labels: readonly string[];
  /** Scores `[items, labels]` under the prior to answer under. */
  readonly scores: Value;
  /** log p / π up to a constant, `[items, labels]`: what it says beyond its training prior. */
  readonly beyondPrior: Value;
}

/**
 * Builds the graph over all modalities that the bundle has. The logits and embeddings `[items, …]` are those of the same
 * items; outputs that need a modality are for items that have it. Every set of two or more of them has its own answer
 * (`jointName`): the product of their posteriors, or that of the fusion's answer and of the posteriors of the others.
 * @param head the fusion's, if `parts.fusion` states one
 */
export function decisionModel(parts: DecisionParts, head?: DecisionHead): Uint8Array {
  const graph = createGraph('decision');
  const labels = labelsOf(parts);
  const weights = input(graph, PRIOR_INPUTS.weights, 'float32', [labels.length]);
  const divided = input(graph, PRIOR_INPUTS.divided, 'float32', []);
  /** p under π is p · q / π under q (Bayes' rule), with q ∝ w or, as long as π is not divided out, q ∝ π w. */
  const priorOver = (own: readonly string[], prior: readonly number[]): Prior => {
    const trained = vector(graph, prior.map(Math.log));
    const shift = sub(columns(weights, labels, own), mul(trained, divided));
    return { trained, shift, wanted: logSoftmax(add(trained, shift)) };
  };
  const all = modalitiesOf(parts);
  const outputs: Record<string, Value> = {};

  // Each modality by itself.
  const alone = new Map<Modality, Evidence>();
  for (const modality of all) {
    const { labels: own, temperature, prior } = partOf(parts, modality);
    const logits = input(graph, `${modality} logits`, 'float32', ['items', own.length]);
    const scaled = div(logits, temperature);
    const { trained, shift, wanted } = priorOver(own, prior);
    const scores = add(scaled, shift);
    outputs[`${modality} scores`] = scores;
    outputs[`${modality} posterior`] = softmax(scores);
    outputs[`${modality} moved logits`] = add(logits, mul(sub(wanted, trained), temperature));
    outputs[`${modality} answer`] = softmax(columns(scores, own, answerLabels(parts, [modality])));
    alone.set(modality, { labels: own, scores, beyondPrior: sub(scaled, trained) });
  }
  const fine = parts.text?.fine;
  if (fine)
    outputs['text fine posterior'] = softmax(
      input(graph, 'text fine logits', 'float32', ['items', fine.length]),
    );

  // Several of them, over the labels that they share.
  const fused = head && fusedOf(graph, parts, head);
  const fusionPrior = parts.fusion && priorOver(parts.fusion.labels, parts.fusion.prior);
  for (const some of subsetsOf(all, 2)) {
    const joint = fused && fuses(parts, some) ? withFusion : product;
    const shared = sharedLabels(parts, some);
    const prior = priorOver(shared, jointPrior(parts, some));
    const found: Record<string, Value> = joint({
      parts,
      some,
      shared,
      prior,
      fusionPrior,
      alone,
      fused: fused!,
    });
    found['prior'] = exp(prior.wanted);
    const scores = some.map((one) => columns(alone.get(one)!.scores, alone.get(one)!.labels, shared));
    found['disagreement'] = divergence(scores);
    some.forEach((one, i) => (found[`${one} shared posterior`] = softmax(scores[i]!)));
    for (const [name, value] of Object.entries(found))
      outputs[jointName(all, some, name as 'answer')] = value;
  }
  return encodeModel(graph, outputs);
}

/** What the answer to items with some of the modalities is computed from. */
interface Joint {
  readonly parts: DecisionParts;
  readonly some: readonly Modality[];
  /** The labels that these share. */
  readonly shared: readonly string[];
  readonly prior: Prior;
  /** The prior over the fusion's labels, if there is one. */
  readonly fusionPrior: Prior | undefined;
  readonly alone: ReadonlyMap<Modality, Evidence>;
  readonly fused: ReturnType<DecisionHead>;
}

/** What these modalities say beyond their priors, over the shared labels. */
const evidenceOf = ({ alone, shared }: Joint, modalities: readonly Modality[]): Value[] =>
  modalities.map((one) => columns(alone.get(one)!.beyondPrior, alone.get(one)!.labels, shared));

/** The product of the posteriors, the prior counted once. */
function product(joint: Joint): Record<string, Value> {
  const scores = logSoftmax(evidenceOf(joint, joint.some).reduce(add, joint.prior.wanted));
  return { scores, answer: exp(scores), logits: scores, product: exp(scores) };
}

/** The head on the embeddings of the modalities that it fuses. */
function fusedOf(
  graph: Graph,
  parts: DecisionParts,
  head: DecisionHead,
): ReturnType<DecisionHead> | undefined {
  const all = modalitiesOf(parts);
  const fused = fusedIn(parts);
  if (fused.length === 0 || !fused.every((one) => all.includes(one))) return undefined;
  return head(
    Object.fromEntries(
      fused.map((modality) => [
        modality,
        input(graph, `${modality} embedding`, 'float32', ['items', partOf(parts, modality).width]),
      ]),
    ) as Record<Modality, Value>,
  );
}

/** The fusion's answer, contradictions allowed for, times what modalities that it does not fuse say beyond their priors. */
function withFusion(joint: Joint): Record<string, Value> {
  const { parts, some, shared, fused } = joint;
  const { product: plain } = product(joint) as { product: Value };
  const fusion = parts.fusion!;
  const within = fusedIn(parts);
  const beside = some.filter((one) => !within.includes(one));
  const own = fusion.labels;
  const ofFusion = { ...joint, some: within, shared: own };
  const { trained, shift, wanted } = joint.fusionPrior!;
  const head = logSoftmax(add(div(fused.logits, fusion.temperature), shift));
  const each = evidenceOf(ofFusion, within).map((one) => logSoftmax(add(one, wanted)));
  const { scores, answer, agreement } = allowingForContradictions(
    { fused: head, alone: each, prior: wanted },
    fusion,
  );
  if (beside.length > 0) {
    const all = logSoftmax(evidenceOf(joint, beside).reduce(add, columns(scores, own, shared)));
    return { scores: all, answer: exp(all), logits: all, product: plain };
  }
  return {
    scores,
    answer,
    logits: add(fused.logits, mul(sub(wanted, trained), fusion.temperature)),
    product: plain,
    'head posterior': exp(head),
    ...(fusion.agreement === undefined ? {} : { agreement }),
    ...gateOutputs(fused),
  };
}

/** Log-posteriors `[items, labels]` under the same prior `[labels]`. */
export interface Opinions {
  readonly fused: Value;
  /** Of each modality alone, that which counts in full first. */
  readonly alone: readonly Value[];
  readonly prior: Value;
}

/**
 * The answer to items whose modalities most often, but not always, express one label.
 *
 * A fusion trained on label-matched pairs has never seen a contradiction and multiplies evidence as if there were none.
 * Let all n modalities express one label with probability α, and else each a label of its own, drawn from the prior π:
 *
 *     evidence for one label      s = Σ_y Π_m p_m(y) / π(y)^(n − 1)
 *     p(one label | all)            = α s / (α s + 1 − α)
 *     answer                        = p(one label) · fused + (1 − p(one label)) · mean of p_m
 *
 * Where they contradict each other s is small, and the answer becomes what each says by itself.
 *
 * Of what the others add to the first only a share w may count: `fused` is then fused^w · p_1^(1 − w), renormalised, which
 * for a product of posteriors of text and face is p_t · (p_v / π)^w. In training pairs every face shows the label; in
 * pictures that people put beside their words it often shows a pose.
 * @param options.agreement α, from 0 to 1; at 1 all is `fused`
 * @param options.faceWeight w, from 0 to 1
 * @returns `answer` `[items, labels]`, its logarithm `scores`, and `agreement` `[items, 1]`, p(one label).
 */
export function allowingForContradictions(
  { fused, alone, prior }: Opinions,
  {
    agreement: often = 1,
    faceWeight = 1,
  }: Pick<NonNullable<DecisionParts['fusion']>, 'agreement' | 'faceWeight'>,
): { readonly scores: Value; readonly answer: Value; readonly agreement: Value } {
  const pooled =
    faceWeight === 1 ? fused : logSoftmax(add(mul(fused, faceWeight), mul(alone[0]!, 1 - faceWeight)));
  const joint = sub(alone.reduce(add), mul(prior, alone.length - 1));
  const matching = mul(sum(exp(joint), [-1], true), often);
  const agreement = div(matching, add(matching, 1 - often));
  if (often === 1) return { scores: pooled, answer: exp(pooled), agreement };
  const apart = div(alone.map(exp).reduce(add), alone.length);
  const answer = add(mul(agreement, exp(pooled)), mul(sub(1, agreement), apart));
  return { scores: log(add(answer, TINY)), answer, agreement };
}

/** Jensen–Shannon divergence of posteriors given by their scores `[items, labels]`: 0 if equal, 1 if disjoint; `[items, 1]`. */
function divergence(scores: readonly Value[]): Value {
  const n = scores.length;
  const logs = scores.map((one) => logSoftmax(one));
  const mixture = log(add(div(logs.map(exp).reduce(add), n), TINY));
  const terms = logs.map((one) => sum(mul(exp(one), sub(one, mixture)), [-1], true));
  return minimum(maximum(div(terms.reduce(add), n * Math.log(n)), 0), 1);
}

function gateOutputs({ gate, gates }: ReturnType<DecisionHead>): Record<string, Value> {
  if (gates) return { gates, 'mean gates': mean(gates, [-1]) };
  if (!gate) return {};
  // A static gate has one row for all items.
  const each = gate.shape[0] === 1 ? expand(gate, ['items', gate.shape[1]!]) : gate;
  return { gate: each, 'mean gate': mean(each, [-1], true) };
}

const vector = (graph: Graph, values: readonly number[]): Value =>
  constant(graph, float32([values.length], values));

/** The columns (last axis) of `x` over the labels `from` that are of the labels `to`, in their order. */
function columns(x: Value, from: readonly string[], to: readonly string[]): Value {
  if (from.length === to.length && from.every((label, i) => label === to[i])) return x;
  const places = int64(
    [to.length],
    to.map((label) => from.indexOf(label)),
  );
  return gather(x, constant(x.graph, places), x.shape.length - 1);
}
