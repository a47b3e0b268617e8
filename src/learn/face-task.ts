// Learning from faces: which images an epoch meets, how they are augmented, and how weights do on validation.
import { MienError } from '../base/errors.js';
import { randomStream } from '../base/random.js';
import { float32, int64, tensor, type Tensors } from '../base/tensor.js';
import { isTrainedFrom, trainableParts } from '../encoders/efficientnet-training.js';
import type { DecodedImage } from '../encoders/encoder.js';
import type { EfficientNetConfig } from '../encoders/efficientnet-blocks.js';
import { argmax, scores } from '../evaluate/scores.js';
import { isClassifier } from './classifier.js';
import { drawAugmentation, drawnTensors, stepSeeds } from './augmentation.js';
import { drawBeta, epochOrder, labelWeights, targetsOf } from './draws.js';
import type { KeptImages } from './face-images.js';
import { faceClassifier, faceTrainee, type FaceModel } from './face-model.js';
import { plannedSteps, type LearnTask, type PlannedRun, type Validation } from './loop.js';
import { learnOptimizer, type Groups } from './optimizer.js';
import type { FaceLearnSettings } from './settings.js';
import type { Teacher } from './teacher.js';

export interface FaceTrainingSet {
  readonly images: KeptImages;
  /** Of each image: its label's index and its data set. */
  readonly labels: Uint8Array;
  readonly datasets: readonly string[];
  /** What a teacher says of each image, `[n, classes]`; replaces the smoothed label by its share. */
  readonly teacher?: Teacher;
}

export interface FaceValidationSet {
  readonly images: readonly DecodedImage[];
  readonly labels: Uint8Array;
  readonly datasets: readonly string[];
}

/** How often an image of a set is met in an epoch, on average; once where the settings do not say. */
export const repeatsOf = ({ repeat }: FaceLearnSettings, dataset: string): number =>
  (repeat as Readonly<Record<string, number>>)[dataset] ?? 1;

/** Everything that training faces needs, from the model's first weights to validation. */
export function faceTask(
  model: FaceModel,
  weights: Tensors,
  settings: FaceLearnSettings,
  training: FaceTrainingSet,
  validation: FaceValidationSet,
  threads?: number,
): LearnTask {
  const { batchSize, stepsPerRun, phases, seed, from } = settings;
  const { classes } = model;
  const repeats = training.datasets.map((name) => repeatsOf(settings, name));
  const itemWeights = labelWeights(training.labels, classes, settings.balance);
  const epochs = phases.reduce((sum, phase) => sum + phase.epochs, 0);
  const sizeOf = (epoch: number): number => {
    let end = 0;
    return phases.find((phase) => epoch < (end += phase.epochs))!.size;
  };
  const steps = Math.floor(repeats.reduce((sum, times) => sum + times, 0) / batchSize);
  if (steps < 1)
    throw new MienError('data', `${training.images.count} images are fewer than a batch of ${batchSize}`, {
      hint: 'Set batchSize lower.',
    });
  const plan = (epoch: number): PlannedRun[] =>
    Array.from({ length: Math.ceil(steps / stepsPerRun) }, (_, i) => ({
      shape: String(sizeOf(epoch)),
      steps: Math.min(stepsPerRun, steps - i * stepsPerRun),
    }));
  let order: { epoch: number; items: Int32Array } | undefined;
  const itemsOf = (epoch: number): Int32Array => {
    if (order?.epoch !== epoch) order = { epoch, items: epochOrder(repeats, seed, epoch) };
    return order.items;
  };

  const targetOf = targetsOf(training.labels, classes, settings.labelSmoothing, training.teacher);

  const batches = (epoch: number, run: number): Tensors => {
    const { steps: count } = plan(epoch)[run]!;
    const start = run * stepsPerRun * batchSize;
    const items = itemsOf(epoch);
    const n = count * batchSize;
    const bytes = 3 * training.images.size ** 2;
    const pixels = new Uint8Array(n * bytes);
    const targets = new Float32Array(n * classes);
    const itemWeight = new Float32Array(n);
    const drawn = Array.from({ length: n }, (_, i) => {
      // Where repeats are no whole numbers, an epoch may be a few items short: it begins again.
      const place = (start + i) % items.length;
      const item = items[place]!;
      training.images.copy(item, pixels, i * bytes);
      targets.set(targetOf(item), i * classes);
      itemWeight[i] = itemWeights[training.labels[item]!]!;
      const draw = randomStream(seed, `learn augmentation ${epoch}`, start + i);
      return drawAugmentation(draw, settings.augmentation, model.input);
    });
    const { size } = training.images;
    const mix =
      settings.mixup > 0 ? mixBatches(targets, count, batchSize, classes, settings, epoch, run) : {};
    return {
      pixels: tensor('uint8', [count, batchSize, 3, size, size], pixels),
      targets: float32([count, batchSize, classes], targets),
      weights: float32([count, batchSize], itemWeight),
      seed: stepSeeds(randomStream(seed, `learn noise ${epoch}`, run), count),
      ...drawnTensors(drawn, [count, batchSize]),
      ...mix,
    };
  };

  const validate = async (now: Tensors, epoch: number): Promise<Validation> => {
    const input = { ...model.input, size: sizeOf(epoch) };
    const classifier = await faceClassifier({ ...model, input }, now, { threads });
    try {
      return scoreBySet(await classifier.logits(validation.images), validation, classes);
    } finally {
      await classifier.dispose();
    }
  };

  const total = plannedSteps({ epochs, plan });
  return {
    ...{ epochs, batchSize, weights, plan, batches, validate, averageDecay: settings.averageDecay },
    isTrained: trainedFrom(model.network, from),
    optimizer: learnOptimizer(settings.optimizer, groupsOf(model.network), total),
    trainee: (shape) => faceTrainee(model, settings, Number(shape)),
  };
}

const trainedFrom = (network: EfficientNetConfig, from: string): ((name: string) => boolean) => {
  const encoder = isTrainedFrom(network, from);
  return (name) => isClassifier(name) || encoder(name);
};

/** The network's parts; scales and shifts of batch norms do not decay. */
const groupsOf = (network: EfficientNetConfig): Groups => ({
  parts: trainableParts(network),
  partOf: (name) =>
    isClassifier(name)
      ? undefined
      : (/^blocks\.\d+/.exec(name)?.[0] ?? (/^(conv_stem|bn1)\./.test(name) ? 'conv_stem' : 'conv_head')),
  decays: (name) => name.endsWith('.weight') && !/(^|\.)bn\d\./.test(name),
});

/** Accuracy of each data set, and their mean as the score: the larger set does not outweigh the smaller. */
function scoreBySet(
  logits: Float32Array,
  { labels, datasets }: Pick<FaceValidationSet, 'labels' | 'datasets'>,
  classes: number,
): Validation {
  const predicted = argmax(scores(classes, logits));
  const sets = [...new Set(datasets)].sort();
  const details = Object.fromEntries(
    sets.map((name) => {
      const members = datasets.flatMap((set, i) => (set === name ? [i] : []));
      const hits = members.filter((i) => predicted[i] === labels[i]).length;
      return [name, hits / members.length];
    }),
  );
  const score = Object.values(details).reduce((a, b) => a + b, 0) / sets.length;
  return { score, details };
}

/** Partners and shares of mixup; the targets are mixed in place. */
function mixBatches(
  targets: Float32Array,
  count: number,
  batchSize: number,
  classes: number,
  { seed, mixup }: FaceLearnSettings,
  epoch: number,
  run: number,
): Tensors {
  const draw = randomStream(seed, `learn mixup ${epoch}`, run);
  const before = targets.slice();
  const partner: number[] = [];
  const share: number[] = [];
  for (let step = 0; step < count; step++)
    for (const other of draw.permutation(batchSize)) {
      const at = partner.length * classes;
      const lambda = drawBeta(draw, mixup);
      const from = (step * batchSize + other) * classes;
      for (let c = 0; c < classes; c++)
        targets[at + c] = lambda * before[at + c]! + (1 - lambda) * before[from + c]!;
      partner.push(other);
      share.push(lambda);
    }
  return {
    partner: int64([count, batchSize], partner),
    share: float32([count, batchSize], share),
  };
}
