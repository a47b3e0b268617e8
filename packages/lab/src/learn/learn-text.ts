// `mien learn text`: trains a published text encoder on corpora of emotions and writes it to a folder.
import { defined, float32, MienError, randomStream, type Tensors } from 'mien-engine/base';
import { silentProgress } from 'mien/parts/base';
import { createTokenizer } from 'mien/parts/encoders';
import { withLayers } from '../encoders/bert.js';
import { readPretrainedText } from '../encoders/load.js';
import type { TextEncoderSpec } from '../encoders/profiles.js';
import { CLASSIFIER, classify } from './classifier.js';
import { chooseSigns, withMeanings, withSigns } from './emoji.js';
import type { CorpusPart } from './evidence.js';
import {
  estimate,
  readyToTrain,
  trainPrepared,
  withClassifier,
  type Estimate,
  type LearnEncoderOptions,
} from './learn-encoder.js';
import { writeLearned, type LearnedRecord } from './learned.js';
import type { TextLearnSettings } from './settings.js';
import { misspelt, withNames } from './spelling.js';
import { textTeacher } from './teacher.js';
import {
  textEmbeddings,
  textTrainee,
  withRowsInPlace,
  withTrainedRows,
  type TextModel,
} from './text-model.js';
import { textTask, type TextSet } from './text-task.js';
import { fitBias, fitCorpusTemperature } from './text-validation.js';

/** A text as encoders read it, that is, normalised. */
export interface LabelledText {
  readonly text: string;
  readonly label: string;
  /** Further labels, which share the text with the first one. */
  readonly others?: readonly string[];
  /** Its corpus, if there are several. */
  readonly corpus?: string;
  /** Its labels of the finer kind (`fineLabels`). */
  readonly fine?: readonly string[];
  /** Weight in the loss; 1 by default. */
  readonly weight?: number;
}

/** How a corpus takes part; evidence by label. */
export interface TextCorpus extends Omit<CorpusPart, 'evidence'> {
  readonly evidence: Readonly<Record<string, number>>;
}

export interface LearnTextOptions extends LearnEncoderOptions<
  LabelledText,
  TextEncoderSpec,
  TextLearnSettings
> {
  /** The corpora that texts are from; by default one that has all labels. */
  readonly corpora?: readonly TextCorpus[] | undefined;
  /** Labels of the second classifier, the weight of which is `settings.fine`. */
  readonly fineLabels?: readonly string[] | undefined;
}

/** How long training would take. @throws MienError as `learnText` does. */
export async function estimateText(options: LearnTextOptions): Promise<Estimate> {
  // A teacher changes targets, not the time of a step.
  const { task } = await prepare({ ...options, teachers: undefined });
  const { threads, spinning, progress = silentProgress } = options;
  return estimate(task, { threads, spinning, furtherBytes: 0, progress });
}

/**
 * Trains a text encoder and writes it as an encoder's folder, which a profile can name.
 * @throws MienError as `train` and the loading of weights do; `data` if there are no texts.
 */
export async function learnText(options: LearnTextOptions): Promise<LearnedRecord> {
  const { labels, settings, encoder, out, threads } = options;
  const { json, tokenizer, model, corpora, validation, fineLabels, ...prepared } = await prepare(options);
  const result = await trainPrepared(prepared, options);
  const placed = withRowsInPlace(result.weights);
  const { weights, calibration } =
    settings.adjustment > 0
      ? await calibrated(model, placed, corpora, validation, threads)
      : { weights: placed };
  return writeLearned(out, {
    kind: 'text',
    labels,
    settings,
    pooling: encoder.pooling,
    result: { ...result, weights },
    located: prepared.located,
    items: prepared.items,
    ...defined({ fine: model.fine > 0 ? fineLabels : undefined, calibration }),
    config: { ...(json as object), label_names: labels },
    files: { 'tokenizer.json': tokenizer },
  });
}

/** The weights with a prior fitted on validation in the classifier's bias (`fitBias`), and the temperature then. */
async function calibrated(
  model: TextModel,
  weights: Tensors,
  corpora: readonly CorpusPart[],
  validation: TextSet,
  threads: number | undefined,
): Promise<{ weights: Tensors; calibration: NonNullable<LearnedRecord['calibration']> }> {
  const { classes } = model;
  const name = `${CLASSIFIER}.bias`;
  const embeddings = await textEmbeddings(model, weights, validation.texts, threads);
  const added = fitBias(classify(embeddings, weights, classes), validation, corpora);
  const before = weights[name]!.data as Float32Array;
  const bias = before.map((value, label) => value + added[label]!);
  const ready = { ...weights, [name]: float32([classes], bias) };
  const temperature = fitCorpusTemperature(classify(embeddings, ready, classes), validation, corpora);
  const odds = [...added].map(Math.exp);
  const total = odds.reduce((sum, one) => sum + one, 0);
  return { weights: ready, calibration: { temperature, prior: odds.map((one) => one / total) } };
}

async function prepare(options: LearnTextOptions) {
  const { labels, training, validation, encoder, settings, threads, progress, teachers, signal } = options;
  if (training.length === 0 || validation.length === 0)
    throw new MienError('data', 'there are no texts to train on, or none to validate with');
  const { seed, maxTokens, trainedRows, slips, layers } = settings;
  const given = options.corpora ?? [wholeCorpus(labels)];
  const corpora = given.map(({ evidence, ...rest }) => ({
    ...rest,
    evidence: labels.map((label) => evidence[label] ?? 0),
  }));
  const fineLabels = settings.fine > 0 ? (options.fineLabels ?? []) : [];

  const { located, tokenizer: published, ...initial } = await readPretrainedText(encoder, options);
  const whole = { ...initial, weights: await initial.weights() };
  const { json, config, weights: pretrained } = layers ? withLayers(whole, layers) : whole;
  const texts = training.map(({ text }, i) => withNames(text, seed, i));
  const signs = chooseSigns(texts, settings.emoji);
  const { json: tokenizerJson, added } = withSigns(published.json, signs);
  const file = published.path;
  const tokenizer = createTokenizer(tokenizerJson, { maxTokens, file });
  const names = createTokenizer(published.json, { maxTokens, file });
  const model: TextModel = {
    config,
    pooling: encoder.pooling,
    classes: labels.length,
    fine: fineLabels.length,
    trainedRows: Math.min(trainedRows, config.vocabulary),
  };
  const trainee = textTrainee(model, settings, maxTokens);
  const begun = withTrainedRows(withMeanings(pretrained, added, names), model.trainedRows);
  const weights = withClassifier(begun, trainee, seed);

  const placeOf = new Map(given.map(({ name }, i) => [name, i]));
  const set = (items: readonly LabelledText[], spelt: readonly string[]): TextSet => ({
    texts: spelt.map((text) => tokenizer.encode(text).ids),
    labels: items.map(({ label, others = [] }) => [label, ...others].map((one) => labels.indexOf(one))),
    corpus: Uint8Array.from(items, ({ corpus = given[0]!.name }) => placeOf.get(corpus)!),
    fine: items.map(({ fine = [] }) =>
      fine.map((one) => fineLabels.indexOf(one)).filter((place) => place >= 0),
    ),
  });
  const trainingSet = set(training, texts);
  const validationSet = set(
    validation,
    validation.map(({ text }) => text),
  );
  const variant = (item: number, epoch: number): Int32Array | undefined => {
    if (slips === 0) return undefined;
    const draw = randomStream(seed, `learn slips ${epoch}`, item);
    return draw.uniform() < slips ? tokenizer.encode(misspelt(texts[item]!, draw)).ids : undefined;
  };
  const teacherOptions = { ...teachers!, labels, threads, ...defined({ progress, signal }) };
  const teacher = teachers && (await textTeacher(trainingSet.texts, settings.adjustment, teacherOptions));
  const task = textTask(
    model,
    weights,
    settings,
    corpora,
    {
      ...trainingSet,
      weights: training.map(({ weight = 1 }) => weight),
      variant,
      teacher,
      maskToken: tokenizer.idOf('[MASK]'),
    },
    validationSet,
    threads,
  );
  const lineOf = ({ text, label, others, corpus, fine, weight }: LabelledText): string =>
    [label, ...(others ?? [])].join('|') + ` ${text}` + JSON.stringify([corpus, fine, weight]);
  const sets = { training, validation };
  return {
    ...readyToTrain('text', { task, located }, options, sets, lineOf, teacher),
    json,
    model,
    corpora,
    validation: validationSet,
    fineLabels,
    tokenizer: added.size > 0 ? JSON.stringify(tokenizerJson) : published.text,
  };
}

const wholeCorpus = (labels: readonly string[]): TextCorpus => ({
  name: 'all',
  repeat: 1,
  score: 1,
  evidence: Object.fromEntries(labels.map((label) => [label, 1])),
});
