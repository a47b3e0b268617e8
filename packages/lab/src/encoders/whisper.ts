// Whisper's encoder on the graph, driven by config.json, parameters under the checkpoint's names.
// Source: Radford et al. 2023, section 2.2; names and layer order as in Hugging Face transformers.
import {
  add,
  conv1d,
  defined,
  firstRows,
  gelu,
  linear,
  linearProduct,
  matmul,
  mean,
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
} from 'mien-engine';
import { z } from 'zod';

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
}

const count = z.int().positive();
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
});

/**
 * Reads a parsed config.json.
 * @throws MienError `weights` that names the key when it is not one of a Whisper that can be built.
 */
export function whisperConfig(json: unknown, file?: string): WhisperConfig {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue!.path.join('.');
    throw new MienError('weights', issue!.message, {
      ...defined({ file, field: field || undefined }),
      hint: 'Voice encoders are of the model type whisper.',
    });
  }
  const { data } = parsed;
  const config: WhisperConfig = {
    bands: data.num_mel_bins,
    width: data.d_model,
    layers: data.encoder_layers,
    heads: data.encoder_attention_heads,
    inner: data.encoder_ffn_dim,
    positions: data.max_source_positions,
  };
  if (config.width % config.heads !== 0)
    throw new MienError(
      'weights',
      `width ${config.width} cannot be divided among ${config.heads} heads`,
      defined({ file }),
    );
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

/** Scaled dot-product attention of all states to all (Vaswani et al. 2017); keys have no bias. */
function attend(p: Parameters, name: string, x: Value, { heads, width }: WhisperConfig): Value {
  const [batch, steps] = x.shape as [number, number];
  const split = (projected: Value, order: readonly number[]): Value =>
    transpose(reshape(projected, [batch, steps, heads, width / heads]), order);
  const query = split(linear(p, `${name}.q_proj`, x, width), [0, 2, 1, 3]);
  const keys =
    p.linear?.(`${name}.k_proj`, x) ??
    linearProduct(x, p.get(`${name}.k_proj.weight`, [width, width], uniformInit(1 / Math.sqrt(width))));
  const value = split(linear(p, `${name}.v_proj`, x, width), [0, 2, 1, 3]);
  const scores = mul(matmul(query, split(keys, [0, 2, 3, 1])), 1 / Math.sqrt(width / heads));
  const context = reshape(transpose(matmul(softmax(scores), value), [0, 2, 1, 3]), [batch, steps, width]);
  return linear(p, `${name}.out_proj`, context, width);
}

/** A block with pre-normalisation: attention, then a feed-forward part, each added to its input. */
function block(p: Parameters, name: string, x: Value, config: WhisperConfig): Value {
  return scoped(p.graph, name, () => {
    const attended = add(
      x,
      attend(p, `${name}.self_attn`, normalized(p, `${name}.self_attn_layer_norm`, x), config),
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
 * @param blocks how many of the blocks to compute (all by default); with fewer, `last` is not of the published encoder.
 * @throws MienError `shape` when there are more frames than twice the positions.
 */
export function whisper(
  p: Parameters,
  config: WhisperConfig,
  mel: Value,
  blocks = config.layers,
): WhisperStates {
  const { width, bands, positions } = config;
  const convolved = convolve(p, 'conv2', convolve(p, 'conv1', mel, bands, width, 1), width, width, 2);
  const places = p.get('embed_positions.weight', [positions, width], normalInit(0.02));
  const states = transpose(convolved, [0, 2, 1]);
  const layers = [add(states, firstRows(places, states.shape[1]!))];
  for (let i = 0; i < blocks; i++) layers.push(block(p, `layers.${i}`, layers.at(-1)!, config));
  return {
    layers,
    // Not needed by who reads a block's states, whose weights may lack it.
    get last() {
      return normalized(p, 'layer_norm', layers.at(-1)!);
    },
  };
}

/** One embedding a clip, the mean over time: `[batch, steps, width]` → `[batch, width]`. */
export const poolSteps = (states: Value): Value => mean(states, [1]);
