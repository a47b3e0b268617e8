// x + s · y in one pass over memory. Most of an optimiser's step has this form, and its time is that of its passes.
import { formatShape, apply, innermost, scalar, type Value } from '../builder.js';
import { NONE, operator } from '../operator.js';
import { expectDType, sameShape } from '../shapes.js';
import { add, mul, type Operand } from './elementwise.js';
import { expand } from './movement.js';
import { sum } from './reduction.js';

/** x + y ⊙ gate, one gate a row; rounds the product first, as a product and a sum would. */
const GatedAdd = operator({
  name: 'GatedAdd',
  infer: ([x, y, gate]) => {
    for (const operand of [x!, y!, gate!]) expectDType(operand, 'float32');
    if (!sameShape(x!.shape, y!.shape) || !sameShape(gate!.shape, [...x!.shape.slice(0, -1), 1]))
      throw new Error(
        `${formatShape(y!.shape)} and gates ${formatShape(gate!.shape)} do not fit ${formatShape(x!.shape)}`,
      );
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  lower: (inputs) => ({ type: 'GatedAdd', domain: 'com.microsoft', inputs }),
  gradient: (dy, { inputs: [, y, gate] }) => [dy, mul(dy, gate!), sum(mul(dy, y!), [-1], true)],
});

/** The operator goes row by row: with shorter rows than this it is no faster than a product and a sum. */
const SHORTEST_ROW = 16;

/** x + s · y for x and y of one shape and a scalar s. */
export function addScaled(x: Value, y: Value, s: Operand): Value {
  const row = x.shape.at(-1);
  if (typeof row !== 'number' || row < SHORTEST_ROW) return add(x, mul(y, s));
  const factor = typeof s === 'number' ? scalar(innermost([x, y]), s) : s;
  return apply(GatedAdd, [x, y, expand(factor, [...x.shape.slice(0, -1), 1])], NONE)[0]!;
}
