// The inputs of the graph that explains an encoder: the label in question, and the other modality's outputs.
import {
  add,
  defined,
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

/** The label priors of a result: over each modality's labels, and over those that both share. */
export interface Priors {
  readonly text?: readonly number[];
  readonly face?: readonly number[];
  readonly both?: readonly number[];
}

/** The label to explain for one modality. */
export interface ExplanationTarget {
  readonly label: string;
  /** Labels that the label is compared with. */
  readonly among: readonly string[];
  readonly priors: Priors;
  /** The other modality's outputs, if the item has both. */
  readonly other?: OtherSide | undefined;
}

/** The outputs of the other modality's encoder for one item. */
export interface OtherSide {
  /** `[1, width]` */
  readonly embedding: Tensor<'float32'>;
  /** `[1, labels]` */
  readonly logits: Tensor<'float32'>;
}

const otherOf = (modality: Modality): Modality => (modality === 'text' ? 'face' : 'text');

/**
 * The log-odds `[batch]` of the label, from one modality's embedding and logits. Inputs of the graph are `label`, `among`,
 * `prior` and, in a bundle with both modalities, the other's `embedding` and `logits`, `prior of both`, and `paired`: 1 if
 * the item has the other modality, else 0. One graph serves items with one and with both modalities, under any prior.
 */
export function decisionOn(
  graph: Graph,
  manifest: BundleManifest,
  fusion: Model | undefined,
  modality: Modality,
  outputs: { readonly embedding: Value; readonly logits: Value },
): Value {
  const count = labelsOf(manifest).length;
  const logOddsOf = (scores: Value): Value =>
    logOdds(scores, input(graph, 'label', 'float32', [count]), input(graph, 'among', 'float32', [count]));
  const prior = input(graph, 'prior', 'float32', [manifest[modality]!.labels.length]);
  const scores = alone(manifest, modality, outputs.logits, prior);
  const other = manifest[otherOf(modality)];
  if (other === undefined) return logOddsOf(scores);
  const batch: Dim = outputs.logits.shape[0]!;
  const given = (name: string, width: number): Value =>
    expand(input(graph, name, 'float32', [1, width]), [batch, width]);
  const logits = given('logits', other.labels.length);
  const logitsOf: Said = { [modality]: outputs.logits, [otherOf(modality)]: logits };
  const fused =
    fusion &&
    rebuild(
      graph,
      fusion,
      {
        [modality]: outputs.embedding,
        [otherOf(modality)]: given('embedding', other.width),
      },
      ['logits'],
    ).get('logits')!;
  const priorOfBoth = input(graph, 'prior of both', 'float32', [sharedLabels(manifest).length]);
  const both = together(manifest, fused ? { ...logitsOf, fused } : logitsOf, priorOfBoth);
  const paired = input(graph, 'paired', 'float32', []);
  return logOddsOf(add(mul(both, paired), mul(scores, sub(1, paired))));
}

/** Feeds for the inputs that `decisionOn` declares. */
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
  const feeds = {
    label: float32([label.length], label),
    among: float32([among.length], among),
    prior: logOf(priors[modality]!),
  };
  const part = manifest[otherOf(modality)];
  if (part === undefined) return feeds;
  const empty = (width: number): Tensor<'float32'> => float32([1, width], new Float32Array(width));
  return {
    ...feeds,
    paired: float32([], [other ? 1 : 0]),
    'prior of both': logOf(priors.both!),
    logits: other?.logits ?? empty(part.labels.length),
    ...defined({ embedding: hasFusion ? (other?.embedding ?? empty(part.width)) : undefined }),
  };
}
