// Dropout and stochastic depth. Their randomness is integer arithmetic in the graph from one seed per step, because ONNX
// Runtime's own random operators keep state in the session and differ between its builds.
import { randomStream } from '../base/random.js';
import { int32 } from '../base/tensor.js';
import { constant, staticShape, type Value } from '../graph/graph.js';
import { add, cast, less, mul, where } from '../graph/ops/elementwise.js';
import { reshape } from '../graph/ops/movement.js';
import { sizeAlong } from '../graph/shapes.js';

export interface Noise {
  /** int32 scalar, different in every step. */
  readonly seed: Value;
  /** Where the noise is used: different places receive independent noise from the same seed. */
  readonly place: string;
}

/** x · (2x + 1) modulo 2³²: a permutation whose upper bits depend on all bits (RC6, Rivest et al. 1998). */
const scramble = (x: Value): Value => mul(x, add(add(x, x), 1));

/**
 * Pseudo-random int32 of this shape, uniform in their upper bits: h(r), where r is the sum of one random number for each
 * index along each axis. Only three passes run over all elements.
 */
export function noise(shape: readonly number[], { seed, place }: Noise): Value {
  const { graph } = seed;
  const along = (length: number, axis: number): Value => {
    const draw = randomStream(0, `noise ${place}`, axis);
    const numbers = (): Value =>
      constant(
        graph,
        int32(
          [length],
          Int32Array.from({ length }, () => draw.uint32() | 0),
        ),
      );
    const mixed = scramble(add(scramble(add(numbers(), seed)), numbers()));
    return reshape(
      mixed,
      shape.map((size, i) => (i === axis ? size : 1)),
    );
  };
  const leading = shape.slice(0, -1);
  const last = along(shape.at(-1) ?? 1, leading.length);
  if (leading.length === 0) return scramble(last);
  const rest = leading.map(along).reduce((a, b) => add(a, b));
  const doubled = add(add(rest, rest), 1);
  return mul(add(rest, last), add(doubled, add(last, last)));
}

/** Noise is below this with probability `share`. */
const threshold = (share: number): number => Math.min(Math.round(share * 2 ** 32) - 2 ** 31, 2 ** 31 - 1);

/**
 * Sets each element to zero with probability `rate` and divides the others by 1 − rate (Srivastava et al. 2014).
 */
export function dropout(x: Value, rate: number, source: Noise): Value {
  if (rate === 0) return x;
  const kept = less(noise(staticShape(x.shape), source), threshold(1 - rate));
  // One factor for both passes: Where would take longer in each.
  return mul(x, mul(cast(kept, 'float32'), 1 / (1 - rate)));
}

/**
 * Stochastic depth (Huang et al. 2016): sets the branch of a residual block, in channel-major layout `[channels, n, …]`,
 * to zero for each item with probability `rate` and divides it by 1 − rate for the others.
 */
export function dropPath(x: Value, rate: number, source: Noise): Value {
  if (rate === 0) return x;
  const batch = sizeAlong(x, 1);
  const kept = less(noise([batch], source), threshold(1 - rate));
  const factor = where(kept, 1 / (1 - rate), 0);
  return mul(x, reshape(factor, [batch, ...x.shape.slice(2).map(() => 1)]));
}
