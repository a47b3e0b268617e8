// ONNX Runtime's fused operators for transformers: several passes over memory in one. They have no gradients; models
// use them for inference and the plain operators for training.
import { apply, formatShape, type Value } from '../builder.js';
import { NONE, operator } from '../operator.js';
import { expectRank, sameShape } from '../shapes.js';

const MICROSOFT = 'com.microsoft';

const expectWidth = (x: Value, ...vectors: (Value | undefined)[]): void => {
  for (const vector of vectors)
    if (vector !== undefined && !sameShape(vector.shape, x.shape.slice(-1)))
      throw new Error(`${formatShape(vector.shape)} does not have the width of ${formatShape(x.shape)}`);
};

const SkipLayerNorm = operator<{ epsilon: number }>({
  name: 'SkipLayerNormalization',
  infer: ([x, skip, scale, bias, xBias]) => {
    if (!sameShape(x!.shape, skip!.shape))
      throw new Error(`${formatShape(x!.shape)} and ${formatShape(skip!.shape)} differ`);
    expectWidth(x!, scale, bias, xBias);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  lower: (inputs, { epsilon }) => ({
    type: 'SkipLayerNormalization',
    domain: MICROSOFT,
    inputs,
    attributes: { epsilon: { float: epsilon } },
  }),
});
/** Layer normalisation of x + xBias + skip over the last axis: `[n, t, width]`. */
export const skipLayerNorm = (
  x: Value,
  skip: Value,
  scale: Value,
  bias: Value,
  epsilon: number,
  xBias?: Value,
): Value => apply(SkipLayerNorm, [x, skip, scale, bias, ...(xBias ? [xBias] : [])], { epsilon })[0]!;

const BiasGelu = operator({
  name: 'BiasGelu',
  infer: ([x, bias]) => {
    expectWidth(x!, bias);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  lower: (inputs) => ({ type: 'BiasGelu', domain: MICROSOFT, inputs }),
});
/** Exact GELU of x + bias. */
export const biasGelu = (x: Value, bias: Value): Value => apply(BiasGelu, [x, bias], NONE)[0]!;

const MultiHeadAttention = operator<{ heads: number }>({
  name: 'MultiHeadAttention',
  infer: ([query, key, value, bias, mask], { heads }) => {
    for (const part of [query!, key!, value!]) {
      expectRank(part, 3);
      if (!sameShape(part.shape, query!.shape))
        throw new Error('query, key and value must have the same shape');
    }
    const width = query!.shape[2];
    if (typeof width !== 'number' || width % heads !== 0)
      throw new Error(`${width} features cannot be divided among ${heads} heads`);
    if (bias && !sameShape(bias.shape, [3 * width])) throw new Error(`the bias must be [${3 * width}]`);
    if (mask && (mask.dtype !== 'int32' || !sameShape(mask.shape, query!.shape.slice(0, 2))))
      throw new Error('the mask must be int32 [batch, tokens]');
    return [{ dtype: query!.dtype, shape: query!.shape }];
  },
  lower: (inputs, { heads }) => ({
    type: 'MultiHeadAttention',
    domain: MICROSOFT,
    inputs,
    attributes: { num_heads: heads },
  }),
});

export interface AttentionOptions {
  readonly heads: number;
  /** `[3 · width]`: added to query, key and value. */
  readonly bias?: Value;
  /** int32 `[batch, tokens]`: 0 where a key is padding. */
  readonly mask?: Value | undefined;
}
/** Scaled dot-product attention in heads, of projections `[batch, tokens, width]` without their biases. */
export const multiHeadAttention = (
  query: Value,
  key: Value,
  value: Value,
  { heads, bias, mask }: AttentionOptions,
): Value => apply(MultiHeadAttention, [query, key, value, bias, mask], { heads })[0]!;
