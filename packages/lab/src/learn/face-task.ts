// Training of a face encoder, as a task for the training loop: which images an epoch has, how they are augmented, and
// how weights score on validation.
import { defined, float32, int64, MienError, randomStream, tensor, type Tensors } from 'mien-engine/base';
import type { DecodedImage } from 'mien/parts/encoders';
import { faceDecays, facePartOf, facePartsOf, isFaceTrainedFrom } from '../encoders/face-network.js';
import type { PlannedRun, TrainingTask } from '../train/loop.js';
import type { Validation } from '../train/position.js';
import { classify, isClassifier, PUBLISHED_CLASSIFIER } from './classifier.js';
import { drawAugmentation, drawnTensors, stepSeeds } from './augmentation.js';
import { drawBeta, epochOrder, labelWeights, oneHotRow, softTargetsOf } from './draws.js';
import { encoderTask, repeatsOf } from './encoder-task.js';
import type { KeptImages } from './face-images.js';
import { faceClassifier, faceTrainee, type FaceModel } from './face-model.js';
import { meanTarget, mostLikely, repeatsOfItems, scoreFaces, type FaceTruth } from './face-targets.js';
import type { FaceLearnSettings } from './settings.js';
import type { Teacher } from './teacher.js';

export interface FaceTrainingSet {
  readonly images: KeptImages;
  /** Of each image: its published label's index and its data set. */
  readonly labels: Uint8Array;
  readonly datasets: readonly string[];
  /** Distributions over the labels that images are trained towards, `[n, classes]`. */
  readonly distributions: Float32Array;
  /** Whether annotators voted on an image, so that its published label is a second target. */
  readonly voted: readonly boolean[];
  /** A teacher's posteriors of each image, `[n, classes]`; they replace their share of the smoothed label. */
  readonly teacher?: Teacher;
}

export interface FaceValidationSet extends FaceTruth {
  readonly images: readonly DecodedImage[];
}

/** A training of faces, and how often each label occurs in what it is trained on. */
export interface FaceTask extends TrainingTask {
  readonly prior: readonly number[];
}

/** The task: from initial weights to validation. */
export function faceTask(
  model: FaceModel,
  weights: Tensors,
  settings: FaceLearnSettings,
  training: FaceTrainingSet,
  validation: FaceValidationSet,
  threads?: number,
): FaceTask {
  const { batchSize, stepsPerRun, phases, seed, logitAdjustment: adjustment } = settings;
  const { classes } = model;
  const { labels, datasets, distributions } = training;
  const likely = mostLikely(distributions, classes);
  const repeats = repeatsOfItems(likely, datasets, (name) => repeatsOf(settings, name), settings.rebalance);
  const itemWeights = labelWeights(likely, classes, settings.balance);
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
    Array.from({ length: Math.ceil(steps / stepsPerRun) }, (_, i) => {
      const count = Math.min(stepsPerRun, steps - i * stepsPerRun);
      return { shape: String(sizeOf(epoch)), steps: count, items: count * batchSize };
    });
  let order: { epoch: number; items: Int32Array } | undefined;
  const itemsOf = (epoch: number): Int32Array => {
    if (order?.epoch !== epoch) order = { epoch, items: epochOrder(repeats, seed, epoch) };
    return order.items;
  };

  const rowOf = (item: number): Float32Array => distributions.subarray(item * classes, (item + 1) * classes);
  const targetOf = softTargetsOf(rowOf, classes, settings.labelSmoothing, training.teacher);
  const priorOf = (wanted?: string): number[] => {
    const members = datasets.flatMap((name, i) => (wanted === undefined || name === wanted ? [i] : []));
    return meanTarget(targetOf, members, repeats, classes);
  };
  const prior = priorOf();
  const offsets = new Map([...new Set(datasets)].map((name) => [name, offsetOf(priorOf(name), adjustment)]));

  const batches = (epoch: number, run: number): Tensors => {
    const { steps: count } = plan(epoch)[run]!;
    const start = run * stepsPerRun * batchSize;
    const items = itemsOf(epoch);
    const n = count * batchSize;
    const bytes = 3 * training.images.size ** 2;
    const pixels = new Uint8Array(n * bytes);
    const targets = new Float32Array(n * classes);
    const offset = new Float32Array(adjustment > 0 ? n * classes : 0);
    const published = new Float32Array(settings.publishedLabels > 0 ? n * classes : 0);
    const itemWeight = new Float32Array(n);
    const drawn = Array.from({ length: n }, (_, i) => {
      // If repeats are not whole numbers, the order may be a few items short: it starts again.
      const place = (start + i) % items.length;
      const item = items[place]!;
      training.images.copy(item, pixels, i * bytes);
      targets.set(targetOf(item), i * classes);
      if (adjustment > 0) offset.set(offsets.get(datasets[item]!)!, i * classes);
      if (published.length > 0 && training.voted[item])
        published.set(oneHotRow(labels[item]!, classes), i * classes);
      itemWeight[i] = itemWeights[likely[item]!]!;
      const draw = randomStream(seed, `learn augmentation ${epoch}`, start + i);
      const framing = framingOf(settings, datasets[item]!);
      return drawAugmentation(draw, settings.augmentation, model.input, framing);
    });
    const { size } = training.images;
    const rows = [targets, offset, published].filter(({ length }) => length > 0);
    const mix = settings.mixup > 0 ? mixBatches(rows, count, batchSize, classes, settings, epoch, run) : {};
    const perClass = (values: Float32Array) => float32([count, batchSize, classes], values);
    return {
      pixels: tensor('uint8', [count, batchSize, 3, size, size], pixels),
      targets: perClass(targets),
      ...defined({
        offsets: offset.length > 0 ? perClass(offset) : undefined,
        published: published.length > 0 ? perClass(published) : undefined,
      }),
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
      const embeddings = await classifier.embed(validation.images);
      const logits = classify(embeddings, now, classes);
      const shift = offsetOf(prior, adjustment);
      return scoreFaces(
        {
          logits: logits.map((logit, i) => logit + shift[i % classes]!),
          ...defined({
            published:
              settings.publishedLabels > 0
                ? classify(embeddings, now, classes, PUBLISHED_CLASSIFIER)
                : undefined,
          }),
        },
        validation,
        classes,
      );
    } finally {
      await classifier.dispose();
    }
  };

  const parts = {
    parts: facePartsOf(model.network),
    partOf: (name: string) => (isClassifier(name) ? undefined : facePartOf(model.network, name)),
    decays: faceDecays,
  };
  const encoderIsTrained = isFaceTrainedFrom(model.network, settings);
  const task = encoderTask(
    {
      epochs,
      weights,
      plan,
      batches,
      validate,
      isTrained: (name) => isClassifier(name) || encoderIsTrained(name),
      trainee: (size) => faceTrainee(model, settings, size),
    },
    settings,
    parts,
  );
  return { ...task, prior };
}

/** Added to logits in training: the logarithm of how often labels occur, times the adjustment. */
const offsetOf = (prior: readonly number[], adjustment: number): number[] =>
  prior.map((share) => adjustment * Math.log(share));

/** Side of the frame in which images of a set are seen; that of the image if the settings do not name the set. */
const framingOf = ({ framing }: FaceLearnSettings, dataset: string): number =>
  (framing as Readonly<Record<string, number>>)[dataset] ?? 1;

/** Partners and shares of mixup; rows over the classes are mixed in place. */
function mixBatches(
  rows: readonly Float32Array[],
  count: number,
  batchSize: number,
  classes: number,
  { seed, mixup }: FaceLearnSettings,
  epoch: number,
  run: number,
): Tensors {
  const draw = randomStream(seed, `learn mixup ${epoch}`, run);
  const before = rows.map((values) => values.slice());
  const partner: number[] = [];
  const share: number[] = [];
  for (let step = 0; step < count; step++)
    for (const other of draw.permutation(batchSize)) {
      const at = partner.length * classes;
      const lambda = drawBeta(draw, mixup);
      const from = (step * batchSize + other) * classes;
      rows.forEach((values, r) => {
        for (let c = 0; c < classes; c++)
          values[at + c] = lambda * before[r]![at + c]! + (1 - lambda) * before[r]![from + c]!;
      });
      partner.push(other);
      share.push(lambda);
    }
  return {
    partner: int64([count, batchSize], partner),
    share: float32([count, batchSize], share),
  };
}
