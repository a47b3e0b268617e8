// The optimiser that settings describe, of heads and of encoders.
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
  packed,
  sgd,
} from 'mien-engine';

export interface OptimizerSettings {
  readonly name: 'sgd' | 'adam' | 'adamw';
  readonly learningRate: number;
  /** Of `sgd`. */
  readonly momentum?: number;
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

/** Differences between parameters; of `adamw`. */
export interface ParameterGroups {
  /** Learning rate of a parameter, relative to the common one. */
  readonly rateOf: (name: string) => number;
  /** Whether weight decay applies: to kernels and matrices, not to scales, shifts and biases. */
  readonly decays: (name: string) => boolean;
}

/**
 * `steps` is the length of the whole training, over which the schedule is laid. Parameters in groups are those of a
 * network with hundreds of scales and biases, which are packed.
 */
export function createOptimizer(
  settings: OptimizerSettings,
  steps: number,
  groups?: ParameterGroups,
): Optimizer {
  const { name, weightDecay, clipNorm } = settings;
  const options = { ...settings, ...groups, learningRate: learningRateOf(settings, steps) };
  const optimizer = chain(
    ...(clipNorm === null ? [] : [clipByGlobalNorm(clipNorm)]),
    ...(weightDecay > 0 && name !== 'adamw' ? [l2Penalty(weightDecay)] : []),
    { sgd, adam, adamw: adamW }[name](options),
  );
  if (groups === undefined) return optimizer;
  return packed(optimizer, (name) => `${groups.rateOf(name)} ${groups.decays(name)}`);
}

function learningRateOf({ learningRate: peak, schedule }: OptimizerSettings, steps: number): LearningRate {
  const warmup = Math.round(schedule.warmup * steps);
  if (schedule.name === 'cosine') return cosineSchedule({ peak, warmup, steps });
  if (schedule.name === 'linear') return linearSchedule({ peak, warmup, steps });
  return warmup === 0 ? peak : linearSchedule({ peak, warmup, steps: Infinity });
}

/** The parts of an encoder, for rates that fall from part to part towards its input. */
export interface EncoderParts {
  /** In order, from the input. */
  readonly parts: readonly string[];
  /** The part a weight belongs to; undefined for the classifier. */
  readonly partOf: (name: string) => string | undefined;
}

/** The classifier's rate is `headRate`, the last part's 1, and each earlier part's `layerDecay` times that of the next. */
export const ratesByPart =
  (
    { parts, partOf }: EncoderParts,
    { headRate, layerDecay }: { readonly headRate: number; readonly layerDecay: number },
  ) =>
  (name: string): number => {
    const part = partOf(name);
    return part === undefined ? headRate : layerDecay ** (parts.length - 1 - parts.indexOf(part));
  };
