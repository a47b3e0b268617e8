// The graph around an encoder that is being explained: what it is asked, and what the other modality says meanwhile.
import { float32, type Tensor, type Tensors } from '../base/tensor.js';
import type { BundleManifest } from '../bundle/manifest.js';
import { input, type Dim, type Graph, type Value } from '../graph/builder.js';
import { add, mul, sub } from '../graph/ops/elementwise.js';
import { expand } from '../graph/ops/movement.js';
import { alone, labelsOf, logOdds, together, type Question, type Said } from './decision.js';
import type { Model } from './read-model.js';
import { rebuild } from './rebuild.js';

export type Modality = 'text' | 'face';

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
 * `among` and, in a bundle with both modalities, the other's `embedding` and `logits` and `paired`: 1 where the other
 * counts, 0 where there is none. One graph serves items with one modality and with both.
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
  const scores = alone(manifest, modality, own.logits);
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
  const both = together(manifest, fused ? { ...said, fused } : said);
  const paired = input(graph, 'paired', 'float32', []);
  return ask(add(mul(both, paired), mul(scores, sub(1, paired))));
}

/** What to feed to the inputs that `decisionOn` declares. */
export function decisionFeeds(
  manifest: BundleManifest,
  hasFusion: boolean,
  modality: Modality,
  { label, among }: Question,
  other: OtherSide | undefined,
): Tensors {
  const asked = { label: float32([label.length], label), among: float32([among.length], among) };
  const part = manifest[otherOf(modality)];
  if (part === undefined) return asked;
  const empty = (width: number): Tensor<'float32'> => float32([1, width], new Float32Array(width));
  return {
    ...asked,
    paired: float32([], [other ? 1 : 0]),
    logits: other?.logits ?? empty(part.labels.length),
    ...(hasFusion ? { embedding: other?.embedding ?? empty(part.width) } : {}),
  };
}
