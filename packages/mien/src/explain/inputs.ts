// The graph around an encoder that is being explained: what it is asked, and what the other modality says meanwhile.
import {
  add,
  type Dim,
  expand,
  float32,
  type Graph,
  input,
  type Model,
  mul,
  sub,
  type Tensor,
  type Tensors,
  type Value,
} from 'mien-engine';
import { sharedLabels, type BundleManifest } from '../bundle/manifest.js';
import { alone, labelsOf, logOdds, questionOf, together, type Said } from './decision.js';
import { rebuild } from './rebuild.js';

export type Modality = 'text' | 'face';

/** The priors under which an answer is stated: over each modality's labels, and over those that both share. */
export interface Priors {
  readonly text?: readonly number[];
  readonly face?: readonly number[];
  readonly both?: readonly number[];
}

/** What is asked of one modality's side. */
export interface ExplanationTarget {
  readonly label: string;
  /** Labels that the label is weighed against. */
  readonly among: readonly string[];
  readonly priors: Priors;
  /** The other modality beside it. */
  readonly other?: OtherSide | undefined;
}

/** One row of what the other modality's encoder gave. */
export interface OtherSide {
  /** `[1, width]` */
  readonly embedding: Tensor<'float32'>;
  /** `[1, labels]` */
  readonly logits: Tensor<'float32'>;
}

const otherOf = (modality: Modality): Modality => (modality === 'text' ? 'face' : 'text');

/**
 * The log-odds `[batch]` of what is asked, from one modality's embedding and logits. Inputs of the graph are `label`,
 * `among`, `prior` and, in a bundle with both modalities, the other's `embedding` and `logits`, `prior of both`, and
 * `paired`: 1 where the other counts, 0 where there is none. One graph serves items with one modality and with both, under
 * any prior.
 */
export function decisionOn(
  graph: Graph,
  manifest: BundleManifest,
  fusion: Model | undefined,
  modality: Modality,
  own: { readonly embedding: Value; readonly logits: Value },
): Value {
  const count = labelsOf(manifest).length;
  const ask = (scores: Value): Value =>
    logOdds(scores, input(graph, 'label', 'float32', [count]), input(graph, 'among', 'float32', [count]));
  const prior = input(graph, 'prior', 'float32', [manifest[modality]!.labels.length]);
  const scores = alone(manifest, modality, own.logits, prior);
  const other = manifest[otherOf(modality)];
  if (other === undefined) return ask(scores);
  const batch: Dim = own.logits.shape[0]!;
  const given = (name: string, width: number): Value =>
    expand(input(graph, name, 'float32', [1, width]), [batch, width]);
  const logits = given('logits', other.labels.length);
  const said: Said = { [modality]: own.logits, [otherOf(modality)]: logits };
  const fused =
    fusion &&
    rebuild(
      graph,
      fusion,
      {
        [modality]: own.embedding,
        [otherOf(modality)]: given('embedding', other.width),
      },
      ['logits'],
    ).get('logits')!;
  const priorOfBoth = input(graph, 'prior of both', 'float32', [sharedLabels(manifest).length]);
  const both = together(manifest, fused ? { ...said, fused } : said, priorOfBoth);
  const paired = input(graph, 'paired', 'float32', []);
  return ask(add(mul(both, paired), mul(scores, sub(1, paired))));
}

/** What to feed to the inputs that `decisionOn` declares. */
export function decisionFeeds(
  manifest: BundleManifest,
  hasFusion: boolean,
  modality: Modality,
  { priors, other, ...question }: ExplanationTarget,
): Tensors {
  const { label, among } = questionOf(manifest, question.label, question.among);
  const logOf = (prior: readonly number[]): Tensor<'float32'> =>
    float32(
      [prior.length],
      prior.map((p) => Math.log(p)),
    );
  const asked = {
    label: float32([label.length], label),
    among: float32([among.length], among),
    prior: logOf(priors[modality]!),
  };
  const part = manifest[otherOf(modality)];
  if (part === undefined) return asked;
  const empty = (width: number): Tensor<'float32'> => float32([1, width], new Float32Array(width));
  return {
    ...asked,
    paired: float32([], [other ? 1 : 0]),
    'prior of both': logOf(priors.both!),
    logits: other?.logits ?? empty(part.labels.length),
    ...(hasFusion ? { embedding: other?.embedding ?? empty(part.width) } : {}),
  };
}
