// Training of a head: its loss on batches of a table's items, the order of the items, the score that selects the epoch.
import { join } from 'node:path';
import {
  add,
  argMax,
  cast,
  crossEntropy,
  encodeSafetensors,
  equal,
  float32,
  initialize,
  int64,
  mean,
  mul,
  shareCrossEntropy,
  sum,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { writeFileAtomic } from 'mien-engine/node';
import { silentProgress } from 'mien/parts/base';
import { modalitiesOf } from '../heads/heads.js';
import {
  applyHead,
  createPredictionSession,
  headParameters,
  tableTensors,
  tableTypes,
  type FeatureTables,
  type HeadGraphOptions,
  type Items,
  type StateTables,
} from './head-graph.js';
import { train, plannedSteps, type TrainingOptions } from './loop.js';
import { createOptimizer, type OptimizerSettings } from './optimizer.js';
import type { EpochEntry } from './position.js';
import { defineTrainee, type Trainee } from './step.js';

export interface HeadTask extends HeadGraphOptions {
  readonly features: FeatureTables | StateTables;
  /**
   * The items of an epoch in the order they are trained on, the same number in every epoch; a function of the epoch
   * alone, so that trainings resume.
   */
  readonly draw: (epoch: number) => Items;
  readonly validation: Items;
  /** How good logits `[n, labels]` are on the validation items; the epoch with the highest value is kept. */
  readonly select: (logits: Tensor<'float32'>, labels: ArrayLike<number>) => number;
}

export interface HeadTrainingOptions extends Pick<
  TrainingOptions,
  'folder' | 'fingerprint' | 'threads' | 'progress' | 'signal'
> {
  readonly seed: number;
  readonly optimizer: OptimizerSettings;
  readonly epochs: { readonly max: number; readonly patience: number };
  /** As in `TrainingOptions`; 10 by default. */
  readonly checkpointSeconds?: number;
}

/** An epoch of a head's training. */
export interface EpochRecord extends Pick<EpochEntry, 'epoch' | 'loss' | 'accuracy' | 'seconds'> {
  /** Value of `select` on validation. */
  readonly validation: number;
}

export interface TrainedHead {
  /** Parameters of the best epoch. */
  readonly parameters: Tensors;
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
}

/** The parameters of a finished training, in its folder. */
export const HEAD_FILE = 'head.safetensors';

/**
 * Trains a head and returns the parameters of the epoch that was best on validation.
 * @throws MienError as `train` does.
 */
export async function trainHead(task: HeadTask, options: HeadTrainingOptions): Promise<TrainedHead> {
  const { draw, features, validation } = task;
  const { seed, optimizer, epochs, folder, fingerprint, threads, signal, checkpointSeconds = 10 } = options;
  const { progress = silentProgress } = options;
  const items = draw(0).labels.length;
  const planned = { shape: 'batch', steps: Math.ceil(items / task.batchSize), items };
  const plan = () => [planned];
  const prediction = await createPredictionSession(task, threads);
  try {
    const trained = await train(
      {
        epochs: epochs.max,
        weights: initialize(headParameters(task), seed),
        isTrained: () => true,
        optimizer: createOptimizer(optimizer, plannedSteps({ epochs: epochs.max, plan })),
        trainee: () => headTrainee(task),
        plan,
        batches: (epoch) => ({ ...tableTensors(features), ...headBatches(task, draw(epoch)) }),
        validate: async (parameters) => {
          const logits = await prediction.logits(parameters, features, validation);
          return { score: task.select(logits, validation.labels), details: {} };
        },
      },
      {
        patience: epochs.patience,
        folder,
        fingerprint,
        checkpointSeconds,
        threads,
        signal,
        // Heads are trained many at a time: their number is the caller's progress.
        progress: { ...silentProgress, message: (text) => progress.message(text) },
      },
    );
    const { weights: parameters, bestEpoch } = trained;
    if (folder !== undefined) await writeFileAtomic(join(folder, HEAD_FILE), encodeSafetensors(parameters));
    const history = trained.epochs.map(({ epoch, loss, accuracy, score, seconds }): EpochRecord => ({
      epoch,
      loss,
      accuracy,
      validation: score,
      seconds,
    }));
    return { parameters, bestEpoch, history };
  } finally {
    await prediction.dispose();
  }
}

/** The head and its loss on batches of items. */
export function headTrainee(options: HeadGraphOptions): Trainee {
  const { head, modalities, batchSize, gateGuidance = 0 } = options;
  const int64s = { dtype: 'int64', shape: [batchSize] } as const;
  const float32s = { dtype: 'float32', shape: [batchSize] } as const;
  return defineTrainee({
    batch: {
      ...Object.fromEntries(modalitiesOf(head, modalities).map((modality) => [modality, int64s])),
      labels: int64s,
      weights: float32s,
      ...(isGuided(options) ? { gate: float32s } : {}),
    },
    tables: tableTypes(options),
    build: (p, inputs) => {
      const { logits, gate } = applyHead(p, options, inputs);
      const { labels, weights, gate: guide } = inputs;
      const entropy = crossEntropy(logits, labels, weights);
      const guidance = gate && guide && shareCrossEntropy(mean(gate, [1]), guide, weights);
      return {
        loss: guidance ? add(entropy, mul(guidance, gateGuidance)) : entropy,
        hits: sum(mul(cast(equal(argMax(logits), labels), 'float32'), weights)),
      };
    },
  });
}

/** The gate of two modalities can be guided: an item states one share. */
const isGuided = ({ head, modalities, gateGuidance = 0 }: HeadGraphOptions): boolean =>
  gateGuidance > 0 &&
  modalitiesOf(head, modalities).length === 2 &&
  (head === 'gated' || head === 'gated-no-lstm');

/**
 * Batches of items, `[steps, batch size]`; the last one is padded with item 0 at weight 0, so that every item counts
 * once.
 */
export function headBatches(options: HeadGraphOptions, items: Items): Tensors {
  const { batchSize, head, modalities } = options;
  const n = items.labels.length;
  const shape = [Math.ceil(n / batchSize), batchSize] as const;
  const size = shape[0] * batchSize;
  const padded = (values: ArrayLike<number>) =>
    int64(
      shape,
      Array.from({ length: size }, (_, i) => values[i < n ? i : 0]!),
    );
  const shares = new Float32Array(size).fill(0.5);
  if (items.gate) shares.set(Array.from(items.gate));
  return {
    ...Object.fromEntries(
      modalitiesOf(head, modalities).map((modality) => [modality, padded(items[modality]!)]),
    ),
    labels: padded(items.labels),
    weights: float32(shape, new Float32Array(size).fill(1, 0, n)),
    ...(isGuided(options) ? { gate: float32(shape, shares) } : {}),
  };
}
