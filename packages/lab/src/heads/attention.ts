// Fusion of all tokens of a text with all regions of a face, where other heads see one vector of each.
import {
  add,
  attention,
  concat,
  constant,
  constantInit,
  div,
  expand,
  float32,
  linear,
  mul,
  normalInit,
  normalized,
  type Parameters,
  reshape,
  scoped,
  type Sequence,
  slice,
  sum,
  transformerLayer,
  type Value,
} from 'mien-engine';
import type { Fused } from './fusion.js';

export interface AttentionSizes {
  /** Width that tokens and regions are projected to; a multiple of `heads`. */
  readonly width: number;
  readonly heads: number;
  /** Layers of the transformer. */
  readonly layers: number;
}

/** Tokens and regions in one width; regions learn where they are, as tokens know from their encoder. */
function projected(p: Parameters, tokens: Sequence, regions: Sequence, width: number): [Sequence, Sequence] {
  const places = p.get('regions.position', [regions.states.shape[1] as number, width], normalInit(0.02));
  return [
    { ...tokens, states: linear(p, 'text', tokens.states, width) },
    { ...regions, states: add(linear(p, 'face', regions.states, width), places) },
  ];
}

/** Mean over the states that are there: `[batch, most, width]` → `[batch, width]`. */
function meanState({ states, present }: Sequence): Value {
  const weights = reshape(present, [...present.shape, 1]);
  return div(sum(mul(states, weights), [1]), sum(present, [1], true));
}

/**
 * Cross-attention (the co-attention of Lu et al. 2019, "ViLBERT", one layer): tokens attend to regions and regions to
 * tokens, each adds what it took and is normalised; the means of both stand side by side, `[batch, 2·width]`.
 */
export function crossAttention(
  p: Parameters,
  tokens: Sequence,
  regions: Sequence,
  { width, heads }: AttentionSizes,
): Fused {
  return scoped(p.graph, 'fusion', () => {
    const [text, face] = projected(p, tokens, regions, width);
    const joined = (name: string, from: Sequence, to: Sequence): Value => {
      const taken = attention(p, name, from.states, to, heads);
      return meanState({ ...from, states: normalized(p, `${name}.norm`, add(from.states, taken)) });
    };
    return { fused: concat([joined('face-to-text', face, text), joined('text-to-face', text, face)], 1) };
  });
}

/**
 * A transformer over a class token, all tokens and all regions, each with an embedding of its modality (as in Kim et al.
 * 2021, "ViLT"): the last state of the class token, normalised, `[batch, width]`.
 */
export function transformer(
  p: Parameters,
  tokens: Sequence,
  regions: Sequence,
  { width, heads, layers }: AttentionSizes,
): Value {
  return scoped(p.graph, 'fusion', () => {
    const [text, face] = projected(p, tokens, regions, width);
    const batch = tokens.present.shape[0]!;
    const kind = (name: string): Value => p.get(`modality.${name}`, [1, width], normalInit(0.02));
    const first = expand(p.get('class', [1, 1, width], constantInit(0)), [batch, 1, width]);
    const there = expand(constant(p.graph, float32([1, 1], [1])), [batch, 1]);
    let states = concat([first, add(text.states, kind('text')), add(face.states, kind('face'))], 1);
    const present = concat([there, tokens.present, regions.present], 1);
    const ofClass = (all: Value): Value => slice(all, 1, 0, 1);
    for (let i = 0; i < layers; i++) {
      const read = i === layers - 1 ? ofClass : undefined;
      states = transformerLayer(p, `layers.${i}`, { states, present }, heads, read);
    }
    return normalized(p, 'norm', reshape(states, [batch, width]));
  });
}
