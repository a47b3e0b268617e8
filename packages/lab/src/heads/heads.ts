// Heads: from embeddings to logits. Every head is one function over the same layers.
import { defined, MienError } from 'mien-engine/base';
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import { gather, linear, lstm, type Parameters, reshape, type Sequence, type Value } from 'mien-engine';
import { crossAttention, transformer, type AttentionSizes } from './attention.js';
import {
  concatenation,
  gatedFusionOf,
  lowRankFusion,
  staticGateFusion,
  tensorFusion,
  type Fused,
} from './fusion.js';

export const headNames = [
  'text',
  'face',
  'voice',
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

/** Standardised embeddings `[batch, width of the modality]` by modality, or the states of text and face. */
export interface HeadInputs extends Readonly<Partial<Record<Modality, Value>>> {
  /** Standardised token states; of heads that read states. */
  readonly tokens?: Sequence;
  /** Standardised columns of the last feature map; of heads that read states. */
  readonly regions?: Sequence;
  /** `[batch, modalities]` in the order of the list: 1 where a modality is there, 0 where it is missing; of the gate only. */
  readonly present?: Value;
  /** If embeddings are shared by items, by modality: the place of each item's among them, `[batch]`. */
  readonly places?: Readonly<Partial<Record<Modality, Value>>>;
}

export interface HeadOutputs {
  /** `[batch, labels]` */
  readonly logits: Value;
  /** What the classifier sees, `[batch, hidden]` (`[batch, width]` without LSTM). */
  readonly representation: Value;
  readonly gate?: Value;
  /** Of a gate over three or more modalities, in the order of the list: `[batch, n, width]`. */
  readonly gates?: Value;
}

type Fusion = (p: Parameters, embeddings: readonly Value[], sizes: HeadSizes, present?: Value) => Fused;

/** A fusion that is defined for two modalities only. */
const ofTwo =
  (name: HeadName, fuse: (p: Parameters, text: Value, face: Value, sizes: HeadSizes) => Fused): Fusion =>
  (p, embeddings, sizes) => {
    const [text, face, ...others] = embeddings;
    if (!text || !face || others.length > 0)
      throw new MienError('usage', `the head "${name}" fuses two modalities, not ${embeddings.length}`, {
        hint: 'Use "gated" or "concatenation".',
      });
    return fuse(p, text, face, sizes);
  };

const fusions: Partial<Record<HeadName, Fusion>> = {
  concatenation,
  gated: (p, embeddings, _sizes, present) => gatedFusionOf(p, embeddings, present),
  'gated-no-lstm': (p, embeddings, _sizes, present) => gatedFusionOf(p, embeddings, present),
  'static-gate': ofTwo('static-gate', staticGateFusion),
  tensor: ofTwo('tensor', (p, text, face, { tensor = 32 }) => tensorFusion(p, text, face, tensor)),
  'low-rank': ofTwo('low-rank', (p, text, face, { rank = 4 }) => lowRankFusion(p, text, face, rank)),
};

/** What the paper fuses, and a head unless told otherwise. */
const FUSED: readonly Modality[] = ['text', 'face'];

/** Which modalities a head reads; `fused` are those of one that fuses. */
export const modalitiesOf = (head: HeadName, fused: readonly Modality[] = FUSED): readonly Modality[] =>
  MODALITIES.includes(head as Modality) ? [head as Modality] : fused;

/** Whether a head reads all token states and regions, and not one vector of each. */
export const readsStates = (head: HeadName): boolean => head === 'cross-attention' || head === 'transformer';

/**
 * Builds a head (paper, Algorithm 1): project, fuse, one-step LSTM, classifier. The unimodal heads are the same
 * without fusion, so that a table's rows differ by what they read and not by their depth.
 */
export function buildHead(p: Parameters, head: HeadName, inputs: HeadInputs, sizes: HeadSizes): HeadOutputs {
  if (readsStates(head)) return buildStatesHead(p, head, inputs, sizes);
  const { present, places, ...embeddings } = inputs;
  if (present && head !== 'gated' && head !== 'gated-no-lstm')
    throw new MienError('usage', `the head "${head}" cannot do without a modality`, {
      hint: 'Use "gated".',
    });
  const given = Object.keys(embeddings) as Modality[];
  const ordered = [
    ...MODALITIES.filter((one) => given.includes(one)),
    ...given.filter((one) => !MODALITIES.includes(one)),
  ];
  const projected = ordered.map((modality) => {
    const shared = linear(p, modality, inputs[modality]!, sizes.width);
    const place = places?.[modality];
    return place ? gather(shared, place) : shared;
  });
  const { fused, gate, gates }: Fused = fusions[head]?.(p, projected, sizes, present) ?? {
    fused: projected[ordered.indexOf(head as Modality)]!,
  };
  const representation = head === 'gated-no-lstm' ? fused : oneStep(p, fused, sizes.hidden);
  const logits = linear(p, 'classifier', representation, sizes.labels);
  return { logits, representation, ...defined({ gate, gates }) };
}

/** As `buildHead`; the transformer is its own last layer, where cross-attention is followed by the LSTM. */
function buildStatesHead(
  p: Parameters,
  head: HeadName,
  { tokens, regions }: HeadInputs,
  { hidden, labels, attention = { width: 64, heads: 4, layers: 2 } }: HeadSizes,
): HeadOutputs {
  if (!tokens || !regions)
    throw new MienError('usage', `the head "${head}" reads the states of both text and face`);
  const representation =
    head === 'transformer'
      ? transformer(p, tokens, regions, attention)
      : oneStep(p, crossAttention(p, tokens, regions, attention).fused, hidden);
  return { logits: linear(p, 'classifier', representation, labels), representation };
}

/** The hidden state of an LSTM after its only step: `[batch, width]` → `[batch, hidden]`. */
const oneStep = (p: Parameters, x: Value, hidden: number): Value =>
  lstm(p, 'lstm', reshape(x, [x.shape[0]!, 1, x.shape[1]!]), hidden).hidden;
