// Batch normalisation with the statistics of the batch, alone or followed by SiLU, and its gradient in closed form.
// Source: Ioffe & Szegedy 2015, algorithm 1; running averages as PyTorch's `nn.BatchNorm2d` keeps them.
import { sizeOf } from '../base/tensor.js';
import { staticShape, type Value } from '../graph/builder.js';
import { withGradient } from '../graph/custom-gradient.js';
import { channelAffine } from '../graph/ops/channel-major.js';
import { add, div, mul, neg, reciprocal, sigmoid, silu, sqrt, sub } from '../graph/ops/elementwise.js';
import { reshape } from '../graph/ops/movement.js';
import { mean, sum } from '../graph/ops/reduction.js';

export interface BatchNormOptions {
  readonly epsilon: number;
  /** Applies x · σ(x) to what was normalised. */
  readonly silu: boolean;
}

export interface BatchNormResult {
  /** As x. */
  readonly y: Value;
  readonly statistics: BatchStatistics;
}

/** Statistics of each channel over batch and positions, `[channels]`. */
export interface BatchStatistics {
  readonly mean: Value;
  /** Divided by the number of elements, `count`, not by one less. */
  readonly variance: Value;
  readonly count: number;
}

/**
 * The gradient of SiLU: dy · s · (1 + x − y) with s = σ(x), from its input and output.
 */
export function siluGradient(dy: Value, x: Value, y: Value): Value {
  const part = mul(dy, sigmoid(x));
  return add(part, mul(part, sub(x, y)));
}

/**
 * (x − mean) / sqrt(variance + ε) · scale + shift for each channel of `[channels, …]`; scale and shift are
 * `[channels]`. With z the result before SiLU, N elements a channel, a = scale / sqrt(variance + ε) and
 * p = Σ dz · (x − mean) / sqrt(variance + ε):
 *
 *     dshift = Σ dz    dscale = p    dx = a · (dz − dshift / N − p / N · (x − mean) / sqrt(variance + ε))
 */
export function batchNorm(x: Value, scale: Value, shift: Value, options: BatchNormOptions): BatchNormResult {
  const channels = staticShape(scale.shape)[0]!;
  const count = sizeOf(staticShape(x.shape)) / channels;
  const rows = reshape(x, [channels, count]);
  const average = mean(rows, [1]);
  // One row's mean of squares less the square of its mean would cancel where the mean is large.
  const centred = sub(rows, reshape(average, [channels, 1]));
  const variance = mean(mul(centred, centred), [1]);
  const inverse = reciprocal(sqrt(add(variance, options.epsilon)));
  const factor = mul(scale, inverse);
  const z = channelAffine(rows, factor, sub(shift, mul(average, factor)));
  const y = options.silu ? silu(z) : z;

  const rule = (dy: Value): Value[] => {
    const dz = options.silu ? siluGradient(dy, z, y) : dy;
    const dShift = sum(dz, [1]);
    const dScale = mul(inverse, sub(sum(mul(dz, rows), [1]), mul(average, dShift)));
    const slope = neg(mul(mul(factor, inverse), mul(dScale, 1 / count)));
    const offset = neg(add(mul(factor, mul(dShift, 1 / count)), mul(slope, average)));
    const dx = add(mul(dz, reshape(factor, [channels, 1])), channelAffine(rows, slope, offset));
    return [dx, dScale, dShift];
  };
  return {
    y: reshape(withGradient([rows, scale, shift], y, rule), x.shape),
    statistics: { mean: average, variance, count },
  };
}

/**
 * Running averages after this batch: `momentum` of the batch's statistics, the variance divided by one less than the
 * number of elements, and the rest of the averages before.
 */
export function updateRunning(
  { mean: average, variance, count }: BatchStatistics,
  running: { readonly mean: Value; readonly variance: Value },
  momentum = 0.1,
): { mean: Value; variance: Value } {
  const blend = (before: Value, now: Value): Value => add(mul(before, 1 - momentum), mul(now, momentum));
  return {
    mean: blend(running.mean, average),
    variance: blend(running.variance, div(mul(variance, count), Math.max(count - 1, 1))),
  };
}
