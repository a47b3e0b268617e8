// `mien export`: learned encoders become a bundle, with a fusion head, calibration, evaluation and model card.
import { join } from 'node:path';
import { sha256 } from '../base/files.js';
import { silentProgress, type Progress } from '../base/progress.js';
import { takeRows, type Tensor, type Tensors } from '../base/tensor.js';
import type { Protocol } from '../data/types.js';
import { loadFaceEncoder, loadTextEncoder } from '../encoders/load.js';
import { fitTemperature, labelPrior } from '../evaluate/calibration.js';
import { scores } from '../evaluate/scores.js';
import type { Config } from '../experiment/config.js';
import { experimentData, type ExperimentData, type Selection } from '../experiment/data.js';
import { featuresOf } from '../features/extract.js';
import { termsOf } from '../features/terms.js';
import { classify } from '../learn/classifier.js';
import type { HeadName } from '../models/heads.js';
import { modelCard } from './card.js';
import { evaluateBundle, type BundleEvaluation } from './evaluation.js';
import { writeBundle } from './folder.js';
import { trainFusion, type FusionHead } from './fusion.js';
import {
  readLearnedFace,
  readLearnedText,
  type LearnedFace,
  type LearnedText,
} from '../learn/read-learned.js';
import { FILES, type BundleManifest } from './manifest.js';
import { faceModel, fusionModel, linearTop, textModel, type Precision } from './models.js';
import { openBundle } from './open.js';

export interface ExportOptions {
  readonly name: string;
  /** Folders that `mien learn` finished. */
  readonly text: string;
  readonly face: string;
  readonly protocol: Protocol;
  /** Folder in which the learned features are kept. */
  readonly features: string;
  /** Settings of the fusion head. */
  readonly config: Config;
  readonly head: HeadName;
  /** Whether faces are read with their mirror image. */
  readonly mirror: boolean;
  readonly out: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface Exported {
  readonly manifest: BundleManifest;
  readonly evaluation: BundleEvaluation;
  readonly reference: BundleEvaluation;
}

/**
 * Trains the fusion head, writes the models small, fits temperatures on validation, evaluates on the test splits and
 * writes the bundle.
 * @throws MienError as training, extraction and the reading of learned encoders do.
 */
export async function exportBundle(options: ExportOptions): Promise<Exported> {
  const { name, protocol, config, head, mirror, out, progress = silentProgress, signal } = options;
  const text = await readLearnedText(options.text);
  const plain = await readLearnedFace(options.face);
  const face: LearnedFace = { ...plain, input: { ...plain.input, mirror } };
  const data = await learnedFeatures(text, face, options);
  const fusion = await trainFusion(data, config, {
    ...{ head, progress, signal },
    folder: join(options.features, 'fusion'),
    features: sha256(JSON.stringify([text.record.sha256, face.record.sha256, mirror, protocol.settings])),
  });

  const textRows = {
    train: data.texts(text.labels, 'train'),
    validation: data.texts(text.labels, 'validation'),
  };
  const faceRows = {
    train: data.faces('both', face.labels, 'train'),
    validation: data.faces('both', face.labels, 'validation'),
  };
  const manifest: Omit<BundleManifest, 'files'> = {
    format: 'mien-bundle-1',
    name,
    text: {
      ...{ model: FILES.text, tokenizer: FILES.tokenizer, labels: [...text.labels] },
      ...{ maxTokens: text.maxTokens, width: text.config.width },
      temperature: temperatureOf(data.tables.text, textRows.validation, text.weights, text.labels.length),
      prior: labelPrior(textRows.train.labels, text.labels.length),
    },
    face: {
      ...{ model: FILES.face, labels: [...face.labels], size: face.input.size, width: face.network.width },
      temperature: temperatureOf(data.tables.face, faceRows.validation, face.weights, face.labels.length),
      prior: labelPrior(faceRows.train.labels, face.labels.length),
    },
    fusion: {
      ...{ model: FILES.fusion, labels: [...config.labels], head, temperature: fusion.temperature },
      prior: labelPrior(data.texts(config.labels, 'train').labels, config.labels.length),
    },
    terms: (['isear', 'fer2013', 'rafdb'] as const).map(termsOf),
  };
  const reference = await evaluated(manifest, files(text, face, fusion, 'float32'), protocol, progress);
  const small = files(text, face, fusion, 'small');
  const evaluation = await evaluated(manifest, small, protocol, progress);
  const card = modelCard({
    ...{ manifest, evaluation, reference, counts: protocol.counts },
    training: {
      text: trainingOf(text),
      face: trainingOf(face),
      fusion: `the ${head} head on features of the learned encoders, seed ${fusion.seed} of ${config.seeds.join(', ')}, chosen by macro F1 on validation pairs`,
    },
  });
  const written = await writeBundle(out, manifest, {
    ...small,
    [FILES.evaluation]: `${JSON.stringify({ evaluation, reference }, null, 1)}\n`,
    [FILES.card]: card,
  });
  return { manifest: written, evaluation, reference };
}

/** The learned encoders' features of all items, extracted where they are not there yet. */
async function learnedFeatures(
  text: LearnedText,
  face: LearnedFace,
  { name, protocol, features, mirror, progress, signal }: ExportOptions,
): Promise<ExperimentData> {
  const encoders = {
    text: await loadTextEncoder({
      ...{
        id: `mien/${name}-text`,
        revision: 'local',
        folder: text.folder,
        maxTokens: text.maxTokens,
        pooling: text.pooling,
      },
    }),
    face: await loadFaceEncoder({
      ...{ id: `mien/${name}-face`, revision: 'local', folder: face.folder, imageSize: 'published', mirror },
    }),
  };
  try {
    return experimentData(
      await featuresOf({
        ...{ protocol, encoders, dir: features },
        ...(progress ? { progress } : {}),
        ...(signal ? { signal } : {}),
      }),
    );
  } finally {
    await encoders.text.dispose();
    await encoders.face.dispose();
  }
}

/** The temperature that suits the classifier's logits of validation items. */
function temperatureOf(
  table: Tensor<'float32'>,
  { rows, labels }: Selection,
  weights: Tensors,
  classes: number,
): number {
  const logits = classify(takeRows(table, rows).data, weights, classes);
  return fitTemperature(scores(classes, logits), labels).temperature;
}

const files = (
  text: LearnedText,
  face: LearnedFace,
  { parts, parameters }: FusionHead,
  precision: Precision,
): Record<string, Uint8Array> => ({
  [FILES.text]: textModel(
    text.config,
    text.weights,
    text.pooling,
    linearTop(text.weights, text.labels.length),
    precision,
  ),
  [FILES.face]: faceModel(
    face.network,
    face.input,
    face.weights,
    linearTop(face.weights, face.labels.length),
    precision,
  ),
  [FILES.fusion]: fusionModel(parts, parameters, precision),
  [FILES.tokenizer]: new TextEncoder().encode(text.tokenizer),
});

async function evaluated(
  manifest: Omit<BundleManifest, 'files'>,
  content: Readonly<Record<string, Uint8Array>>,
  protocol: Protocol,
  progress: Progress,
): Promise<BundleEvaluation> {
  const bundle = await openBundle({ ...manifest, files: {} }, content);
  try {
    return await evaluateBundle(bundle, protocol, progress);
  } finally {
    await bundle.dispose();
  }
}

function trainingOf({ record: { from, items, settings, bestEpoch } }: LearnedText | LearnedFace): string {
  return (
    `from \`${from.id}\` (sha256 ${from.sha256.slice(0, 12)}…), ${items.training} items, ` +
    `epoch ${bestEpoch} chosen on ${items.validation}; settings \`${JSON.stringify(settings)}\``
  );
}
