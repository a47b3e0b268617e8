// Dropout and stochastic depth. Their randomness is integer arithmetic in the graph on one seed a step, because ONNX
// Runtime's own random operators keep state in the session and differ between its builds.
import { randomStream } from '../base/random.js';
import { int32 } from '../base/tensor.js';
import { constant, staticShape, type Value } from '../graph/builder.js';
import { add, less, mul, where } from '../graph/ops/elementwise.js';
import { reshape } from '../graph/ops/movement.js';

export interface Noise {
  /** int32 scalar; another one in every step. */
  readonly seed: Value;
  /** Where the noise is used: places of different names receive independent noise from the same seed. */
  readonly place: string;
}

/** x · (2x + 1) modulo 2³²: a permutation whose upper bits depend on all bits (RC6, Rivest et al. 1998). */
const scramble = (x: Value): Value => mul(x, add(add(x, x), 1));

/**
 * Pseudo-random int32 of this shape, uniform over all 2³² in their upper bits: h(r) with r the sum of one random
 * number for each index along each axis. Only three passes run over all elements.
 */
export function noise(shape: readonly number[], { seed, place }: Noise): Value {
  const { graph } = seed;
  const along = (axis: number): Value => {
    const draw = randomStream(0, `noise ${place}`, axis);
    const numbers = (): Value =>
      constant(
        graph,
        int32(
          [shape[axis]!],
          Int32Array.from({ length: shape[axis]! }, () => draw.uint32() | 0),
        ),
      );
    const mixed = scramble(add(scramble(add(numbers(), seed)), numbers()));
    return reshape(
      mixed,
      shape.map((size, i) => (i === axis ? size : 1)),
    );
  };
  const last = along(shape.length - 1);
  if (shape.length === 1) return scramble(last);
  const rest = shape
    .slice(0, -1)
    .map((_, axis) => along(axis))
    .reduce((a, b) => add(a, b));
  const doubled = add(add(rest, rest), 1);
  return mul(add(rest, last), add(doubled, add(last, last)));
}

/** Where noise lies below this, its share of all numbers is `share`. */
const threshold = (share: number): number => Math.min(Math.round(share * 2 ** 32) - 2 ** 31, 2 ** 31 - 1);

/**
 * Sets each element to zero with probability `rate` and divides the others by 1 − rate (Srivastava et al. 2014).
 */
export function dropout(x: Value, rate: number, source: Noise): Value {
  if (rate === 0) return x;
  const kept = less(noise(staticShape(x.shape), source), threshold(1 - rate));
  return where(kept, mul(x, 1 / (1 - rate)), 0);
}

/**
 * Stochastic depth (Huang et al. 2016): the branch of a residual block, in channel-major layout `[channels, n, …]`,
 * is zero for an item with probability `rate` and divided by 1 − rate for the others.
 */
export function dropPath(x: Value, rate: number, source: Noise): Value {
  if (rate === 0) return x;
  const batch = staticShape(x.shape)[1]!;
  const kept = less(noise([batch], source), threshold(1 - rate));
  const factor = where(kept, 1 / (1 - rate), 0);
  return mul(x, reshape(factor, [batch, ...x.shape.slice(2).map(() => 1)]));
}
