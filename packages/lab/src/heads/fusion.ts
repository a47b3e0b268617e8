// Ways of making one vector of a text embedding and a face embedding, or of any number of modalities; the paper's gate is
// the first.
import {
  add,
  concat,
  constantInit,
  expand,
  linear,
  mul,
  type Parameters,
  reshape,
  scalar,
  scoped,
  type Shape,
  sigmoid,
  softmax,
  sub,
  sum,
  type Value,
} from 'mien-engine';

export interface Fused {
  /** `[batch, width]`; `[batch, 2·width]` for concatenation, `[batch, (narrow + 1)²]` for tensor fusion. */
  readonly fused: Value;
  /** The face's share in each dimension, in (0, 1): `[batch, width]` or `[1, width]`; only where there is a gate. */
  readonly gate?: Value;
  /** Of a gate over three or more modalities the share of each, `[batch, n, width]`. */
  readonly gates?: Value;
}

/**
 * The gate over these embeddings, each `[batch, width]`: of two the paper's, text first, of more, or if some may be missing,
 * a softmax.
 */
export function gatedFusionOf(p: Parameters, embeddings: readonly Value[], present?: Value): Fused {
  const [first, second, ...rest] = embeddings as [Value, Value, ...Value[]];
  return rest.length === 0 && present === undefined
    ? gatedFusion(p, first, second)
    : softmaxGateFusion(p, embeddings, present);
}

/**
 * Gated fusion (paper, section III, "gated fusion"): both embeddings `[batch, width]`,
 *
 *     g = σ(W_g [H_v ; H_t] + b_g)        F = g ⊙ H_v + (1 − g) ⊙ H_t
 *
 * computed as H_t + g ⊙ (H_v − H_t).
 */
export function gatedFusion(p: Parameters, text: Value, face: Value): Fused {
  return scoped(p.graph, 'fusion', () => {
    const gate = sigmoid(linear(p, 'gate', concat([face, text], 1), text.shape[1] as number));
    return { fused: add(mul(gate, sub(face, text)), text), gate };
  });
}

/** Taken from the scores of missing modalities: the exponential of what is left is 0. */
const ABSENT = 1e9;

interface GatedModalities {
  /** `[batch, width]` */
  readonly fused: Value;
  /** Each modality's share in each dimension, `[batch, n, width]`: 1 in all over the modalities. */
  readonly gates: Value;
}

/**
 * Gated fusion of any number of modalities, each `[batch, width]`: in every dimension a softmax over the modalities,
 *
 *     g_m = softmax_m(W_m [H_1 ; … ; H_n] + b_m)        F = Σ_m g_m ⊙ H_m
 *
 * Of two modalities this is the paper's gate: only the difference of their scores counts, so that σ(W_g · + b_g) is the
 * share of the first where W_1 − W_2 = W_g and b_1 − b_2 = b_g.
 *
 * With `present`, `[batch, n]`, 1 where a modality is there and 0 where it is missing, missing ones count as zeros in what
 * the scores are computed from, and the softmax is over the others: their shares are exactly 0. One at least has to be there.
 */
export function softmaxGateFusion(
  p: Parameters,
  embeddings: readonly Value[],
  present?: Value,
): GatedModalities {
  return scoped(p.graph, 'fusion', () => {
    const [batch, width] = embeddings[0]!.shape as [Shape[number], number];
    const n = embeddings.length;
    const byModality = (x: Value): Value => reshape(x, [batch, n, width]);
    const there = present && reshape(present, [batch, n, 1]);
    const side = concat(embeddings, 1);
    const joined = there ? reshape(mul(byModality(side), there), [batch, n * width]) : side;
    const scores = byModality(linear(p, 'gate', joined, n * width));
    const gates = softmax(there ? add(scores, mul(sub(there, 1), ABSENT)) : scores, 1);
    return { fused: sum(mul(gates, byModality(joined)), [1]), gates };
  });
}

/** The other reading of "learnable gating vector": one gate for all inputs, g = σ(v), F as above. */
export function staticGateFusion(p: Parameters, text: Value, face: Value): Fused {
  return scoped(p.graph, 'fusion', () => {
    const gate = sigmoid(p.get('gate.vector', [1, text.shape[1] as number], constantInit(0)));
    return { fused: add(mul(gate, sub(face, text)), text), gate };
  });
}

/**
 * Tensor fusion (the paper's reference [11]: Zadeh et al. 2017, "Tensor fusion network for multimodal sentiment
 * analysis", equation 2): every product of one dimension of the text with one of the face, and each side by itself,
 *
 *     F = [P_t H_t ; 1] ⊗ [P_v H_v ; 1]
 *
 * as a vector of (narrow + 1)² numbers. Both sides are first projected to `narrow` dimensions, since the layer behind
 * it grows with the square of these.
 */
export function tensorFusion(p: Parameters, text: Value, face: Value, narrow: number): Fused {
  return scoped(p.graph, 'fusion', () => {
    const batch = text.shape[0]!;
    const withOne = (name: string, of: Value, shape: Shape): Value => {
      const projected = linear(p, `tensor.${name}`, of, narrow);
      return reshape(concat([projected, expand(scalar(p.graph, 1), [batch, 1])], 1), shape);
    };
    const outer = mul(
      withOne('text', text, [batch, narrow + 1, 1]),
      withOne('face', face, [batch, 1, narrow + 1]),
    );
    return { fused: reshape(outer, [batch, (narrow + 1) ** 2]) };
  });
}

/**
 * Low-rank tensor fusion (Liu et al. 2018, "Efficient low-rank multimodal fusion with modality-specific factors",
 * equation 6): with z each embedding and a 1 appended, the tensor product of both z meets a weight tensor of this rank,
 * which comes to
 *
 *     F = Σ_r (W_t^r [H_t ; 1]) ⊙ (W_v^r [H_v ; 1]) + b
 *
 * A linear layer with a bias is a product with [H ; 1]; one layer holds the factors of all ranks.
 */
export function lowRankFusion(p: Parameters, text: Value, face: Value, rank: number): Fused {
  return scoped(p.graph, 'fusion', () => {
    const [batch, width] = [text.shape[0]!, text.shape[1] as number];
    const factors = (name: string, of: Value): Value => linear(p, `low-rank.${name}`, of, rank * width);
    const products = mul(factors('text', text), factors('face', face));
    const fused = sum(reshape(products, [batch, rank, width]), [1]);
    return { fused: add(fused, p.get('low-rank.bias', [width], constantInit(0))) };
  });
}

/** No gating (paper, Table III): the embeddings side by side, the text's last. */
export const concatenation = (_p: Parameters, embeddings: readonly Value[]): Fused => ({
  fused: concat([...embeddings].reverse(), 1),
});
