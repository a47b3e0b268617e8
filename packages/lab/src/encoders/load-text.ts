// Loads a text encoder: located weights, tokenizer and definition become something that embeds texts.
import {
  collectParameters,
  constantParameters,
  createGraph,
  createSession,
  encodeModel,
  input,
  MienError,
  type ParameterSpec,
  type Session,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { parseJson, readJson, readText } from 'mien-engine/node';
import { bert, bertConfig, poolTokens, type BertConfig } from './bert.js';
import {
  createTokenizer,
  encodeInRuns,
  type EncoderIdentity,
  idsOf,
  type TextEncoder,
  TEXTS_PER_RUN,
} from 'mien/parts';
import { locatePretrained, WEIGHTS_FILE, type Pretrained, type PretrainedOptions } from './pretrained.js';
import type { Pooling, PretrainedSpec, TextEncoderSpec } from './profiles.js';
import { quantizedParameters } from './quantized.js';
import { readWeights } from './weights.js';

export interface LoadEncoderOptions extends PretrainedOptions {
  /** Threads the encoder computes with; all cores by default. */
  threads?: number;
}

/** Heads and constants that published BERTs carry along. */
const IGNORED = /^(pooler|cls|(fine_)?classifier|pre_classifier|qa_outputs|vocab_\w+)\.|position_ids$/;

/** Names and shapes of a BERT's parameters. */
export const bertParameters = (config: BertConfig): ParameterSpec[] =>
  collectParameters((p) => bert(p, config, { ids: input(p.graph, 'ids', 'int32', [1, 1]) }));

/** How linear layers and the word table are computed: as published, or in whole numbers (see `quantized.ts`). */
type TextPrecision = 'float32' | 'integer';

/** A session from `ids` `[batch, tokens]` to `embedding` `[batch, width]` and `states` `[batch, tokens, width]`. */
async function createBert(
  config: BertConfig,
  weights: Tensors,
  pooling: Pooling,
  { threads, precision = 'float32' }: TextComputation,
): Promise<Session> {
  const graph = createGraph('text-encoder');
  const ids = input(graph, 'ids', 'int32', ['batch', 'tokens']);
  const parameters = precision === 'integer' ? quantizedParameters : constantParameters;
  const states = bert(parameters(graph, weights), config, { ids });
  const model = encodeModel(graph, { embedding: poolTokens(states, pooling), states });
  return createSession(model, threads === undefined ? {} : { threads });
}

export interface TextComputation {
  readonly threads?: number | undefined;
  readonly precision?: TextPrecision;
}

/** @throws MienError `data` when ids are none, too many, or not of the vocabulary. */
function checkIds(batch: readonly Int32Array[], { positions, vocabulary }: BertConfig): void {
  for (const [i, ids] of batch.entries()) {
    if (ids.length === 0 || ids.length > positions)
      throw new MienError(
        'data',
        `text ${i} of the batch has ${ids.length} tokens, 1 to ${positions} are possible`,
      );
    const foreign = ids.find((id) => id < 0 || id >= vocabulary);
    if (foreign !== undefined)
      throw new MienError('data', `text ${i} of the batch has token ${foreign}, there are ${vocabulary}`);
  }
}

/** A published text encoder as its files say; weights are read when they are asked for. */
export interface PretrainedText {
  readonly located: Pretrained;
  /** `config.json` as it is, and as far as it is read. */
  readonly json: unknown;
  readonly config: BertConfig;
  /** `tokenizer.json`: its path, its text, and what it says. */
  readonly tokenizer: { readonly path: string; readonly text: string; readonly json: unknown };
  weights(): Promise<Record<string, Tensor<'float32'>>>;
}

/** @throws MienError `weights`, `format`, `file` or `offline` when files are missing, foreign or damaged. */
export async function readPretrainedText(
  spec: PretrainedSpec,
  options: PretrainedOptions = {},
): Promise<PretrainedText> {
  const located = await locatePretrained(spec, options);
  const configPath = await located.path('config.json');
  const json = await readJson(configPath);
  const config = bertConfig(json, configPath);
  const path = await located.path('tokenizer.json');
  const text = await readText(path);
  const weights = async () =>
    readWeights(await located.path(WEIGHTS_FILE), {
      specs: bertParameters(config),
      prefixes: [`${config.family}.`],
      ignored: IGNORED,
    });
  return { located, json, config, tokenizer: { path, text, json: parseJson(text, path) }, weights };
}

/**
 * Loads a BERT-family encoder from a folder or the hub. Its embedding of a text does not depend on which texts share
 * the batch: texts of one length are computed together, and nothing is padded.
 * @throws MienError `weights`, `format`, `file` or `offline` when its files are missing, foreign or damaged; `config`
 *   when `maxTokens` is more than the model takes.
 */
export async function loadTextEncoder(
  spec: TextEncoderSpec,
  options: LoadEncoderOptions = {},
): Promise<TextEncoder> {
  const { located, config, tokenizer: published, weights } = await readPretrainedText(spec, options);
  const { maxTokens, pooling } = spec;
  if (maxTokens > config.positions)
    throw new MienError('config', `${maxTokens} tokens, ${spec.id} takes at most ${config.positions}`, {
      field: 'maxTokens',
    });
  const tokenizer = createTokenizer(published.json, { maxTokens, file: published.path });
  const encoder = await createTextEncoder(config, await weights(), pooling, { threads: options.threads });
  const identity: EncoderIdentity = {
    id: spec.id,
    revision: located.revision,
    sha256: located.sha256,
    dtype: 'float32',
    preprocessing: { maxTokens, pooling },
  };
  return { ...encoder, identity, tokenize: (text) => tokenizer.encode(text) };
}

/** An encoder of token ids, from weights that are in memory. */
export async function createTextEncoder(
  config: BertConfig,
  weights: Tensors,
  pooling: Pooling,
  computation: TextComputation = {},
): Promise<Omit<TextEncoder, 'identity' | 'tokenize'>> {
  const session = await createBert(config, weights, pooling, computation);
  const { width } = config;

  // Texts of one length share a run, so that nothing is padded.
  const run = <const Output extends 'embedding' | 'states'>(
    batch: readonly Int32Array[],
    outputs: readonly Output[],
  ) => {
    checkIds(batch, config);
    const longest = Math.max(0, ...batch.map(({ length }) => length));
    return encodeInRuns(batch, {
      kindOf: ({ length }) => length,
      most: TEXTS_PER_RUN,
      shapes: { embedding: [width], states: [longest, width] },
      outputs,
      run: (texts) => session.run({ ids: idsOf(texts) }, outputs),
    });
  };

  return {
    width,
    encode: async (batch) => (await run(batch, ['embedding'])).embedding,
    encodeTokens: async (batch) => (await run(batch, ['states'])).states,
    async encodeBoth(batch) {
      const { embedding, states } = await run(batch, ['embedding', 'states']);
      return { embeddings: embedding, states };
    },
    dispose: () => session.dispose(),
  };
}
