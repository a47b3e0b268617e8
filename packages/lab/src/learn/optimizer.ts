// The optimiser of an encoder in training: AdamW with warm-up and half a cosine, a rate of its own for the classifier,
// and less for earlier parts.
import { adamW, chain, clipByGlobalNorm, cosineSchedule, type Optimizer, packed } from 'mien-engine';
import type { FaceLearnSettings } from './settings.js';

export interface Groups {
  /** The encoder's parts in order. */
  readonly parts: readonly string[];
  /** The part a weight belongs to; undefined for the classifier. */
  readonly partOf: (name: string) => string | undefined;
  /** Whether weight decay applies: to kernels and matrices, not to scales, shifts and biases. */
  readonly decays: (name: string) => boolean;
}

/** `steps` is the length of the whole training. */
export function learnOptimizer(
  settings: FaceLearnSettings['optimizer'],
  { parts, partOf, decays }: Groups,
  steps: number,
): Optimizer {
  const { learningRate: peak, headRate, layerDecay, clipNorm, warmup, ...rest } = settings;
  const rateOf = (name: string): number => {
    const part = partOf(name);
    return part === undefined ? headRate : layerDecay ** (parts.length - 1 - parts.indexOf(part));
  };
  const optimizer = chain(
    ...(clipNorm === null ? [] : [clipByGlobalNorm(clipNorm)]),
    adamW({
      ...rest,
      learningRate: cosineSchedule({ peak, warmup: Math.round(warmup * steps), steps }),
      rateOf,
      decays,
    }),
  );
  return packed(optimizer, (name) => `${rateOf(name)} ${decays(name)}`);
}
