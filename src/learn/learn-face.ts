// `mien learn face`: from published weights and face sets to an encoder that knows expressions, in a folder of its own.
import { MienError } from '../base/errors.js';
import { readJson, sha256 } from '../base/files.js';
import { silentProgress, type Progress } from '../base/progress.js';
import type { Tensors } from '../base/tensor.js';
import { FACE_LABELS } from '../data/labels.js';
import type { Protocol, ProtocolFace, Split } from '../data/types.js';
import { efficientNetParameters, faceConfig, FACE_WEIGHTS_IGNORED } from '../encoders/load-face.js';
import { locatePretrained, WEIGHTS_FILE, type PretrainedOptions } from '../encoders/pretrained.js';
import type { FaceEncoderSpec } from '../encoders/profiles.js';
import { readWeights } from '../encoders/weights.js';
import { initialize } from '../nn/parameters.js';
import { isClassifier } from './classifier.js';
import { faceTrainee, type FaceModel } from './face-model.js';
import { decodeFaces, keepImages } from './face-images.js';
import { faceTask, type FaceTrainingSet } from './face-task.js';
import { writeLearned, type LearnedRecord } from './learned.js';
import { learn } from './loop.js';
import type { FaceLearnSettings } from './settings.js';
import { traineeParameters } from './step-session.js';

export interface LearnFaceOptions extends PretrainedOptions {
  readonly protocol: Protocol;
  readonly encoder: FaceEncoderSpec;
  readonly settings: FaceLearnSettings;
  /** Folder of checkpoints, log and, at the end, `encoder/` and `learned.json`. */
  readonly out: string;
  readonly teacher?: FaceTrainingSet['teacher'];
  readonly threads?: number | undefined;
  readonly spinning?: boolean | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** The published weights and a first classifier. */
export async function startingPoint(
  encoder: FaceEncoderSpec,
  settings: FaceLearnSettings,
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
  const model: FaceModel = { network, input, classes: FACE_LABELS.length };
  const trainee = faceTrainee(model, settings, settings.phases[0]!.size);
  const { specs } = traineeParameters(trainee, () => true);
  const classifier = initialize(
    specs.filter(({ name }) => isClassifier(name)),
    settings.seed,
  );
  const weights: Tensors = { ...published, ...classifier };
  return { located, config, model, weights };
}

const labelIndices = (faces: readonly ProtocolFace[]): Uint8Array =>
  Uint8Array.from(faces, ({ label }) => FACE_LABELS.indexOf(label));

/**
 * Trains a face encoder on the training faces of the protocol and writes it as an encoder's folder, which a profile can
 * name.
 * @throws MienError as `learn` and the loading of weights do; `data` when there are no faces.
 */
export async function learnFace(options: LearnFaceOptions): Promise<LearnedRecord> {
  const { protocol, encoder, settings, out, threads, progress = silentProgress, signal, teacher } = options;
  const facesOf = (wanted: Split): ProtocolFace[] =>
    protocol.faces.filter(
      ({ split, item }) => split === wanted && (wanted !== 'train' || settings.repeat[item.dataset] > 0),
    );
  const [training, validation] = [facesOf('train'), facesOf('validation')];
  if (training.length === 0 || validation.length === 0)
    throw new MienError('data', 'there are no faces to train on, or none to validate with');
  const { located, config, model, weights } = await startingPoint(encoder, settings, options);
  const setNames = (faces: readonly ProtocolFace[]): string[] => faces.map(({ item }) => item.dataset);
  const task = faceTask(
    model,
    weights,
    settings,
    {
      images: await keepImages(training, settings.keptSize, progress),
      labels: labelIndices(training),
      datasets: setNames(training),
      ...(teacher === undefined ? {} : { teacher }),
    },
    {
      images: await decodeFaces(validation),
      labels: labelIndices(validation),
      datasets: setNames(validation),
    },
    threads,
  );
  const fingerprint = sha256(
    JSON.stringify([
      'face',
      { ...settings, checkpointSeconds: 0 },
      located.sha256,
      ...[training, validation].map((faces) =>
        sha256(faces.map(({ sha256: hash, label }) => `${hash} ${label}`).join('\n')),
      ),
      teacher ? [teacher.share, sha256(new Uint8Array(teacher.posteriors.buffer))] : null,
    ]),
  );
  const result = await learn(task, {
    ...{
      folder: out,
      fingerprint,
      threads,
      spinning: options.spinning,
      progress,
      ...(signal === undefined ? {} : { signal }),
    },
    ...{ patience: settings.patience, checkpointSeconds: settings.checkpointSeconds },
  });
  const { pretrained_cfg: published, ...rest } = config as { pretrained_cfg: object };
  const { size } = model.input;
  return writeLearned(out, {
    ...{ kind: 'face', labels: FACE_LABELS, settings, located, result },
    items: { training: training.length, validation: validation.length },
    config: {
      ...rest,
      num_classes: FACE_LABELS.length,
      label_names: FACE_LABELS,
      pretrained_cfg: { ...published, input_size: [3, size, size], num_classes: FACE_LABELS.length },
    },
  });
}
