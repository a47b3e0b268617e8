// The optimiser a configuration describes.
import {
  adam,
  adamW,
  chain,
  clipByGlobalNorm,
  cosineSchedule,
  l2Penalty,
  type LearningRate,
  linearSchedule,
  type Optimizer,
  sgd,
} from 'mien-engine';

export interface OptimizerSettings {
  readonly name: 'sgd' | 'adam' | 'adamw';
  readonly learningRate: number;
  /** Of `sgd`. */
  readonly momentum: number;
  /** Of `adam` and `adamw`. */
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Added to the gradient by `sgd` and `adam`, taken from the parameter by `adamw`. */
  readonly weightDecay: number;
  /** Largest norm of all gradients together; null for no limit. */
  readonly clipNorm: number | null;
  readonly schedule: {
    readonly name: 'constant' | 'cosine' | 'linear';
    /** Share of all steps in which the rate rises from zero. */
    readonly warmup: number;
  };
}

/** `steps` is the length of the whole training, which schedules are laid over. */
export function optimizerOf(settings: OptimizerSettings, steps: number): Optimizer {
  const { name, weightDecay, clipNorm } = settings;
  const learningRate = learningRateOf(settings, steps);
  const step =
    name === 'sgd'
      ? sgd({ ...settings, learningRate })
      : name === 'adam'
        ? adam({ ...settings, learningRate })
        : adamW({ ...settings, learningRate });
  return chain(
    ...(clipNorm === null ? [] : [clipByGlobalNorm(clipNorm)]),
    ...(weightDecay > 0 && name !== 'adamw' ? [l2Penalty(weightDecay)] : []),
    step,
  );
}

function learningRateOf({ learningRate: peak, schedule }: OptimizerSettings, steps: number): LearningRate {
  const warmup = Math.round(schedule.warmup * steps);
  if (schedule.name === 'cosine') return cosineSchedule({ peak, warmup, steps });
  if (schedule.name === 'linear') return linearSchedule({ peak, warmup, steps });
  return warmup === 0 ? peak : linearSchedule({ peak, warmup, steps: Infinity });
}
