// `mien learn voice`: trains a published voice encoder on corpora of acted speech and writes it to a folder.
import { defined, MienError } from 'mien-engine/base';
import { sha256 } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { readClip, type SpeechItem } from '../data/speech.js';
import { SPEECH_CORPORA } from '../data/speech-names.js';
import { LEAST_SAMPLES, readPretrainedVoice } from '../encoders/load-voice.js';
import type { PretrainedSpec } from '../encoders/profiles.js';
import type { WhisperConfig } from '../encoders/whisper.js';
import { withPrior } from './classifier.js';
import {
  estimate,
  readyToTrain,
  trainPrepared,
  withClassifier,
  type Estimate,
  type LearnEncoderOptions,
} from './learn-encoder.js';
import { writeLearned, type LearnedRecord } from './learned.js';
import type { VoiceLearnSettings } from './settings.js';
import { fitCorpusTemperature } from './text-validation.js';
import { voiceLogits, voiceTrainee, type VoiceModel } from './voice-model.js';
import { repeatsOf } from './encoder-task.js';
import { startOf } from './voice-start.js';
import { corpusEvidence, voiceTask, type VoiceSet } from './voice-task.js';

export type LearnVoiceOptions = Omit<
  LearnEncoderOptions<SpeechItem, PretrainedSpec, VoiceLearnSettings>,
  'teachers' | 'maxPixels'
>;

/** How long training would take. @throws MienError as `learnVoice` does. */
export async function estimateVoice(options: LearnVoiceOptions): Promise<Estimate> {
  const { task } = await prepare(options);
  const { threads, spinning, progress = silentProgress } = options;
  return estimate(task, { threads, spinning, furtherBytes: 0, progress });
}

/**
 * Trains a voice encoder and writes it as an encoder's folder: a Whisper of as many blocks as were used.
 * @throws MienError as `train`, `readClip` and the loading of weights do; `data` if there are no clips, `config` for
 *   blocks
 *   or parts that the encoder does not have.
 */
export async function learnVoice(options: LearnVoiceOptions): Promise<LearnedRecord> {
  const { labels, settings, out } = options;
  const { json, model, validationSet, ...prepared } = await prepare(options);
  const { prior } = prepared.task;
  const trained = await trainPrepared(prepared, options);
  const result = { ...trained, weights: withPrior(trained.weights, prior, settings.logitAdjustment) };
  const logits = await voiceLogits(model, result.weights, validationSet.clips, options.threads);
  const corpora = new Set(
    options.training.map(({ corpus }) => corpus).filter((corpus) => repeatsOf(settings, corpus) > 0),
  );
  return writeLearned(out, {
    kind: 'voice',
    labels,
    settings,
    result,
    located: prepared.located,
    items: prepared.items,
    calibration: { prior: [...prior], temperature: temperatureOf(logits, validationSet, labels.length) },
    terms: [WHISPER_TERMS, ...[...corpora].sort().map((corpus) => SPEECH_CORPORA[corpus].terms)],
    config: {
      ...(json as object),
      encoder_layers: model.config.layers,
      ...defined({ pooling: model.config.pooling }),
      label_names: labels,
    },
  });
}

/** Terms of the weights that trainings start from. */
const WHISPER_TERMS = 'Whisper tiny.en’s first weights (openai/whisper-tiny.en): MIT';

/** The temperature at which the clips are most likely, each corpus judged on the labels that it has. */
export function temperatureOf(
  logits: Float32Array,
  { labels, corpora }: Pick<VoiceSet, 'labels' | 'corpora'>,
  classes: number,
): number {
  const { names, items, evidence } = corpusEvidence({ labels, corpora }, classes);
  const parts = evidence.map((known, i) => ({ name: names[i]!, evidence: known, repeat: 1, score: 1 }));
  return fitCorpusTemperature(logits, items, parts);
}

/** The encoder of the first blocks alone. @throws MienError `config` if it has fewer. */
function firstBlocks(config: WhisperConfig, blocks: number | null): WhisperConfig {
  if (blocks === null) return config;
  if (blocks > config.layers)
    throw new MienError('config', `the encoder has ${config.layers} blocks, not ${blocks}`, {
      field: 'blocks',
    });
  return { ...config, layers: blocks };
}

const isKept =
  ({ layers }: WhisperConfig) =>
  (name: string): boolean =>
    Number(/^layers\.(\d+)\./.exec(name)?.[1] ?? 0) < layers;

async function prepare(options: LearnVoiceOptions) {
  const { labels, validation, encoder, settings, threads, progress = silentProgress } = options;
  const training = options.training.filter(({ corpus }) => repeatsOf(settings, corpus) > 0);
  if (training.length === 0 || validation.length === 0)
    throw new MienError('data', 'there are no clips to train on, or none to validate with');
  if (settings.epochs === 0 && settings.classifier === 'drawn')
    throw new MienError('config', 'without epochs nothing is learned', {
      field: 'epochs',
      hint: 'Set classifier to probe, or at least one epoch.',
    });
  const { located, config, json, ...published } = await readPretrainedVoice(encoder, options);
  const pooling = settings.pooling === 'statistics' ? settings.pooling : undefined;
  const model: VoiceModel = {
    config: { ...firstBlocks(config, settings.blocks), ...defined({ pooling }) },
    classes: labels.length,
  };
  const kept = Object.entries(await published.weights()).filter(([name]) => isKept(model.config)(name));
  const clips = await readClips([...training, ...validation], progress);
  const set = (items: readonly SpeechItem[], from: number): VoiceSet => ({
    clips: clips.slice(from, from + items.length),
    labels: Uint8Array.from(items, ({ label }) => labels.indexOf(label)),
    corpora: items.map(({ corpus }) => corpus),
  });
  const [trainingSet, validationSet] = [set(training, 0), set(validation, training.length)];
  const drawn = withClassifier(Object.fromEntries(kept), voiceTrainee(model, settings, 100), settings.seed);
  const weights = await startOf(model, drawn, settings, trainingSet, { threads, progress });
  const task = voiceTask(model, weights, settings, trainingSet, validationSet, threads);
  const hashes = new Map(
    [...training, ...validation].map(({ id }, i) => {
      const { buffer, byteOffset, byteLength } = clips[i]!;
      return [id, sha256(new Uint8Array(buffer, byteOffset, byteLength))];
    }),
  );
  const lineOf = ({ id, label }: SpeechItem): string => `${hashes.get(id)} ${id} ${label}`;
  const ready = readyToTrain(
    'voice',
    { task, located },
    options,
    { training, validation },
    lineOf,
    undefined,
  );
  return { ...ready, task, json, model, validationSet };
}

/**
 * Samples of the clips, as encoders take them, in order.
 * @throws MienError as `readClip` does, `data` for one too short.
 */
export async function readClips(
  items: readonly SpeechItem[],
  progress: Progress = silentProgress,
): Promise<Float32Array[]> {
  const clips: Float32Array[] = [];
  progress.begin('decode clips', items.length, 'clips');
  try {
    for (const item of items) {
      const clip = await readClip(item);
      if (clip.length < 2 * LEAST_SAMPLES)
        throw new MienError('data', 'is almost entirely silent', { file: item.file });
      clips.push(clip);
      progress.advance();
    }
  } finally {
    progress.end();
  }
  return clips;
}
