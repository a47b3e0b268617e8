// Whisper's decoder on the graph: from tokens and the encoder's states to the logits of the next token, with cached keys and
// values. Source: Radford et al. 2023, section 2.2; names and layer order as in Hugging Face transformers.
import {
  add,
  concat,
  constant,
  firstRows,
  gather,
  gelu,
  int32,
  lessOrEqual,
  linear,
  linearProduct,
  matmul,
  MienError,
  mul,
  normalInit,
  normalized,
  type Parameters,
  reshape,
  scoped,
  softmax,
  transpose,
  uniformInit,
  type Value,
  where,
} from 'mien-engine';
import { checkData } from 'mien/parts/base';
import { z } from 'zod';
import { checkHeads, count } from './config.js';

export interface WhisperDecoderConfig {
  readonly vocabulary: number;
  /** Width of the encoder's states too. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width between the two layers of the feed-forward part. */
  readonly inner: number;
  /** Most tokens, those of the prompt included. */
  readonly positions: number;
}

const schema = z.object({
  model_type: z.literal('whisper'),
  vocab_size: count,
  d_model: count,
  decoder_layers: count,
  decoder_attention_heads: count,
  decoder_ffn_dim: count,
  max_target_positions: count,
  activation_function: z.literal('gelu'),
  scale_embedding: z.literal(false).default(false),
  tie_word_embeddings: z.literal(true).default(true),
});

/**
 * Reads the decoder's part of a parsed config.json.
 * @throws MienError `weights` with the key if it is not a supported Whisper
 */
export function whisperDecoderConfig(json: unknown, file?: string): WhisperDecoderConfig {
  const data = checkData(schema, json, { code: 'weights', file });
  const config: WhisperDecoderConfig = {
    vocabulary: data.vocab_size,
    width: data.d_model,
    layers: data.decoder_layers,
    heads: data.decoder_attention_heads,
    inner: data.decoder_ffn_dim,
    positions: data.max_target_positions,
  };
  checkHeads(config, file);
  return config;
}

/** Keys and values of one attention, as its products take them; `size` is `width / heads`. */
export interface Attended {
  /** `[1, heads, size, time]` */
  readonly keys: Value;
  /** `[1, heads, time, size]` */
  readonly values: Value;
}

/** The two orders in which the axes of `[1, time, heads, size]` are needed. */
const BY_TIME = [0, 2, 1, 3];
const BY_SIZE = [0, 2, 3, 1];

function split(x: Value, { heads, width }: WhisperDecoderConfig, order: readonly number[]): Value {
  return transpose(reshape(x, [1, x.shape[1]!, heads, width / heads]), order);
}

/** Keys have no bias: it would shift all scores of a query equally. */
function unbiased(p: Parameters, name: string, x: Value, width: number): Value {
  const init = uniformInit(1 / Math.sqrt(width));
  return p.linear?.(name, x) ?? linearProduct(x, p.get(`${name}.weight`, [width, width], init));
}

function project(p: Parameters, name: string, x: Value, config: WhisperDecoderConfig): Attended {
  return scoped(p.graph, name, () => ({
    keys: split(unbiased(p, `${name}.k_proj`, x, config.width), config, BY_SIZE),
    values: split(linear(p, `${name}.v_proj`, x, config.width), config, BY_TIME),
  }));
}

/** Scaled dot-product attention (Vaswani et al. 2017); `bias` `[tokens, time]` is added to the scores. */
function attend(
  p: Parameters,
  name: string,
  x: Value,
  { keys, values }: Attended,
  config: WhisperDecoderConfig,
  bias?: Value,
): Value {
  const { width, heads } = config;
  return scoped(p.graph, name, () => {
    const queries = split(linear(p, `${name}.q_proj`, x, width), config, BY_TIME);
    const scores = mul(matmul(queries, keys), 1 / Math.sqrt(width / heads));
    const context = matmul(softmax(bias ? add(scores, bias) : scores), values);
    return linear(p, `${name}.out_proj`, reshape(transpose(context, BY_TIME), x.shape), width);
  });
}

/**
 * What each block's cross-attention reads, from the encoder's states `[1, steps, width]`: computed once for all tokens.
 */
export const crossAttended = (p: Parameters, config: WhisperDecoderConfig, states: Value): Attended[] =>
  Array.from({ length: config.layers }, (_, i) => project(p, `layers.${i}.encoder_attn`, states, config));

export interface WhisperDecoderInputs {
  /** int32 `[1, tokens]` */
  readonly ids: Value;
  /** int32 `[tokens]`: places of the tokens in the text, from 0, without gaps. */
  readonly places: Value;
  /** What the blocks' self-attentions kept of the tokens before; undefined for none. */
  readonly past?: readonly Attended[];
  readonly cross: readonly Attended[];
}

export interface WhisperDecoderOutputs {
  /** Of the next token after each, `[tokens, vocabulary]`. */
  readonly logits: Value;
  /** The past with these tokens added. */
  readonly present: readonly Attended[];
}

/** Added to the scores of tokens that are not there yet. */
const MASKED = -1e9;

/** The table that both embeds tokens and gives their logits: a linear layer without bias, and rows. */
export const TOKEN_TABLE = 'embed_tokens';

const tokenTable = (p: Parameters, { vocabulary, width }: WhisperDecoderConfig): Value =>
  p.get(`${TOKEN_TABLE}.weight`, [vocabulary, width], normalInit(0.02));

/**
 * The decoder on one text. Numbers of tokens, of tokens before and of the encoder's states may be known only at run time if
 * the parameters are constants, so that one model computes a prompt and continues it token by token.
 * @throws MienError `shape` if there is not one past and one cross-attention for each block
 */
export function whisperDecoder(
  p: Parameters,
  config: WhisperDecoderConfig,
  { ids, places, past, cross }: WhisperDecoderInputs,
): WhisperDecoderOutputs {
  const { width, inner, layers, positions } = config;
  if (cross.length !== layers || (past !== undefined && past.length !== layers))
    throw new MienError('shape', `the decoder has ${layers} blocks, each with keys and values of its own`);
  const words = p.rows?.(`${TOKEN_TABLE}.weight`, ids) ?? gather(tokenTable(p, config), ids);
  let x = add(words, gather(p.get('embed_positions.weight', [positions, width], normalInit(0.02)), places));

  const present: Attended[] = [];
  let mask: Value | undefined;
  for (let i = 0; i < layers; i++) {
    const at = (name: string): string => `layers.${i}.${name}`;
    x = scoped(p.graph, `layers.${i}`, () => {
      const before = normalized(p, at('self_attn_layer_norm'), x);
      const own = project(p, at('self_attn'), before, config);
      const all = past ? extended(past[i]!, own) : own;
      present.push(all);
      mask ??= causalMask(places, all, positions);
      const listened = add(x, attend(p, at('self_attn'), before, all, config, mask));
      const query = normalized(p, at('encoder_attn_layer_norm'), listened);
      const heard = add(listened, attend(p, at('encoder_attn'), query, cross[i]!, config));
      const expanded = gelu(linear(p, at('fc1'), normalized(p, at('final_layer_norm'), heard), inner));
      return add(heard, linear(p, at('fc2'), expanded, width));
    });
  }

  const last = normalized(p, 'layer_norm', reshape(x, [ids.shape[1]!, width]));
  return { logits: p.linear?.(TOKEN_TABLE, last) ?? linearProduct(last, tokenTable(p, config)), present };
}

const extended = (past: Attended, own: Attended): Attended => ({
  keys: concat([past.keys, own.keys], 3),
  values: concat([past.values, own.values], 2),
});

/** `[tokens, time]`: 0 up to a token's own place, and next to −∞ behind it. */
function causalMask(places: Value, { keys }: Attended, positions: number): Value {
  const [tokens, time] = [places.shape[0]!, keys.shape[3]!];
  const every = int32(
    [positions],
    Int32Array.from({ length: positions }, (_, i) => i),
  );
  const times = reshape(firstRows(constant(places.graph, every), time), [1, time]);
  return where(lessOrEqual(times, reshape(places, [tokens, 1])), 0, MASKED);
}
