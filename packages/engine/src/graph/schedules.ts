// Learning rates that change with the step.
import type { Value } from './builder.js';
import { add, cos, maximum, minimum, mul } from './ops/elementwise.js';

export interface ScheduleOptions {
  /** The rate at its highest. */
  readonly peak: number;
  /** Steps from 0 up to the peak, in a straight line. */
  readonly warmup?: number;
  /** Steps in all; the rate then stays at its last value. */
  readonly steps: number;
}

/** min(1, (step + 1) / warm-up) */
const rise = (step: Value, warmup: number): Value | number =>
  warmup > 0 ? minimum(mul(add(step, 1), 1 / warmup), 1) : 1;

/** The part of the way from the end of the warm-up to the last step, 0 to 1. */
const progress = (step: Value, { warmup = 0, steps }: ScheduleOptions): Value =>
  minimum(maximum(mul(add(step, -warmup), 1 / Math.max(1, steps - warmup)), 0), 1);

/** Warm-up, then half a cosine from the peak to 0. */
export const cosineSchedule =
  (options: ScheduleOptions) =>
  (step: Value): Value =>
    mul(
      mul(add(mul(cos(mul(progress(step, options), Math.PI)), 0.5), 0.5), rise(step, options.warmup ?? 0)),
      options.peak,
    );

/** Warm-up, then a straight line from the peak to 0. */
export const linearSchedule =
  (options: ScheduleOptions) =>
  (step: Value): Value =>
    mul(mul(add(mul(progress(step, options), -1), 1), rise(step, options.warmup ?? 0)), options.peak);
