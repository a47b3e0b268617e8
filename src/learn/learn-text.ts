// `mien learn text`: from published weights and ISEAR to an encoder that knows emotions, in a folder of its own.
import { readFile } from 'node:fs/promises';
import { MienError } from '../base/errors.js';
import { readJson, sha256 } from '../base/files.js';
import { silentProgress, type Progress } from '../base/progress.js';
import type { Tensors } from '../base/tensor.js';
import { bertConfig } from '../encoders/bert.js';
import { bertParameters, TEXT_WEIGHTS_IGNORED } from '../encoders/load-text.js';
import { locatePretrained, WEIGHTS_FILE, type PretrainedOptions } from '../encoders/pretrained.js';
import type { TextEncoderSpec } from '../encoders/profiles.js';
import { createTokenizer } from '../encoders/tokenizer.js';
import { readWeights } from '../encoders/weights.js';
import { initialize } from '../nn/parameters.js';
import { isClassifier } from './classifier.js';
import { estimate, type Estimate } from './estimate.js';
import { writeLearned, type LearnedRecord } from './learned.js';
import { learn } from './loop.js';
import type { TextLearnSettings } from './settings.js';
import { traineeParameters } from './step-session.js';
import { textTrainee, type TextModel } from './text-model.js';
import { textTeacher, type TeacherOptions } from './teacher.js';
import { textTask } from './text-task.js';

/** A text as encoders read it, that is, normalised. */
export interface LabelledText {
  readonly text: string;
  readonly label: string;
}

export interface LearnTextOptions extends PretrainedOptions {
  /** Alphabetical. */
  readonly labels: readonly string[];
  readonly training: readonly LabelledText[];
  /** Selects the epoch. */
  readonly validation: readonly LabelledText[];
  readonly encoder: TextEncoderSpec;
  readonly settings: TextLearnSettings;
  /** Folder of checkpoints, log and, at the end, `encoder/` and `learned.json`. */
  readonly out: string;
  /** Learned folders whose mean posterior is a part of each target. */
  readonly teachers?: Omit<TeacherOptions, 'labels' | 'threads' | 'progress'> | undefined;
  readonly threads?: number | undefined;
  readonly spinning?: boolean | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What training would take. @throws MienError as `learnText` does. */
export async function estimateText(options: LearnTextOptions): Promise<Estimate> {
  const { task } = await prepare(options);
  const { threads, spinning, progress = silentProgress } = options;
  return estimate(task, { threads, spinning, furtherBytes: 0, progress });
}

/**
 * Trains a text encoder and writes it as an encoder's folder, which a profile can name.
 * @throws MienError as `learn` and the loading of weights do; `data` when there are no texts.
 */
export async function learnText(options: LearnTextOptions): Promise<LearnedRecord> {
  const { labels, settings, out, threads, spinning, progress = silentProgress, signal } = options;
  const { task, located, published, tokenizerText, fingerprint, items } = await prepare(options);
  const result = await learn(task, {
    ...{ folder: out, fingerprint, threads, spinning, progress },
    ...(signal === undefined ? {} : { signal }),
    ...{ patience: settings.patience, checkpointSeconds: settings.checkpointSeconds },
  });
  return writeLearned(out, {
    ...{ kind: 'text', labels, settings, located, result, items },
    config: { ...(published as object), label_names: labels },
    files: { 'tokenizer.json': tokenizerText },
  });
}

async function prepare(options: LearnTextOptions) {
  const { labels, training, validation, encoder, settings, threads, progress, teachers } = options;
  if (training.length === 0 || validation.length === 0)
    throw new MienError('data', 'there are no texts to train on, or none to validate with');

  const located = await locatePretrained(encoder, options);
  const configPath = await located.path('config.json');
  const published = await readJson(configPath);
  const config = bertConfig(published, configPath);
  const tokenizerPath = await located.path('tokenizer.json');
  const tokenizerText = await readFile(tokenizerPath, 'utf8');
  const tokenizerJson = JSON.parse(tokenizerText) as unknown;
  const { maxTokens } = settings;
  const tokenizer = createTokenizer(tokenizerJson, { maxTokens, file: tokenizerPath });
  const model: TextModel = { config, pooling: encoder.pooling, classes: labels.length };
  const trained = await readWeights(await located.path(WEIGHTS_FILE), {
    specs: bertParameters(config),
    prefixes: [`${config.family}.`],
    ignored: TEXT_WEIGHTS_IGNORED,
  });
  const { specs } = traineeParameters(textTrainee(model, settings, 16), () => true);
  const classifier = initialize(
    specs.filter(({ name }) => isClassifier(name)),
    settings.seed,
  );
  const weights: Tensors = { ...trained, ...classifier };
  const set = (texts: readonly LabelledText[]) => ({
    texts: texts.map(({ text }) => tokenizer.encode(text).ids),
    labels: Uint8Array.from(texts, ({ label }) => labels.indexOf(label)),
  });
  const trainingSet = set(training);
  const asked = { ...teachers!, labels, threads, ...(progress ? { progress } : {}) };
  const teacher = teachers && (await textTeacher(trainingSet.texts, encoder.pooling, asked));
  const task = textTask(
    model,
    weights,
    settings,
    { ...trainingSet, teacher, maskToken: tokenId(tokenizerJson, '[MASK]') },
    set(validation),
    threads,
  );
  const fingerprint = sha256(
    JSON.stringify([
      ['text', labels],
      { ...settings, checkpointSeconds: 0 },
      located.sha256,
      ...[training, validation].map((texts) =>
        sha256(texts.map(({ text, label }) => `${label} ${text}`).join('\n')),
      ),
      teacher ? [teacher.share, sha256(new Uint8Array(teacher.posteriors.buffer))] : null,
    ]),
  );
  const items = { training: training.length, validation: validation.length };
  return { task, located, published, tokenizerText, fingerprint, items };
}

/** The id of a token by its text, from the parsed tokenizer.json. */
function tokenId(tokenizer: unknown, token: string): number | undefined {
  const { added_tokens: added = [] } = tokenizer as { added_tokens?: { id: number; content: string }[] };
  return added.find(({ content }) => content === token)?.id;
}
