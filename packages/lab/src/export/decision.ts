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
  type BundleManifest,
  jointPrior,
  labelsOf,
  MODALITIES,
  type Modality,
  PRIOR_INPUTS,
  sharedLabels,
} from 'mien/parts';

/** What a decision is made of: labels, temperatures, priors, widths and how contradictions are allowed for. */
export type DecisionParts = Pick<BundleManifest, 'text' | 'face' | 'fusion'>;

/** A trained head: from the embeddings `[items, width]` of the modalities to logits and, if it has one, a gate. */
export type DecisionHead = (embeddings: Readonly<Record<Modality, Value>>) => {
  /** `[items, labels of the fusion]` */
  readonly logits: Value;
  /** `[items, width]` or `[1, width]` */
  readonly gate?: Value;
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

/**
 * Builds the graph over all modalities that the bundle has. The logits and embeddings `[items, …]` are those of the same
 * items; outputs that need a modality are for items that have it.
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
  const present = MODALITIES.filter((modality) => parts[modality]);
  const shared = sharedLabels(parts);
  const outputs: Record<string, Value> = {};

  // Each modality by itself.
  const evidence = present.map((modality) => {
    const { labels: own, temperature, prior } = parts[modality]!;
    const logits = input(graph, `${modality} logits`, 'float32', ['items', own.length]);
    const scaled = div(logits, temperature);
    const { trained, shift, wanted } = priorOver(own, prior);
    const scores = add(scaled, shift);
    outputs[`${modality} scores`] = scores;
    outputs[`${modality} posterior`] = softmax(scores);
    outputs[`${modality} moved logits`] = add(logits, mul(sub(wanted, trained), temperature));
    outputs[`${modality} answer`] = softmax(columns(scores, own, answerLabels(parts, [modality])));
    if (present.length > 1) outputs[`${modality} shared posterior`] = softmax(columns(scores, own, shared));
    return columns(sub(scaled, trained), own, shared);
  });
  const fine = parts.text?.fine;
  if (fine)
    outputs['text fine posterior'] = softmax(
      input(graph, 'text fine logits', 'float32', ['items', fine.length]),
    );
  if (present.length === 1) return encodeModel(graph, outputs);

  // All of them, over the labels that they share.
  const prior = priorOver(shared, jointPrior(parts));
  outputs['prior'] = exp(prior.wanted);
  outputs['disagreement'] = divergence(
    present.map((modality) => columns(outputs[`${modality} scores`]!, parts[modality]!.labels, shared)),
  );
  const product = logSoftmax(evidence.reduce(add, prior.wanted));
  outputs['product'] = exp(product);
  const { fusion } = parts;
  if (!fusion || !head)
    return encodeModel(graph, { ...outputs, scores: product, answer: outputs['product'], logits: product });
  const embeddings = Object.fromEntries(
    present.map((modality) => [
      modality,
      input(graph, `${modality} embedding`, 'float32', ['items', parts[modality]!.width]),
    ]),
  ) as Record<Modality, Value>;
  const { logits, gate } = head(embeddings);
  const fused = logSoftmax(add(div(logits, fusion.temperature), prior.shift));
  const alone = evidence.map((one) => logSoftmax(add(one, prior.wanted)));
  const { scores, answer, agreement } = allowingForContradictions(
    { fused, alone, prior: prior.wanted },
    fusion,
  );
  return encodeModel(graph, {
    ...outputs,
    ...(gate ? gateOutputs(gate) : {}),
    ...(fusion.agreement === undefined ? {} : { agreement }),
    scores,
    answer,
    logits: add(logits, mul(sub(prior.wanted, prior.trained), fusion.temperature)),
    'head posterior': exp(fused),
  });
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

function gateOutputs(gate: Value): Record<string, Value> {
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
