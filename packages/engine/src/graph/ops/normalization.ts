// Layer normalisation, with the statistics that its gradient needs.
import { apply, staticShape, type Value } from '../builder.js';
import { operator } from '../operator.js';
import { expectDType, sameShape } from '../shapes.js';
import { add, mul, sub } from './elementwise.js';
import { expand } from './movement.js';
import { mean } from './reduction.js';

const LayerNorm = operator<{ epsilon: number }>({
  name: 'LayerNormalization',
  infer: ([x, scale, bias]) => {
    for (const value of [x!, scale!, bias!]) expectDType(value, 'float32');
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
  gradient: (_dy, { inputs: [x, scale], outputs: [, average, inverse] }, [dy, dAverage, dInverse]) => {
    const count = staticShape(scale!.shape)[0]!;
    const normalised = mul(sub(x!, average!), inverse!);
    const dx: Value[] = [];
    if (dy) {
      const scaled = mul(dy, scale!);
      const centred = sub(scaled, mean(scaled, [-1], true));
      dx.push(mul(inverse!, sub(centred, mul(normalised, mean(mul(scaled, normalised), [-1], true)))));
    }
    // The gradient above uses the statistics, so that gradients of gradients reach them too.
    if (dAverage) dx.push(expand(mul(dAverage, 1 / count), x!.shape));
    if (dInverse) dx.push(mul(mul(dInverse, mul(inverse!, inverse!)), mul(normalised, -1 / count)));
    return [dx.reduce((a, b) => add(a, b)), dy && mul(dy, normalised), dy];
  },
});
/** (x − mean) / sqrt(variance + ε) · scale + bias over the last axis; scale and bias are `[width]`. */
export const layerNorm = (x: Value, scale: Value, bias: Value, epsilon: number): Value =>
  apply(LayerNorm, [x, scale, bias], { epsilon })[0]!;
