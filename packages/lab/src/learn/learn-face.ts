// `mien learn face`: trains a published face encoder on faces with expressions and writes it to a folder.
import { defined, MienError } from 'mien-engine/base';
import type { FaceEncoderSpec } from '../encoders/profiles.js';
import { silentProgress } from 'mien/parts/base';
import type { FaceImage, FaceVotes } from 'mien/parts/data';
import { readPretrainedFace } from '../encoders/load.js';
import { majorityOf } from '../data/votes.js';
import { withPrior } from './classifier.js';
import { decodeFaces, keepImages } from './face-images.js';
import { faceTrainee, type FaceModel } from './face-model.js';
import { isTrainable, labelDistributions, type VotedFace } from './face-targets.js';
import { repeatsOf } from './encoder-task.js';
import { faceTask } from './face-task.js';
import {
  estimate,
  readyToTrain,
  trainPrepared,
  withClassifier,
  type Estimate,
  type LearnEncoderOptions,
} from './learn-encoder.js';
import { writeLearned, type LearnedRecord } from './learned.js';
import type { FaceLearnSettings } from './settings.js';
import { faceTeacher } from './teacher.js';

/** A face with its label; validation scores each set by itself, and `repeat` counts by set. */
export interface LabelledFace extends VotedFace {
  readonly image: FaceImage;
  /** Hash of its bytes or pixels. */
  readonly sha256: string;
}

export type LearnFaceOptions = LearnEncoderOptions<LabelledFace, FaceEncoderSpec, FaceLearnSettings>;

/** The index of the label with most votes, if it is one of the labels. */
function majorityIndex(votes: FaceVotes | undefined, labels: readonly string[]): number | undefined {
  const chosen = votes && majorityOf(votes);
  const index = chosen === undefined ? -1 : labels.indexOf(chosen);
  return index < 0 ? undefined : index;
}

/** How many images a dry run decodes; it uses them repeatedly. */
const DRY_RUN_IMAGES = 512;

/** How long training would take. @throws MienError as `learnFace` does. */
export async function estimateFace(options: LearnFaceOptions): Promise<Estimate> {
  const { task, furtherBytes, close } = await prepare(options, DRY_RUN_IMAGES);
  const { threads, spinning, progress = silentProgress } = options;
  return estimate(task, { threads, spinning, furtherBytes, progress }).finally(close);
}

/**
 * Trains a face encoder and writes it as an encoder's folder, which a profile can name.
 * @throws MienError as `train` and the loading of weights do; `data` if there are no faces.
 */
export async function learnFace(options: LearnFaceOptions): Promise<LearnedRecord> {
  const { labels, settings, out } = options;
  const { close, json, input, ...prepared } = await prepare(options);
  const { prior } = prepared.task;
  const trained = await trainPrepared(prepared, options).finally(close);
  const result = { ...trained, weights: withPrior(trained.weights, prior, settings.logitAdjustment) };
  const { pretrained_cfg: published, ...rest } = json as { pretrained_cfg: object };
  return writeLearned(out, {
    kind: 'face',
    labels,
    settings,
    result,
    located: prepared.located,
    items: prepared.items,
    calibration: { prior: [...prior] },
    config: {
      ...rest,
      num_classes: labels.length,
      label_names: labels,
      pretrained_cfg: { ...published, input_size: [3, input.size, input.size], num_classes: labels.length },
    },
  });
}

/** The task on all items; of the images, only the first `most` are decoded. */
async function prepare(options: LearnFaceOptions, most = Infinity) {
  const { labels, validation, encoder, settings, threads, maxPixels, teachers, signal } = options;
  const { progress = silentProgress } = options;
  const training = options.training.filter(
    (face) => repeatsOf(settings, face.dataset) > 0 && isTrainable(face, settings.votes),
  );
  if (training.length === 0 || validation.length === 0)
    throw new MienError('data', 'there are no faces to train on, or none to validate with');
  const imageSize = settings.phases.at(-1)!.size;
  const { located, json, network, input, ...published } = await readPretrainedFace(
    { ...encoder, imageSize },
    options,
  );
  const model: FaceModel = { network, input, classes: labels.length };
  const trainee = faceTrainee(model, settings, settings.phases[0]!.size);
  const weights = withClassifier(await published.weights(), trainee, settings.seed);
  const labelIndices = (faces: readonly LabelledFace[]): Uint8Array =>
    Uint8Array.from(faces, ({ label }) => labels.indexOf(label));
  const setNames = (faces: readonly LabelledFace[]): string[] => faces.map(({ dataset }) => dataset);
  const isWhole = training.length <= most;
  const teacherOptions = { ...teachers!, labels, threads, progress, signal };
  const teacher = teachers && isWhole ? await faceTeacher(training, teacherOptions) : undefined;
  const kept = await keepImages(training.slice(0, most), settings.keptSize, progress, { maxPixels });
  const task = faceTask(
    model,
    weights,
    settings,
    {
      images: { ...kept, count: training.length, copy: (i, ...to) => kept.copy(i % kept.count, ...to) },
      labels: labelIndices(training),
      datasets: setNames(training),
      distributions: labelDistributions(training, labels, settings.votes),
      voted: training.map(({ votes }) => votes !== undefined),
      ...defined({ teacher }),
    },
    {
      images: await decodeFaces(validation.slice(0, most), maxPixels),
      labels: labelIndices(validation),
      datasets: setNames(validation),
      majority: validation.map(({ votes }) => majorityIndex(votes, labels)),
    },
    threads,
  );
  const sets = { training, validation };
  const lineOf = ({ sha256, label, votes }: LabelledFace): string =>
    `${sha256} ${label}${votes ? ` ${JSON.stringify(votes)}` : ''}`;
  const prepared = readyToTrain('face', { task, located }, options, sets, lineOf, teacher);
  const furtherBytes = (training.length - kept.count) * 3 * kept.size ** 2;
  return { ...prepared, task, json, input, furtherBytes, close: () => kept.close() };
}
