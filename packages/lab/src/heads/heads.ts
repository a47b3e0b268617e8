// Heads: from embeddings to logits. Every head is one function over the same layers.
import { defined } from 'mien-engine/base';
import { linear, lstm, type Parameters, reshape, type Sequence, type Value } from 'mien-engine';
import { crossAttention, transformer, type AttentionSizes } from './attention.js';
import {
  concatenation,
  gatedFusion,
  lowRankFusion,
  staticGateFusion,
  tensorFusion,
  type Fused,
} from './fusion.js';

export const headNames = [
  'text',
  'face',
  'concatenation',
  'gated',
  'gated-no-lstm',
  'static-gate',
  'tensor',
  'low-rank',
  'cross-attention',
  'transformer',
] as const;
export type HeadName = (typeof headNames)[number];

export interface HeadSizes {
  /** Width both embeddings are projected to. */
  readonly width: number;
  /** Width of the LSTM's hidden state. */
  readonly hidden: number;
  readonly labels: number;
  /** Rank of low-rank fusion's weight tensor; 4 where it is not given. */
  readonly rank?: number;
  /** Width to which tensor fusion projects each side before their outer product; 32 where it is not given. */
  readonly tensor?: number;
  /** Of heads that read states; width 64, 4 heads, 2 layers where it is not given. */
  readonly attention?: AttentionSizes;
}

export interface HeadInputs {
  /** Standardised text embeddings `[batch, text width]`. */
  readonly text?: Value;
  /** Standardised face embeddings `[batch, face width]`. */
  readonly face?: Value;
  /** Standardised token states; of heads that read states. */
  readonly tokens?: Sequence;
  /** Standardised columns of the last feature map; of heads that read states. */
  readonly regions?: Sequence;
}

export interface HeadOutputs {
  /** `[batch, labels]` */
  readonly logits: Value;
  /** What the classifier sees, `[batch, hidden]` (`[batch, width]` without LSTM). */
  readonly representation: Value;
  readonly gate?: Value;
}

type Fusion = (p: Parameters, text: Value, face: Value, sizes: HeadSizes) => Fused;

const fusions: Partial<Record<HeadName, Fusion>> = {
  concatenation,
  gated: gatedFusion,
  'gated-no-lstm': gatedFusion,
  'static-gate': staticGateFusion,
  tensor: (p, text, face, { tensor = 32 }) => tensorFusion(p, text, face, tensor),
  'low-rank': (p, text, face, { rank = 4 }) => lowRankFusion(p, text, face, rank),
};

/** Which modalities a head reads. */
export const modalitiesOf = (head: HeadName): readonly ('text' | 'face')[] =>
  head === 'text' || head === 'face' ? [head] : ['text', 'face'];

/** Whether a head reads all token states and regions, and not one vector of each. */
export const readsStates = (head: HeadName): boolean => head === 'cross-attention' || head === 'transformer';

/**
 * Builds a head (paper, Algorithm 1): project, fuse, one-step LSTM, classifier. The unimodal heads are the same
 * without fusion, so that a table's rows differ by what they read and not by their depth.
 */
export function buildHead(p: Parameters, head: HeadName, inputs: HeadInputs, sizes: HeadSizes): HeadOutputs {
  if (readsStates(head)) return buildStatesHead(p, head, inputs, sizes);
  const text = inputs.text && linear(p, 'text', inputs.text, sizes.width);
  const face = inputs.face && linear(p, 'face', inputs.face, sizes.width);
  const fusion = fusions[head];
  const { fused, gate } = fusion
    ? fusion(p, text!, face!, sizes)
    : { fused: (head === 'text' ? text : face)!, gate: undefined };
  const representation = head === 'gated-no-lstm' ? fused : oneStep(p, fused, sizes.hidden);
  const logits = linear(p, 'classifier', representation, sizes.labels);
  return { logits, representation, ...defined({ gate }) };
}

/** As `buildHead`; the transformer is its own last layer, where cross-attention is followed by the LSTM. */
function buildStatesHead(
  p: Parameters,
  head: HeadName,
  { tokens, regions }: HeadInputs,
  { hidden, labels, attention = { width: 64, heads: 4, layers: 2 } }: HeadSizes,
): HeadOutputs {
  const representation =
    head === 'transformer'
      ? transformer(p, tokens!, regions!, attention)
      : oneStep(p, crossAttention(p, tokens!, regions!, attention).fused, hidden);
  return { logits: linear(p, 'classifier', representation, labels), representation };
}

/** The hidden state of an LSTM after its only step: `[batch, width]` → `[batch, hidden]`. */
const oneStep = (p: Parameters, x: Value, hidden: number): Value =>
  lstm(p, 'lstm', reshape(x, [x.shape[0]!, 1, x.shape[1]!]), hidden).hidden;
