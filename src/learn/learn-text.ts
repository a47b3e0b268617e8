// `mien learn text`: from published weights and ISEAR to an encoder that knows emotions, in a folder of its own.
import { MienError } from '../base/errors.js';
import { silentProgress } from '../base/progress.js';
import { readPretrainedText } from '../encoders/load-text.js';
import type { TextEncoderSpec } from '../encoders/profiles.js';
import { createTokenizer } from '../encoders/tokenizer.js';
import { estimate, type Estimate } from './estimate.js';
import { readyToTrain, trainPrepared, withClassifier, type LearnEncoderOptions } from './learn-encoder.js';
import { writeLearned } from './learned.js';
import type { LearnedRecord } from './record.js';
import type { TextLearnSettings } from './settings.js';
import { textTeacher } from './teacher.js';
import { textTrainee, type TextModel } from './text-model.js';
import { textTask } from './text-task.js';

/** A text as encoders read it, that is, normalised. */
export interface LabelledText {
  readonly text: string;
  readonly label: string;
}

export type LearnTextOptions = LearnEncoderOptions<LabelledText, TextEncoderSpec, TextLearnSettings>;

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
  const { labels, settings, encoder, out } = options;
  const { json, tokenizer, ...prepared } = await prepare(options);
  const result = await trainPrepared(prepared, options);
  return writeLearned(out, {
    ...{ kind: 'text', labels, settings, pooling: encoder.pooling, result },
    ...{ located: prepared.located, items: prepared.items },
    config: { ...(json as object), label_names: labels },
    files: { 'tokenizer.json': tokenizer.text },
  });
}

async function prepare(options: LearnTextOptions) {
  const { labels, training, validation, encoder, settings, threads, progress, teachers } = options;
  if (training.length === 0 || validation.length === 0)
    throw new MienError('data', 'there are no texts to train on, or none to validate with');

  const { located, json, config, tokenizer, ...published } = await readPretrainedText(encoder, options);
  const { maxTokens } = settings;
  const { encode } = createTokenizer(tokenizer.json, { maxTokens, file: tokenizer.path });
  const model: TextModel = { config, pooling: encoder.pooling, classes: labels.length };
  const trainee = textTrainee(model, settings, maxTokens);
  const weights = withClassifier(await published.weights(), trainee, settings.seed);
  const set = (texts: readonly LabelledText[]) => ({
    texts: texts.map(({ text }) => encode(text).ids),
    labels: Uint8Array.from(texts, ({ label }) => labels.indexOf(label)),
  });
  const trainingSet = set(training);
  const asked = { ...teachers!, labels, threads, ...(progress ? { progress } : {}) };
  const teacher = teachers && (await textTeacher(trainingSet.texts, asked));
  const task = textTask(
    model,
    weights,
    settings,
    { ...trainingSet, teacher, maskToken: tokenId(tokenizer.json, '[MASK]') },
    set(validation),
    threads,
  );
  const sets = { training, validation };
  const lineOf = ({ text, label }: LabelledText): string => `${label} ${text}`;
  return { ...readyToTrain('text', { task, located }, options, sets, lineOf, teacher), json, tokenizer };
}

/** The id of a token by its text, from the parsed tokenizer.json. */
function tokenId(tokenizer: unknown, token: string): number | undefined {
  const { added_tokens: added = [] } = tokenizer as { added_tokens?: { id: number; content: string }[] };
  return added.find(({ content }) => content === token)?.id;
}
