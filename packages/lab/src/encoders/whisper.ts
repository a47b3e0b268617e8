// Whisper's encoder on the graph, driven by config.json, parameters under the checkpoint's names.
// Source: Radford et al. 2023, section 2.2; names and layer order as in Hugging Face transformers.
import {
  add,
  concat,
  constantInit,
  conv1d,
  defined,
  div,
  firstRows,
  float32,
  gelu,
  linear,
  linearProduct,
  matmul,
  maximum,
  mean,
  mul,
  normalInit,
  normalized,
  type Parameters,
  reshape,
  scoped,
  softmax,
  sqrt,
  sub,
  sum,
  type Tensors,
  transpose,
  uniformInit,
  type Value,
} from 'mien-engine';
import { checkData } from 'mien/parts/base';
import { z } from 'zod';
import { checkHeads, count } from './config.js';
import { isWithin } from './log-mel.js';

export interface WhisperConfig {
  /** Bands of the spectrogram. */
  readonly bands: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width between the two layers of the feed-forward part. */
  readonly inner: number;
  /** Most states of a clip, of 20 ms each. */
  readonly positions: number;
  /**
   * What is pooled to an embedding: means and deviations over time of the states of every block, standardised; if missing,
   * the mean of the normalised states of the last. Emotion is in other blocks than words are, and in how states vary.
   */
  readonly pooling?: 'statistics' | undefined;
}

/** Width of the embedding. */
export const embeddingWidth = ({ width, layers, pooling }: WhisperConfig): number =>
  pooling === 'statistics' ? 2 * (layers + 1) * width : width;

const schema = z.object({
  model_type: z.literal('whisper'),
  num_mel_bins: count,
  d_model: count,
  encoder_layers: count,
  encoder_attention_heads: count,
  encoder_ffn_dim: count,
  max_source_positions: count,
  activation_function: z.literal('gelu'),
  scale_embedding: z.literal(false).default(false),
  pooling: z.literal('statistics').optional(),
});

/**
 * Reads a parsed config.json.
 * @throws MienError `weights` with the key if it is not a supported Whisper
 */
export function whisperConfig(json: unknown, file?: string): WhisperConfig {
  const hint = 'Voice encoders are of the model type whisper.';
  const data = checkData(schema, json, { code: 'weights', file, hint });
  const config: WhisperConfig = {
    bands: data.num_mel_bins,
    width: data.d_model,
    layers: data.encoder_layers,
    heads: data.encoder_attention_heads,
    inner: data.encoder_ffn_dim,
    positions: data.max_source_positions,
    ...defined({ pooling: data.pooling }),
  };
  checkHeads(config, file);
  return config;
}

const kernelBound = (inputs: number): number => 1 / Math.sqrt(inputs * 3);

/** A convolution of three frames with GELU: `[batch, in, frames]` → `[batch, width, ⌈frames / stride⌉]`. */
function convolve(
  p: Parameters,
  name: string,
  x: Value,
  inputs: number,
  width: number,
  stride: number,
): Value {
  return scoped(p.graph, name, () => {
    const init = uniformInit(kernelBound(inputs));
    const weight = p.get(`${name}.weight`, [width, inputs, 3], init);
    return gelu(conv1d(x, weight, { bias: p.get(`${name}.bias`, [width], init), stride, padding: 1 }));
  });
}

/** Added to the scores of steps after a clip's last. */
const MASKED = -1e9;

/** Scaled dot-product attention of all states to all (Vaswani et al. 2017); keys have no bias. */
function attend(
  p: Parameters,
  name: string,
  x: Value,
  { heads, width }: WhisperConfig,
  real: Value | undefined,
): Value {
  const [batch, steps] = x.shape as [number, number];
  const split = (projected: Value, order: readonly number[]): Value =>
    transpose(reshape(projected, [batch, steps, heads, width / heads]), order);
  const query = split(linear(p, `${name}.q_proj`, x, width), [0, 2, 1, 3]);
  const keys =
    p.linear?.(`${name}.k_proj`, x) ??
    linearProduct(x, p.get(`${name}.k_proj.weight`, [width, width], uniformInit(1 / Math.sqrt(width))));
  const value = split(linear(p, `${name}.v_proj`, x, width), [0, 2, 1, 3]);
  const scores = mul(matmul(query, split(keys, [0, 2, 3, 1])), 1 / Math.sqrt(width / heads));
  const masked =
    real === undefined ? scores : add(scores, mul(sub(1, reshape(real, [batch, 1, 1, steps])), MASKED));
  const context = reshape(transpose(matmul(softmax(masked), value), [0, 2, 1, 3]), [batch, steps, width]);
  return linear(p, `${name}.out_proj`, context, width);
}

/** A block with pre-normalisation: attention, then a feed-forward part, each added to its input. */
function block(p: Parameters, name: string, x: Value, config: WhisperConfig, real?: Value): Value {
  return scoped(p.graph, name, () => {
    const attended = add(
      x,
      attend(p, `${name}.self_attn`, normalized(p, `${name}.self_attn_layer_norm`, x), config, real),
    );
    const expanded = linear(
      p,
      `${name}.fc1`,
      normalized(p, `${name}.final_layer_norm`, attended),
      config.inner,
    );
    return add(attended, linear(p, `${name}.fc2`, gelu(expanded), config.width));
  });
}

export interface WhisperStates {
  /** Of the convolutions with positions added, then of each block: `[batch, steps, width]` with ⌈frames / 2⌉ steps. */
  readonly layers: readonly Value[];
  /** Of the last block, normalised. */
  readonly last: Value;
}

/**
 * States of a clip at its own length, from its log-mel spectrogram `[batch, bands, frames]`. The number of frames may be
 * known only at run time if the parameters are constants. Whisper itself pads every clip to 30 s, which costs ten times
 * the time of a sentence.
 * Clips of different lengths are padded with zeros to one, `lengths` being the frames of each, int32 `[batch]`: their states
 * are those that they have alone.
 * @param blocks how many of the blocks to compute (all by default); with fewer, `last` is not of the published encoder.
 * @throws MienError `shape` when there are more frames than twice the positions.
 */
export function whisper(
  p: Parameters,
  config: WhisperConfig,
  mel: Value,
  blocks = config.layers,
  lengths?: Value,
): WhisperStates {
  const { width, bands, positions } = config;
  const first = convolve(p, 'conv1', mel, bands, width, 1);
  const [batch, , frames] = first.shape as [number, number, number];
  const heard = lengths ? mul(first, reshape(isWithin(lengths, frames), [batch, 1, frames])) : first;
  const convolved = convolve(p, 'conv2', heard, width, width, 2);
  const places = p.get('embed_positions.weight', [positions, width], normalInit(0.02));
  const states = transpose(convolved, [0, 2, 1]);
  const layers = [add(states, firstRows(places, states.shape[1]!))];
  const real = lengths && stepsWithin(lengths, states.shape[1] as number);
  for (let i = 0; i < blocks; i++) layers.push(block(p, `layers.${i}`, layers.at(-1)!, config, real));
  return {
    layers,
    // Computed on request: weights cut off after a block lack this norm.
    get last() {
      return normalized(p, 'layer_norm', layers.at(-1)!);
    },
  };
}

/** 1 for the steps of clips with so many frames, two frames a step: float32 `[batch, steps]`. */
const stepsWithin = (lengths: Value, steps: number): Value => isWithin(lengths, steps, 2);

/**
 * One embedding a clip, the mean over time: `[batch, steps, width]` → `[batch, width]`; of padded clips with the frames of
 * each, over their own steps.
 */
export function poolSteps(states: Value, lengths?: Value): Value {
  if (lengths === undefined) return mean(states, [1]);
  const [batch, steps] = states.shape as [number, number];
  const real = stepsWithin(lengths, steps);
  return div(sum(mul(states, reshape(real, [batch, steps, 1])), [1]), sum(real, [1], true));
}

/** Least variance: of two equal states the square root would have no gradient. */
const LEAST_VARIANCE = 1e-6;

/** Names of what embeddings of statistics are standardised by; they are not trained. */
const [POOL_MEAN, POOL_SCALE] = ['pool.mean', 'pool.scale'];

/** The weights by which statistics are standardised: (x − mean) · scale, both `[embeddingWidth]`. */
export const poolOf = (centre: Float32Array, scale: Float32Array): Tensors => ({
  [POOL_MEAN]: float32([centre.length], centre),
  [POOL_SCALE]: float32([scale.length], scale),
});

/** Those that leave statistics as they are. */
export function unscaledPool(config: WhisperConfig): Tensors {
  const width = embeddingWidth(config);
  return poolOf(new Float32Array(width), new Float32Array(width).fill(1));
}

/** Whether a weight is one by which statistics are standardised. */
export const isPool = (name: string): boolean => name === POOL_MEAN || name === POOL_SCALE;

/** The embeddings of clips `[batch, embeddingWidth]` from the states of all blocks; `lengths` as for `whisper`. */
export function embedStates(
  p: Parameters,
  config: WhisperConfig,
  states: WhisperStates,
  lengths?: Value,
): Value {
  if (config.pooling === undefined) return poolSteps(states.last, lengths);
  const statistics = states.layers.flatMap((layer) => {
    const centre = poolSteps(layer, lengths);
    const [batch, width] = centre.shape as [number, number];
    const apart = sub(layer, reshape(centre, [batch, 1, width]));
    const variance = poolSteps(mul(apart, apart), lengths);
    return [centre, sqrt(maximum(variance, LEAST_VARIANCE))];
  });
  const width = [embeddingWidth(config)];
  return scoped(p.graph, 'pool', () =>
    mul(
      sub(concat(statistics, 1), p.get(POOL_MEAN, width, constantInit(0))),
      p.get(POOL_SCALE, width, constantInit(1)),
    ),
  );
}

/** Parts of the encoder that rates and `from` refer to, from its input on. */
export const whisperParts = ({ layers }: WhisperConfig): string[] => [
  'conv1',
  'conv2',
  ...Array.from({ length: layers }, (_, i) => `layers.${i}`),
];

/** The part that a parameter belongs to; the last norm belongs to the last block, the fixed positions to none. */
export function whisperPartOf({ layers }: WhisperConfig, name: string): string | undefined {
  if (name.startsWith('layer_norm.')) return `layers.${layers - 1}`;
  return /^(conv\d|layers\.\d+)\./.exec(name)?.[1];
}
