// `mien learn face`: from published weights and face sets to an encoder that knows expressions, in a folder of its own.
import { MienError } from '../base/errors.js';
import { readJson, sha256 } from '../base/files.js';
import { silentProgress, type Progress } from '../base/progress.js';
import type { Tensors } from '../base/tensor.js';
import type { FaceImage } from '../data/types.js';
import { efficientNetParameters, faceConfig, FACE_WEIGHTS_IGNORED } from '../encoders/load-face.js';
import { locatePretrained, WEIGHTS_FILE, type PretrainedOptions } from '../encoders/pretrained.js';
import type { FaceEncoderSpec } from '../encoders/profiles.js';
import { readWeights } from '../encoders/weights.js';
import { initialize } from '../nn/parameters.js';
import { isClassifier } from './classifier.js';
import { faceTrainee, type FaceModel } from './face-model.js';
import { decodeFaces, keepImages } from './face-images.js';
import { estimate, type Estimate } from './estimate.js';
import { faceTask, repeatsOf } from './face-task.js';
import { writeLearned, type LearnedRecord } from './learned.js';
import { learn } from './loop.js';
import type { FaceLearnSettings } from './settings.js';
import { traineeParameters } from './step-session.js';
import { faceTeacher, type TeacherOptions } from './teacher.js';

export interface LabelledFace {
  readonly image: FaceImage;
  readonly label: string;
  /** Which set it is of; validation scores each by itself, and `repeat` counts by set. */
  readonly dataset: string;
  /** Hash of its bytes or pixels. */
  readonly sha256: string;
}

export interface LearnFaceOptions extends PretrainedOptions {
  /** Alphabetical. */
  readonly labels: readonly string[];
  readonly training: readonly LabelledFace[];
  /** Selects the epoch. */
  readonly validation: readonly LabelledFace[];
  readonly encoder: FaceEncoderSpec;
  readonly settings: FaceLearnSettings;
  /** Folder of checkpoints, log and, at the end, `encoder/` and `learned.json`. */
  readonly out: string;
  /** Learned folders whose mean posterior is a part of each target. */
  readonly teachers?: Omit<TeacherOptions, 'labels' | 'threads' | 'progress'> | undefined;
  readonly threads?: number | undefined;
  readonly spinning?: boolean | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** The published weights and a first classifier. */
export async function startingPoint(
  encoder: FaceEncoderSpec,
  settings: FaceLearnSettings,
  labels: readonly string[],
  options: PretrainedOptions,
) {
  const located = await locatePretrained(encoder, options);
  const configPath = await located.path('config.json');
  const config = await readJson(configPath);
  const { network, input } = faceConfig(config, settings.phases.at(-1)!.size, configPath);
  const published = await readWeights(await located.path(WEIGHTS_FILE), {
    specs: efficientNetParameters(network),
    ignored: FACE_WEIGHTS_IGNORED,
  });
  const model: FaceModel = { network, input, classes: labels.length };
  const trainee = faceTrainee(model, settings, settings.phases[0]!.size);
  const { specs } = traineeParameters(trainee, () => true);
  const classifier = initialize(
    specs.filter(({ name }) => isClassifier(name)),
    settings.seed,
  );
  const weights: Tensors = { ...published, ...classifier };
  return { located, config, model, weights };
}

/** Images that a dry run decodes; it meets them again and again. */
const DRY_RUN_IMAGES = 512;

/** What training would take. @throws MienError as `learnFace` does. */
export async function estimateFace(options: LearnFaceOptions): Promise<Estimate> {
  const { task, furtherBytes, close } = await prepare(options, DRY_RUN_IMAGES);
  const { threads, spinning, progress = silentProgress } = options;
  return estimate(task, { threads, spinning, furtherBytes, progress }).finally(close);
}

/**
 * Trains a face encoder and writes it as an encoder's folder, which a profile can name.
 * @throws MienError as `learn` and the loading of weights do; `data` when there are no faces.
 */
export async function learnFace(options: LearnFaceOptions): Promise<LearnedRecord> {
  const { labels, settings, out, threads, spinning, progress = silentProgress, signal } = options;
  const { task, located, config, model, fingerprint, items, close } = await prepare(options);
  const result = await learn(task, {
    ...{ folder: out, fingerprint, threads, spinning, progress },
    ...(signal === undefined ? {} : { signal }),
    ...{ patience: settings.patience, checkpointSeconds: settings.checkpointSeconds },
  }).finally(close);
  const { pretrained_cfg: published, ...rest } = config as { pretrained_cfg: object };
  const { size } = model.input;
  return writeLearned(out, {
    ...{ kind: 'face', labels, settings, located, result, items },
    config: {
      ...rest,
      num_classes: labels.length,
      label_names: labels,
      pretrained_cfg: { ...published, input_size: [3, size, size], num_classes: labels.length },
    },
  });
}

/** The task on all items; of the images, only the first `most` are decoded. */
async function prepare(options: LearnFaceOptions, most = Infinity) {
  const { labels, validation, encoder, settings, threads, progress = silentProgress, teachers } = options;
  const training = options.training.filter(({ dataset }) => repeatsOf(settings, dataset) > 0);
  if (training.length === 0 || validation.length === 0)
    throw new MienError('data', 'there are no faces to train on, or none to validate with');
  const { located, config, model, weights } = await startingPoint(encoder, settings, labels, options);
  const labelIndices = (faces: readonly LabelledFace[]): Uint8Array =>
    Uint8Array.from(faces, ({ label }) => labels.indexOf(label));
  const setNames = (faces: readonly LabelledFace[]): string[] => faces.map(({ dataset }) => dataset);
  const isWhole = training.length <= most;
  const teacher =
    teachers && isWhole ? await faceTeacher(training, { ...teachers, labels, threads, progress }) : undefined;
  const kept = await keepImages(training.slice(0, most), settings.keptSize, progress);
  const task = faceTask(
    model,
    weights,
    settings,
    {
      images: { ...kept, count: training.length, copy: (i, ...to) => kept.copy(i % kept.count, ...to) },
      labels: labelIndices(training),
      datasets: setNames(training),
      ...(teacher === undefined ? {} : { teacher }),
    },
    {
      images: await decodeFaces(validation.slice(0, most)),
      labels: labelIndices(validation),
      datasets: setNames(validation),
    },
    threads,
  );
  const fingerprint = sha256(
    JSON.stringify([
      ['face', labels],
      { ...settings, checkpointSeconds: 0 },
      located.sha256,
      ...[training, validation].map((faces) =>
        sha256(faces.map(({ sha256: hash, label }) => `${hash} ${label}`).join('\n')),
      ),
      teacher ? [teacher.share, sha256(new Uint8Array(teacher.posteriors.buffer))] : null,
    ]),
  );
  const items = { training: training.length, validation: validation.length };
  const furtherBytes = (training.length - kept.count) * 3 * kept.size ** 2;
  return { task, located, config, model, fingerprint, items, furtherBytes, close: () => kept.close() };
}
