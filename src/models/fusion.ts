// Ways of making one vector of a text embedding and a face embedding; the paper's gate is the first.
import { scoped, type Value } from '../graph/builder.js';
import { add, mul, sigmoid, sub } from '../graph/ops/elementwise.js';
import { concat } from '../graph/ops/movement.js';
import { linear } from '../nn/linear.js';
import { constantInit, type Parameters } from '../nn/parameters.js';

export interface Fused {
  /** `[batch, width]`, or `[batch, 2·width]` for concatenation. */
  readonly fused: Value;
  /** The face's share in each dimension, in (0, 1): `[batch, width]` or `[1, width]`; only where there is a gate. */
  readonly gate?: Value;
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

/** The other reading of "learnable gating vector": one gate for all inputs, g = σ(v), F as above. */
export function staticGateFusion(p: Parameters, text: Value, face: Value): Fused {
  return scoped(p.graph, 'fusion', () => {
    const gate = sigmoid(p.get('gate.vector', [1, text.shape[1] as number], constantInit(0)));
    return { fused: add(mul(gate, sub(face, text)), text), gate };
  });
}

/** No gating (paper, Table III): the two embeddings side by side. */
export const concatenation = (_p: Parameters, text: Value, face: Value): Fused => ({
  fused: concat([face, text], 1),
});
