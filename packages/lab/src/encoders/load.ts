// Loads encoders: from published weights, tokenizer and network definition to functions that embed texts and images.
import { z } from 'zod';
import {
  collectParameters,
  constantParameters,
  createGraph,
  defined,
  encodeModel,
  input,
  MienError,
  type ParameterSpec,
  type Tensors,
} from 'mien-engine';
import { openSession, type OpenSession, parseJson, readText } from 'mien-engine/node';
import { checkData } from 'mien/parts/base';
import {
  createTokenizer,
  encodeInRuns,
  type EncoderIdentity,
  type FaceEncoder,
  idsOf,
  type TextEncoder,
  TEXTS_PER_RUN,
} from 'mien/parts/encoders';
import { bert, bertConfig, type BertConfig, poolTokens, quantizedParameters } from './bert.js';
import { efficientNetConfig } from './efficientnet.js';
import { type Computation, createFaceEncoder, type FaceInput } from './face-encoder.js';
import { type FaceNetwork, faceNetworkParameters } from './face-network.js';
import { mobileFaceNetConfig } from './mobilefacenet.js';
import { type PretrainedEncoder, type PretrainedOptions, readPretrained } from './pretrained.js';
import type { FaceEncoderSpec, Pooling, PretrainedSpec, TextEncoderSpec } from './profiles.js';

export interface LoadEncoderOptions extends PretrainedOptions {
  /** Threads of the encoder; all cores by default, which child processes divide among themselves. */
  threads?: number;
  /** Child processes that compute; 0 (the default) computes in this process. */
  processes?: number;
}

const computationOf = ({ threads, processes }: LoadEncoderOptions): Computation => ({ threads, processes });

/** Heads and constants in published BERT checkpoints. */
const IGNORED = /^(pooler|cls|(fine_)?classifier|pre_classifier|qa_outputs|vocab_\w+)\.|position_ids$/;

/** Names and shapes of a BERT's parameters. */
export const bertParameters = (config: BertConfig): ParameterSpec[] =>
  collectParameters((p) => bert(p, config, { ids: input(p.graph, 'ids', 'int32', [1, 1]) }));

/** How linear layers and the word table are computed: as published, or in integers (`quantizedParameters`). */
type TextPrecision = 'float32' | 'integer';

/** A session from `ids` `[batch, tokens]` to `embedding` `[batch, width]` and `states` `[batch, tokens, width]`. */
async function createBert(
  config: BertConfig,
  weights: Tensors,
  pooling: Pooling,
  { precision = 'float32', ...computation }: TextComputation,
): Promise<OpenSession> {
  const graph = createGraph('text-encoder');
  const ids = input(graph, 'ids', 'int32', ['batch', 'tokens']);
  const parameters = precision === 'integer' ? quantizedParameters : constantParameters;
  const states = bert(parameters(graph, weights), config, { ids });
  const model = encodeModel(graph, { embedding: poolTokens(states, pooling), states });
  return openSession(model, defined(computation));
}

export interface TextComputation extends Computation {
  readonly precision?: TextPrecision;
}

/** @throws MienError `data` if a text has no tokens, too many, or one outside the vocabulary */
function checkIds(batch: readonly Int32Array[], { positions, vocabulary }: BertConfig): void {
  for (const [i, ids] of batch.entries()) {
    if (ids.length === 0 || ids.length > positions)
      throw new MienError(
        'data',
        `text ${i} of the batch has ${ids.length} tokens; 1 to ${positions} are possible`,
      );
    const foreign = ids.find((id) => id < 0 || id >= vocabulary);
    if (foreign !== undefined)
      throw new MienError(
        'data',
        `text ${i} of the batch has token ${foreign}; the vocabulary has ${vocabulary}`,
      );
  }
}

/** The files of a published text encoder; weights are read on request. */
export interface PretrainedText extends PretrainedEncoder<BertConfig> {
  /** `tokenizer.json`: path, text and parsed content. */
  readonly tokenizer: { readonly path: string; readonly text: string; readonly json: unknown };
}

/** @throws MienError `weights`, `format`, `file` or `offline` if files are missing, of another model or damaged */
export async function readPretrainedText(
  spec: PretrainedSpec,
  options: PretrainedOptions = {},
): Promise<PretrainedText> {
  const encoder = await readPretrained(spec, options, bertConfig, (config) => ({
    specs: bertParameters(config),
    prefixes: [`${config.family}.`],
    ignored: IGNORED,
  }));
  const path = await encoder.located.path('tokenizer.json');
  const text = await readText(path);
  return { ...encoder, tokenizer: { path, text, json: parseJson(text, path) } };
}

/**
 * Loads a BERT-family encoder from a folder or the hub. The embedding of a text does not depend on the other texts of
 * the batch: texts of equal length are computed together, without padding.
 * @throws MienError `weights`, `format`, `file` or `offline` if its files are missing, of another model or damaged;
 *   `config` if `maxTokens` exceeds the model's maximum
 */
export async function loadTextEncoder(
  spec: TextEncoderSpec,
  options: LoadEncoderOptions = {},
): Promise<TextEncoder> {
  const { located, config, tokenizer: published, weights } = await readPretrainedText(spec, options);
  const { maxTokens, pooling } = spec;
  if (maxTokens > config.positions)
    throw new MienError('config', `${maxTokens} tokens; ${spec.id} takes at most ${config.positions}`, {
      field: 'maxTokens',
    });
  const tokenizer = createTokenizer(published.json, { maxTokens, file: published.path });
  const encoder = await createTextEncoder(config, await weights(), pooling, computationOf(options));
  const identity: EncoderIdentity = {
    id: spec.id,
    revision: located.revision,
    sha256: located.sha256,
    dtype: 'float32',
    preprocessing: { maxTokens, pooling },
  };
  return { ...encoder, identity, tokenize: (text) => tokenizer.encode(text) };
}

/** An encoder of token ids, from weights in memory. */
export async function createTextEncoder(
  config: BertConfig,
  weights: Tensors,
  pooling: Pooling,
  computation: TextComputation = {},
): Promise<Omit<TextEncoder, 'identity' | 'tokenize'>> {
  const session = await createBert(config, weights, pooling, computation);
  const { width } = config;

  // Texts of equal length share a run, without padding.
  const run = <const Output extends 'embedding' | 'states'>(
    batch: readonly Int32Array[],
    outputs: readonly Output[],
  ) => {
    checkIds(batch, config);
    const longest = Math.max(0, ...batch.map(({ length }) => length));
    return encodeInRuns(batch, {
      kindOf: ({ length }) => length,
      most: TEXTS_PER_RUN,
      parallel: session.parallel,
      shapes: { embedding: [width], states: [longest, width] },
      outputs,
      run: (texts) => session.run({ ids: idsOf(texts) }, outputs),
    });
  };

  return {
    width,
    parallel: session.parallel,
    encode: async (batch) => (await run(batch, ['embedding'])).embedding,
    encodeTokens: async (batch) => (await run(batch, ['states'])).states,
    async encodeBoth(batch) {
      const { embedding, states } = await run(batch, ['embedding', 'states']);
      return { embeddings: embedding, states };
    },
    dispose: () => session.dispose(),
  };
}

/** Classifiers, counters used only in training, and MobileFaceNet's layers for face recognition. */
const FACE_IGNORED = /^classifier\.|\.num_batches_tracked$|^(global_project|embedding)\.conv\./;
const triple = z.tuple([z.number(), z.number(), z.number()]);
/** The part of a timm config.json that is read. */
const schema = z.object({
  architecture: z.string(),
  pretrained_cfg: z.object({
    input_size: z.tuple([z.literal(3), z.int().positive(), z.int().positive()]),
    mean: triple,
    std: triple,
  }),
});

/**
 * Reads a parsed timm config.json.
 * @throws MienError `weights` with the key if it is invalid or the architecture has no definition
 */
export function faceConfig(
  json: unknown,
  imageSize: FaceEncoderSpec['imageSize'],
  file?: string,
): { network: FaceNetwork; input: FaceInput } {
  const { architecture, pretrained_cfg: published } = checkData(schema, json, {
    code: 'weights',
    file,
    hint: 'Face encoders are timm models, whose config.json has an architecture and a pretrained_cfg, or MobileFaceNet.',
  });
  const size = imageSize === 'published' ? published.input_size[1] : imageSize;
  if (!Number.isInteger(size) || size < 32)
    throw new MienError('config', `${size} pixels is not a valid image size`, {
      field: 'imageSize',
    });
  return {
    network:
      architecture === MOBILE_FACE_NET ? mobileFaceNetConfig() : efficientNetConfig(architecture, file),
    input: { size, mean: published.mean, std: published.std },
  };
}

const MOBILE_FACE_NET = 'mobilefacenet';

/** MobileFaceNet's published config.json, which differs from timm's by a name and a table of blocks. */
const publishedMobileFaceNet = z.object({
  name: z.literal('MobileFaceNet'),
  input: z.object({ size: z.tuple([z.int().positive(), z.int().positive()]) }),
  blocks: z.array(z.unknown()),
});

/** Converts MobileFaceNet's parsed config.json to timm's form; timm's is returned unchanged. */
export function timmConfig(json: unknown): unknown {
  const published = publishedMobileFaceNet.safeParse(json);
  if (!published.success) return json;
  const [height, width] = published.data.input.size;
  // (pixel − 127.5) / 128
  const [mean, std] = [0.5, 128 / 255];
  return {
    architecture: MOBILE_FACE_NET,
    num_features: mobileFaceNetConfig().width,
    pretrained_cfg: {
      input_size: [3, height, width],
      mean: [mean, mean, mean],
      std: [std, std, std],
    },
  };
}

/** The files of a published face encoder; weights are read on request. */
export interface PretrainedFace extends Omit<PretrainedEncoder<FaceNetwork>, 'config'> {
  /** `config.json` in timm's form. */
  readonly json: unknown;
  readonly network: FaceNetwork;
  readonly input: FaceInput;
}

/**
 * @throws MienError `weights`, `format`, `file` or `offline` if files are missing, of another model or damaged; `config`
 *   if `imageSize` is invalid
 */
export async function readPretrainedFace(
  spec: FaceEncoderSpec,
  options: PretrainedOptions = {},
): Promise<PretrainedFace> {
  const { located, json, config, weights } = await readPretrained(
    spec,
    options,
    (json, file) => faceConfig(timmConfig(json), spec.imageSize, file),
    ({ network }) => ({ specs: faceNetworkParameters(network), ignored: FACE_IGNORED }),
  );
  const { network, input } = config;
  return {
    located,
    json: timmConfig(json),
    network,
    input: { ...input, mirror: spec.mirror ?? false },
    weights,
  };
}

/**
 * Loads a face encoder from a folder or the hub.
 * @throws MienError `weights`, `format`, `file` or `offline` if its files are missing, of another model or damaged;
 *   `config` if `imageSize` is invalid
 */
export async function loadFaceEncoder(
  spec: FaceEncoderSpec,
  options: LoadEncoderOptions = {},
): Promise<FaceEncoder> {
  const { located, network, input: faces, weights } = await readPretrainedFace(spec, options);
  const { size, mean, std, mirror } = faces;
  const identity: EncoderIdentity = {
    id: spec.id,
    revision: located.revision,
    sha256: located.sha256,
    dtype: 'float32',
    preprocessing: {
      architecture: network.architecture,
      imageSize: size,
      crop: 'none',
      resize: 'bicubic, antialiased, 8 bit',
      mean: mean.join(' '),
      std: std.join(' '),
      ...(mirror && { mirror: 'mean of both mirror images' }),
    },
  };
  return createFaceEncoder(network, faces, await weights(), identity, computationOf(options));
}
