// The layers of a transformer: linear, layer normalisation, attention, and the encoder layer built from them.
import { scoped, type Value } from '../graph/graph.js';
import { add, gelu, mul, sub } from '../graph/ops/elementwise.js';
import { layerNorm } from '../graph/ops/fused.js';
import { linearProduct, matmul } from '../graph/ops/linalg.js';
import { reshape, transpose } from '../graph/ops/movement.js';
import { softmax } from '../graph/ops/reduction.js';
import { dimOf, sizeAlong } from '../graph/shapes.js';
import { constantInit, uniformInit, type Parameters } from './parameters.js';

/**
 * x · Wᵀ + b: `[..., in]` → `[..., width]`, parameters `<name>.weight` `[width, in]` and `<name>.bias` `[width]`,
 * initially uniform in ±1/√in (PyTorch's `nn.Linear`).
 */
export function linear(p: Parameters, name: string, x: Value, width: number): Value {
  return scoped(p.graph, name, () => {
    const substitute = p.linear?.(name, x);
    if (substitute) return substitute;
    const inner = sizeAlong(x, -1);
    const init = uniformInit(1 / Math.sqrt(inner));
    const weight = p.get(`${name}.weight`, [width, inner], init);
    return linearProduct(x, weight, p.get(`${name}.bias`, [width], init));
  });
}

/** Over the last axis, parameters `<name>.weight` and `<name>.bias` `[width]` (PyTorch's `nn.LayerNorm`). */
export function normalized(p: Parameters, name: string, x: Value, epsilon = 1e-5): Value {
  const width = sizeAlong(x, -1);
  const scale = p.get(`${name}.weight`, [width], constantInit(1));
  return layerNorm(x, scale, p.get(`${name}.bias`, [width], constantInit(0)), epsilon);
}

/** The states of each item: of tokens, of regions, or of both. */
export interface Sequence {
  /** `[batch, most, width]` */
  readonly states: Value;
  /** float32 `[batch, most]`: 1 for a state, 0 for padding; each item has at least one state. */
  readonly present: Value;
}

/** Subtracted from the scores of padding before the softmax. */
const ABSENT = 1e9;

/**
 * Multi-head scaled dot-product attention (Vaswani et al. 2017, section 3.2): `queries` `[batch, n, width]` attend to the
 * states of a sequence, `[batch, n, width]`. Parameters `<name>.query`, `.key`, `.value` and `.output`. As PyTorch's
 * `nn.MultiheadAttention` with separate input projections, but without the keys' bias, which would shift all scores of a
 * query equally.
 */
export function attention(
  p: Parameters,
  name: string,
  queries: Value,
  { states, present }: Sequence,
  heads: number,
): Value {
  return scoped(p.graph, name, () => {
    const batch = dimOf(queries, 0);
    const [count, width] = [sizeAlong(queries, 1), sizeAlong(queries, 2)];
    const most = sizeAlong(states, 1);
    const split = (x: Value, length: number, order: readonly number[]): Value =>
      transpose(reshape(x, [batch, length, heads, width / heads]), order);
    const query = split(linear(p, `${name}.query`, queries, width), count, [0, 2, 1, 3]);
    const keys = p.get(`${name}.key.weight`, [width, width], uniformInit(1 / Math.sqrt(width)));
    const key = split(linearProduct(states, keys), most, [0, 2, 3, 1]);
    const value = split(linear(p, `${name}.value`, states, width), most, [0, 2, 1, 3]);
    const scores = mul(matmul(query, key), 1 / Math.sqrt(width / heads));
    const masked = add(scores, mul(sub(reshape(present, [batch, 1, 1, most]), 1), ABSENT));
    const context = transpose(matmul(softmax(masked), value), [0, 2, 1, 3]);
    return linear(p, `${name}.output`, reshape(context, [batch, count, width]), width);
  });
}

/**
 * A transformer's encoder layer with pre-normalisation, GELU and an inner layer twice as wide (PyTorch's
 * `nn.TransformerEncoderLayer` with `norm_first`, without dropout). `read` selects the states to compute; the others are
 * only attended to.
 */
export function transformerLayer(
  p: Parameters,
  name: string,
  { states, present }: Sequence,
  heads: number,
  read: (states: Value) => Value = (all) => all,
): Value {
  return scoped(p.graph, name, () => {
    const width = sizeAlong(states, -1);
    const before = normalized(p, `${name}.norm1`, states);
    const context = attention(p, `${name}.attention`, read(before), { states: before, present }, heads);
    const attended = add(read(states), context);
    const inner = gelu(linear(p, `${name}.linear1`, normalized(p, `${name}.norm2`, attended), 2 * width));
    return add(attended, linear(p, `${name}.linear2`, inner, width));
  });
}
