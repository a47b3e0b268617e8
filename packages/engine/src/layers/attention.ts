// Attention between two sequences, and the transformer's layer around it.
import { scoped, staticShape, type Value } from '../graph/builder.js';
import { add, gelu, mul, sub } from '../graph/ops/elementwise.js';
import { linearProduct, matmul } from '../graph/ops/linalg.js';
import { reshape, transpose } from '../graph/ops/movement.js';
import { softmax } from '../graph/ops/reduction.js';
import { normalized } from './layer-norm.js';
import { linear } from './linear.js';
import { uniformInit, type Parameters } from './parameters.js';

/** What an item consists of: tokens, regions, or both. */
export interface Sequence {
  /** `[batch, most, width]` */
  readonly states: Value;
  /** float32 `[batch, most]`: 1, and 0 where an item has no more states; each item has one at least. */
  readonly present: Value;
}

/** Scores of states that are not there are lowered by this much before the softmax. */
const ABSENT = 1e9;

/**
 * Scaled dot-product attention in several heads (Vaswani et al. 2017, section 3.2; PyTorch's `nn.MultiheadAttention`,
 * with its three input projections apart, and none of the keys' biases, which would move all
 * scores of a query alike): what each of `queries` `[batch, n, width]` takes from `memory`,
 * `[batch, n, width]`. Parameters `<name>.query`, `.key`, `.value` and `.output`.
 */
export function attention(
  p: Parameters,
  name: string,
  queries: Value,
  { states, present }: Sequence,
  heads: number,
): Value {
  return scoped(p.graph, name, () => {
    const batch = queries.shape[0]!;
    const [count, width] = staticShape(queries.shape.slice(1)) as [number, number];
    const most = staticShape(states.shape.slice(1))[0]!;
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
 * A transformer's encoder layer, normalised before each part (PyTorch's `nn.TransformerEncoderLayer` with `norm_first`
 * and GELU, without dropout), the inner layer twice as wide. `read` picks those states that are wanted of it; the others
 * are attended to and not computed.
 */
export function transformerLayer(
  p: Parameters,
  name: string,
  { states, present }: Sequence,
  heads: number,
  read: (states: Value) => Value = (all) => all,
): Value {
  return scoped(p.graph, name, () => {
    const width = staticShape(states.shape.slice(-1))[0]!;
    const before = normalized(p, `${name}.norm1`, states);
    const taken = attention(p, `${name}.attention`, read(before), { states: before, present }, heads);
    const attended = add(read(states), taken);
    const inner = gelu(linear(p, `${name}.linear1`, normalized(p, `${name}.norm2`, attended), 2 * width));
    return add(attended, linear(p, `${name}.linear2`, inner, width));
  });
}
