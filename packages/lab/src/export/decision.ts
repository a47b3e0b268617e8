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
 * (`jointName`): the product of their posteriors, or that of the fusion's answer and of the posteriors of the others, with
 * contradictions allowed for as the fusion's `agreement` says.
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
    const shared = sharedLabels(parts, some);
    const prior = priorOver(shared, jointPrior(parts, some));
    const found: Record<string, Value> = answered({ parts, some, shared, prior, fusionPrior, alone, fused });
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
  readonly fused: ReturnType<DecisionHead> | undefined;
}

/** The answer by some modalities, contradictions between any two of them allowed for as often as the fusion says. */
function answered(joint: Joint): Record<string, Value> {
  const { parts, some, prior, fused, fusionPrior } = joint;
  const { fusion } = parts;
  const evidence = evidenceOf(joint, some);
  const whole = ofOneLabel(joint, some);
  const { scores, answer, agreement } = allowingForContradictions(
    {
      alone: evidence.map((one) => logSoftmax(add(one, prior.wanted))),
      together: (members) =>
        members.length === some.length
          ? whole
          : ofOneLabel(
              joint,
              members.map((i) => some[i]!),
            ),
      prior: prior.wanted,
    },
    fusion?.agreement,
  );
  const found = {
    scores,
    answer,
    logits: whole,
    product: softmax(evidence.reduce(add, prior.wanted)),
    ...(fusion?.agreement === undefined ? {} : { agreement }),
  };
  if (!fused || !fuses(parts, some) || some.length > fusedIn(parts).length) return found;
  const { trained, shift, wanted } = fusionPrior!;
  return {
    ...found,
    logits: add(fused.logits, mul(sub(wanted, trained), fusion!.temperature)),
    'head posterior': softmax(add(div(fused.logits, fusion!.temperature), shift)),
    ...gateOutputs(fused),
  };
}

/** What these modalities say beyond their priors, over the shared labels. */
const evidenceOf = ({ alone, shared }: Joint, modalities: readonly Modality[]): Value[] =>
  modalities.map((one) => columns(alone.get(one)!.beyondPrior, alone.get(one)!.labels, shared));

/** The share of what a modality adds to those before it that counts. */
function weightOf(parts: DecisionParts, modality: Modality): number {
  const { weights = {}, faceWeight = 1 } = parts.fusion ?? {};
  return weights[modality] ?? (fusedIn(parts).includes(modality) ? faceWeight : 1);
}

/**
 * Log-posteriors `[items, shared labels]` of modalities that express one label: the fusion's where it fuses them, times the
 * evidence of the others, each to the power of its weight; without the fusion the first counts in full.
 */
function ofOneLabel(joint: Joint, members: readonly Modality[]): Value {
  const { parts, shared, prior, fused, fusionPrior } = joint;
  const within = fusedIn(parts);
  const weighted = (modalities: readonly Modality[]): Value[] =>
    evidenceOf(joint, modalities).map((one, i) => {
      const weight = weightOf(parts, modalities[i]!);
      return weight === 1 ? one : mul(one, weight);
    });
  const [first, ...others] = members;
  const whole = evidenceOf(joint, [first!]).map((one) => add(one, prior.wanted))[0]!;
  if (!fused || !fuses(parts, members)) return logSoftmax(weighted(others).reduce(add, whole));
  const { labels, temperature, faceWeight } = parts.fusion!;
  const head = logSoftmax(columns(add(div(fused.logits, temperature), fusionPrior!.shift), labels, shared));
  const base = partly(head, logSoftmax(whole), faceWeight);
  const beside = members.filter((one) => !within.includes(one));
  return beside.length === 0 ? base : logSoftmax(weighted(beside).reduce(add, base));
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

/**
 * Of what the others add to the first, only a share w: fused^w · p_1^(1 − w), renormalised, from log-posteriors
 * `[items, labels]`. For a product of posteriors of text and face it is p_t · (p_v / π)^w. In training pairs every face shows
 * the label; in pictures that people put beside their words it often shows a pose.
 */
export const partly = (fused: Value, first: Value, share = 1): Value =>
  share === 1 ? fused : logSoftmax(add(mul(fused, share), mul(first, 1 - share)));

/** Log-posteriors `[items, labels]` under the same prior `[labels]`. */
export interface Opinions {
  /** Of each modality alone. */
  readonly alone: readonly Value[];
  /** Of two or more of them, by their places in `alone`, if they express one label. */
  readonly together: (members: readonly number[]) => Value;
  readonly prior: Value;
}

/**
 * The answer to items whose modalities most often, but not always, express one label.
 *
 * A fusion trained on label-matched pairs has never seen a contradiction and multiplies evidence as if there were none.
 * Let an item have one label, drawn from the prior π, that each of its n modalities expresses with probability √α,
 * independently of the others, and instead of which it expresses a label of its own, also drawn from π. Any two of them then
 * express the item's label with probability α, whichever others there are. For every set C of two or more modalities,
 *
 *     evidence that C expresses one label     s(C) = Σ_y Π_{m ∈ C} p_m(y) / π(y)^(|C| − 1)
 *     p(C expresses it, the others do not)     ∝ √α^|C| (1 − √α)^(n − |C|) s(C)
 *     p(no two express it)                     ∝ 1 − Σ_C √α^|C| (1 − √α)^(n − |C|)
 *
 * and the answer is the label that a modality expresses, the mean over modalities: `together(C)` for those in C, what each
 * says by itself for the others. Where two contradict each other s is small, and the answer becomes that of those that
 * agree and of each of the others by itself. For two modalities it is
 *
 *     p(one label)   = α s / (α s + 1 − α)
 *     answer         = p(one label) · together + (1 − p(one label)) · mean of p_m
 *
 * @param often α, from 0 to 1; at 1 all is `together`
 * @returns `answer` `[items, labels]`, its logarithm `scores`, and `agreement` `[items, 1]`, p(all express one label).
 */
export function allowingForContradictions(
  { alone, together: jointly, prior }: Opinions,
  often = 1,
): { readonly scores: Value; readonly answer: Value; readonly agreement: Value } {
  const n = alone.length;
  const places = [...alone.keys()];
  const sets = subsetsOf(places, 2).map((members) => {
    const chance = often ** (members.length / 2) * (1 - Math.sqrt(often)) ** (n - members.length);
    const joint = sub(members.map((m) => alone[m]!).reduce(add), mul(prior, members.length - 1));
    return { members, chance, odds: mul(sum(exp(joint), [-1], true), chance) };
  });
  const none = Math.max(0, 1 - sets.reduce((total, { chance }) => total + chance, 0));
  const all = add(sets.map(({ odds }) => odds).reduce(add), none);
  const agreement = div(sets.at(-1)!.odds, all);
  if (often === 1) {
    const scores = jointly(places);
    return { scores, answer: exp(scores), agreement };
  }
  const said = alone.map(exp);
  const meanOf = (values: readonly Value[]): Value => div(values.reduce(add), n);
  const parts = sets.map(({ members, odds }) => {
    const one = exp(jointly(members));
    return mul(odds, meanOf(places.map((m) => (members.includes(m) ? one : said[m]!))));
  });
  const answer = div(add(parts.reduce(add), mul(meanOf(said), none)), all);
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
