// Layer normalisation, with the statistics that its gradient needs.
import { apply, type Value } from '../builder.js';
import { operator } from '../operator.js';
import { sameShape } from '../shapes.js';
import { mul, sub } from './elementwise.js';
import { mean, sumTo } from './reduction.js';

const LayerNorm = operator<{ epsilon: number }>({
  name: 'LayerNormalization',
  infer: ([x, scale, bias]) => {
    const width = x!.shape.slice(-1);
    if (!sameShape(scale!.shape, width) || !sameShape(bias!.shape, width))
      throw new Error(`scale and bias must have the width ${width.join()} of what they normalise`);
    const statistics = { dtype: x!.dtype, shape: x!.shape.with(-1, 1) };
    return [{ dtype: x!.dtype, shape: x!.shape }, statistics, statistics];
  },
  lower: (inputs, { epsilon }) => ({
    type: 'LayerNormalization',
    inputs,
    attributes: { axis: -1, epsilon: { float: epsilon } },
  }),
  gradient: (dy, { inputs: [x, scale, bias], outputs: [, average, inverse] }) => {
    const normalised = mul(sub(x!, average!), inverse!);
    const scaled = mul(dy, scale!);
    const centred = sub(scaled, mean(scaled, [-1], true));
    const dx = mul(inverse!, sub(centred, mul(normalised, mean(mul(scaled, normalised), [-1], true))));
    return [dx, sumTo(mul(dy, normalised), scale!.shape), sumTo(dy, bias!.shape)];
  },
});
/** (x − mean) / sqrt(variance + ε) · scale + bias over the last axis; scale and bias are `[width]`. */
export const layerNorm = (x: Value, scale: Value, bias: Value, epsilon: number): Value =>
  apply(LayerNorm, [x, scale, bias], { epsilon })[0]!;
