// A learned encoder with its classifier, read back from the folder that `mien learn` wrote.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MienError, type Tensors } from 'mien-engine/base';
import { fileError, readJson, sha256File } from 'mien-engine/node';
import { bertConfig, type BertConfig } from '../encoders/bert.js';
import { bertParameters, faceConfig } from '../encoders/load.js';
import type { FaceInput } from '../encoders/face-encoder.js';
import { type FaceNetwork, faceNetworkParameters } from '../encoders/face-network.js';
import { readWeights } from '../encoders/weights.js';
import { WEIGHTS_FILE } from '../encoders/pretrained.js';
import { CLASSIFIER, FINE_CLASSIFIER, PUBLISHED_CLASSIFIER } from './classifier.js';
import { learnedSchema, type LearnedRecord } from './record.js';

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

/** The record in a folder, of this kind if one is asked for. */
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

/** What a folder holds. @throws MienError `weights`, `file` or `format` when it holds no learned encoder. */
export const kindOfLearned = async (folder: string): Promise<LearnedRecord['kind']> =>
  (await parseRecord(folder)).kind;

const classifierSpecs = (width: number, classes: number, classifier = CLASSIFIER) => [
  { name: `${classifier}.weight`, shape: [classes, width] },
  { name: `${classifier}.bias`, shape: [classes] },
];

/** @throws MienError `weights`, `file` or `format` when the folder does not hold a finished text encoder. */
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

/** @throws MienError `weights`, `file` or `format` when the folder does not hold a finished face encoder. */
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
