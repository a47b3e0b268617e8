// The LSTM layer, for one or more time steps.
import { scoped, staticShape, type Value } from '../graph/graph.js';
import { add, mul, sigmoid, tanh } from '../graph/ops/elementwise.js';
import { gemm, linearProduct } from '../graph/ops/linalg.js';
import { concat, reshape, slice, split } from '../graph/ops/movement.js';
import { dimsOf } from '../graph/shapes.js';
import { uniformInit, type Parameters } from './parameters.js';

export interface LstmResult {
  /** Hidden state after every step, `[batch, steps, hidden]`. */
  readonly output: Value;
  /** Hidden state after the last step, `[batch, hidden]`. */
  readonly hidden: Value;
  /** Cell state after the last step, `[batch, hidden]`. */
  readonly cell: Value;
}

/**
 * A long short-term memory over `[batch, steps, in]` with zero initial states (PyTorch's `nn.LSTM`, one layer):
 *
 *     i, f, o = σ(W_· x + b_· + U_· h)      g = tanh(W_g x + b_g + U_g h)
 *     c ← f ⊙ c + i ⊙ g                     h ← o ⊙ tanh(c)
 *
 * Parameters have PyTorch's names and gate order i, f, g, o: `weight_ih_l0` `[4·hidden, in]`, `weight_hh_l0`
 * `[4·hidden, hidden]`, `bias_ih_l0` and `bias_hh_l0` `[4·hidden]`.
 *
 * With a single step h and c are zero, so that U and the forget gate cannot affect the output and would receive no
 * gradient. They are then not allocated: `weight_hh_l0` does not exist, and the other parameters hold the gates i, g, o
 * only (`[3·hidden, …]`).
 */
export function lstm(p: Parameters, name: string, x: Value, hidden: number): LstmResult {
  return scoped(p.graph, name, () => {
    const [batch, ...rest] = dimsOf(x, 3);
    const [steps, inner] = staticShape(rest);
    const init = uniformInit(1 / Math.sqrt(hidden));
    const gates = steps === 1 ? 3 : 4;
    const weight = p.get(`${name}.weight_ih_l0`, [gates * hidden, inner], init);
    const bias = add(
      p.get(`${name}.bias_ih_l0`, [gates * hidden], init),
      p.get(`${name}.bias_hh_l0`, [gates * hidden], init),
    );
    if (steps === 1) {
      const projected = linearProduct(reshape(x, [batch, inner]), weight, bias);
      const [i, g, o] = split(projected, [hidden, hidden, hidden], 1) as [Value, Value, Value];
      const cell = mul(sigmoid(i), tanh(g));
      const last = mul(sigmoid(o), tanh(cell));
      return { output: reshape(last, [batch, 1, hidden]), hidden: last, cell };
    }

    const recurrent = p.get(`${name}.weight_hh_l0`, [4 * hidden, hidden], init);
    const outputs: Value[] = [];
    let h: Value | undefined;
    let c: Value | undefined;
    for (let step = 0; step < steps; step++) {
      const current = reshape(slice(x, 1, step, step + 1), [batch, inner]);
      const fromInput = gemm(current, weight, { transB: true, add: bias });
      const projected = h ? gemm(h, recurrent, { transB: true, add: fromInput }) : fromInput;
      const [i, f, g, o] = split(projected, [hidden, hidden, hidden, hidden], 1) as [
        Value,
        Value,
        Value,
        Value,
      ];
      const candidate = mul(sigmoid(i), tanh(g));
      c = c ? add(mul(sigmoid(f), c), candidate) : candidate;
      h = mul(sigmoid(o), tanh(c));
      outputs.push(reshape(h, [batch, 1, hidden]));
    }
    return { output: concat(outputs, 1), hidden: h!, cell: c! };
  });
}
