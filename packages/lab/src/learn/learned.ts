// The folder of a learned encoder: `encoder/`, which loads like published weights, and `learned.json`, the record of how
// it was made. Written when a training finishes, read for export, teaching and averaging.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { defined, encodeSafetensors, MienError, type Tensors } from 'mien-engine/base';
import { fileError, readJson, sha256, sha256File, writeFileAtomic } from 'mien-engine/node';
import { bertConfig, type BertConfig } from '../encoders/bert.js';
import type { FaceInput } from '../encoders/face-encoder.js';
import { type FaceNetwork, faceNetworkParameters } from '../encoders/face-network.js';
import { faceConfig } from '../encoders/load.js';
import { bertParameters } from '../encoders/load.js';
import { type Pretrained, WEIGHTS_FILE } from '../encoders/pretrained.js';
import { whisperParameters } from '../encoders/load-voice.js';
import { readWeights } from '../encoders/weights.js';
import { embeddingWidth, whisperConfig, type WhisperConfig } from '../encoders/whisper.js';
import type { Trained } from '../train/loop.js';
import type { EpochEntry } from '../train/position.js';
import { CLASSIFIER, FINE_CLASSIFIER, PUBLISHED_CLASSIFIER } from './classifier.js';

const epochSchema: z.ZodType<EpochEntry> = z.object({
  kind: z.literal('epoch'),
  epoch: z.number(),
  score: z.number(),
  details: z.record(z.string(), z.number()),
  loss: z.number(),
  accuracy: z.number(),
  seconds: z.number(),
});

const learnedSchema = z.object({
  format: z.literal('mien-learned-1'),
  kind: z.enum(['face', 'text', 'voice']),
  labels: z.array(z.string()).min(2),
  settings: z.record(z.string(), z.unknown()),
  /** Labels of a text encoder's second classifier, if it has one. */
  fine: z.array(z.string()).optional(),
  /**
   * Of encoders trained on several data sets at once: the label distribution that the classifier's bias implies, which is
   * that of no single set, and the temperature of the logits, if it was fitted on validation items of all sets.
   */
  calibration: z
    .object({
      prior: z.array(z.number().positive()),
      temperature: z.number().positive().optional(),
    })
    .optional(),
  /** How a text's tokens become its embedding. */
  pooling: z.enum(['mean', 'cls']).default('mean'),
  /** The weights that training started from. */
  from: z.object({ id: z.string(), revision: z.string(), sha256: z.string() }),
  /** SHA-256 of the encoders whose mean this is; all other fields are those of the last of them. */
  averageOf: z.array(z.string()).optional(),
  /** The terms of a bundle from which these weights were restored, or from whose encoder their training started. */
  terms: z.array(z.string()).optional(),
  /** SHA-256 of `encoder/model.safetensors`. */
  sha256: z.string(),
  items: z.object({ training: z.number(), validation: z.number() }),
  bestEpoch: z.number(),
  epochs: z.array(epochSchema),
});

export type LearnedRecord = z.output<typeof learnedSchema>;

export interface FinishedTraining {
  readonly kind: LearnedRecord['kind'];
  readonly labels: readonly string[];
  readonly settings: object;
  /** Labels of a second classifier. */
  readonly fine?: readonly string[];
  readonly calibration?: LearnedRecord['calibration'];
  /** Of a text encoder. */
  readonly pooling?: LearnedRecord['pooling'];
  /** The weights that training started from; without `path`, they are in no file. */
  readonly located: Omit<Pretrained, 'path'> & Partial<Pick<Pretrained, 'path'>>;
  /** Terms of the weights, besides those of the weights that training started from. */
  readonly terms?: readonly string[];
  readonly items: LearnedRecord['items'];
  readonly result: Trained;
  /** `config.json` of the encoder. */
  readonly config: unknown;
  /** Further files of the encoder, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** The terms of the weights that training started from, if those were a learned encoder that has some. */
async function termsOfStart({ path }: FinishedTraining['located']): Promise<readonly string[]> {
  const record = await path?.(WEIGHTS_FILE)
    .then((weights) => readJson(join(dirname(weights), '..', 'learned.json')))
    .catch(() => undefined);
  return learnedSchema.safeParse(record).data?.terms ?? [];
}

/** Writes `encoder/` and `learned.json` into `out`; the record last, so that a folder with a record is complete. */
export async function writeLearned(
  out: string,
  {
    kind,
    labels,
    settings,
    fine,
    calibration,
    pooling = 'mean',
    located,
    terms = [],
    items,
    result,
    config,
    files = {},
  }: FinishedTraining,
): Promise<LearnedRecord> {
  const bytes = Buffer.concat(encodeSafetensors(result.weights));
  const folder = join(out, 'encoder');
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(folder, name), content);
  await writeFileAtomic(join(folder, WEIGHTS_FILE), bytes);
  const { id, revision, sha256: hash } = located;
  const all = [...new Set([...(await termsOfStart(located)), ...terms])];
  const record: LearnedRecord = {
    format: 'mien-learned-1',
    kind,
    labels: [...labels],
    settings: { ...settings },
    pooling,
    ...defined({
      fine: fine && [...fine],
      calibration,
      terms: all.length > 0 ? all : undefined,
    }),
    from: { id, revision, sha256: hash },
    sha256: sha256(bytes),
    items,
    bestEpoch: result.bestEpoch,
    epochs: [...result.epochs],
  };
  await writeFileAtomic(join(out, 'learned.json'), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

interface Learned {
  readonly folder: string;
  readonly record: LearnedRecord;
  readonly labels: readonly string[];
  readonly weights: Tensors;
}

export interface LearnedText extends Learned {
  readonly config: BertConfig;
  readonly tokenizer: string;
  readonly maxTokens: number;
  readonly pooling: LearnedRecord['pooling'];
}

export interface LearnedFace extends Learned {
  readonly network: FaceNetwork;
  readonly input: FaceInput;
}

export interface LearnedVoice extends Learned {
  readonly config: WhisperConfig;
}

/** The record in a folder, of the given kind if there is one. */
async function parseRecord(folder: string, kind?: LearnedRecord['kind']): Promise<LearnedRecord> {
  const path = join(folder, 'learned.json');
  const parsed = learnedSchema.safeParse(await readJson(path));
  if (parsed.success && (kind === undefined || parsed.data.kind === kind)) return parsed.data;
  const [what, command] = kind === undefined ? ['', ''] : [`${kind} `, ` ${kind}`];
  throw new MienError('weights', `is not the record of a learned ${what}encoder`, {
    file: path,
    hint: `Name a folder that \`mien learn${command}\` finished.`,
  });
}

async function readRecord(folder: string, kind: LearnedRecord['kind']): Promise<LearnedRecord> {
  const record = await parseRecord(folder, kind);
  const weights = join(folder, 'encoder', WEIGHTS_FILE);
  if ((await sha256File(weights)) !== record.sha256)
    throw new MienError('weights', 'is not the file that training wrote', { file: weights });
  return record;
}

/** The kind of encoder in a folder. @throws MienError `weights`, `file` or `format` if it has no learned encoder. */
export const kindOfLearned = async (folder: string): Promise<LearnedRecord['kind']> =>
  (await parseRecord(folder)).kind;

/** Names and shapes of a classifier's parameters. */
export const classifierSpecs = (width: number, classes: number, classifier = CLASSIFIER) => [
  { name: `${classifier}.weight`, shape: [classes, width] },
  { name: `${classifier}.bias`, shape: [classes] },
];

/** @throws MienError `weights`, `file` or `format` if the folder has no finished text encoder. */
export async function readLearnedText(folder: string): Promise<LearnedText> {
  const record = await readRecord(folder, 'text');
  const encoder = join(folder, 'encoder');
  const configPath = join(encoder, 'config.json');
  const config = bertConfig(await readJson(configPath), configPath);
  const tokenizerPath = join(encoder, 'tokenizer.json');
  return {
    folder: encoder,
    record,
    labels: record.labels,
    config,
    maxTokens: Number(record.settings['maxTokens']),
    pooling: record.pooling,
    tokenizer: await readFile(tokenizerPath, 'utf8').catch((cause: unknown) => {
      throw fileError('read', tokenizerPath, cause);
    }),
    weights: await readWeights(join(encoder, WEIGHTS_FILE), {
      specs: [
        ...bertParameters(config),
        ...classifierSpecs(config.width, record.labels.length),
        ...(record.fine ? classifierSpecs(config.width, record.fine.length, FINE_CLASSIFIER) : []),
      ],
    }),
  };
}

/** @throws MienError `weights`, `file` or `format` if the folder has no finished face encoder. */
export async function readLearnedFace(folder: string): Promise<LearnedFace> {
  const record = await readRecord(folder, 'face');
  const encoder = join(folder, 'encoder');
  const configPath = join(encoder, 'config.json');
  const { network, input } = faceConfig(await readJson(configPath), 'published', configPath);
  const hasSecond = Number(record.settings['publishedLabels'] ?? 0) > 0;
  return {
    folder: encoder,
    record,
    labels: record.labels,
    network,
    input,
    weights: await readWeights(join(encoder, WEIGHTS_FILE), {
      specs: [
        ...faceNetworkParameters(network),
        ...classifierSpecs(network.width, record.labels.length),
        ...(hasSecond ? classifierSpecs(network.width, record.labels.length, PUBLISHED_CLASSIFIER) : []),
      ],
    }),
  };
}

/** @throws MienError `weights`, `file` or `format` if the folder has no finished voice encoder. */
export async function readLearnedVoice(folder: string): Promise<LearnedVoice> {
  const record = await readRecord(folder, 'voice');
  const encoder = join(folder, 'encoder');
  const configPath = join(encoder, 'config.json');
  const config = whisperConfig(await readJson(configPath), configPath);
  return {
    folder: encoder,
    record,
    labels: record.labels,
    config,
    weights: await readWeights(join(encoder, WEIGHTS_FILE), {
      specs: [...whisperParameters(config), ...classifierSpecs(embeddingWidth(config), record.labels.length)],
    }),
  };
}
