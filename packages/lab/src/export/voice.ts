// The voice model of a bundle: from samples to an embedding and logits in one ONNX file.
import {
  constantParameters,
  createGraph,
  encodeModel,
  float32,
  type Graph,
  input,
  type Parameters,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { quantizedLinears } from '../encoders/bert.js';
import { embedVoice, type VoiceEncoderSpec } from '../encoders/load-voice.js';
import { isPool, type WhisperConfig } from '../encoders/whisper.js';
import { CLASSIFIER } from '../learn/classifier.js';
import { halfParameters, linearTop, type Precision, type Top } from './models.js';

/** What a bundle's model contains of a learned voice encoder. */
export interface VoiceWeights {
  readonly config: WhisperConfig;
  /**
   * The encoder's, and `classifier.weight` `[labels, width]` with `classifier.bias`; blocks above `block` may be
   * missing.
   */
  readonly weights: Tensors;
  /** The block whose states are averaged, counted from 1, or `published`: all of them, normalised. */
  readonly block: VoiceEncoderSpec['block'];
  readonly labels: readonly string[];
}

/**
 * Layers that stay float32, stored as float16: the rounding errors of the attention's values and output
 * survive the mean over time best, better than those of layers four times as large.
 */
const EXACT = /\.self_attn\.(v|out)_proj$/;

function smallParameters(graph: Graph, weights: Tensors): Parameters {
  const quantized = quantizedLinears(graph, weights);
  const halves = halfParameters(graph, weights);
  const exact = constantParameters(graph, weights);
  return {
    ...halves,
    // What an embedding is standardised by may be large beside what is left.
    get: (name, shape, init) => (isPool(name) ? exact : halves).get(name, shape, init),
    linear: (name, x) => (EXACT.test(name) ? undefined : quantized(name, x)),
  };
}

/**
 * From `samples` `[1, n]` at 16 kHz, trimmed and levelled, at least 201 and at most 30 s in Whisper, to `embedding`
 * `[1, width]`, pooled over time, and `logits` `[1, labels]`. Small models compute most linear
 * layers in integers (seven-bit weights, activations quantised as they come); kernels and positions are stored as
 * float16, and the spectrogram stays float32, since its logarithm would enlarge what is rounded off quiet bands.
 * @throws MienError `config` if there is no such block, `weights` that names a missing tensor.
 */
export function voiceModel(
  { config, weights, block }: Omit<VoiceWeights, 'labels'>,
  top: Top,
  precision: Precision = 'small',
): Uint8Array {
  const graph = createGraph('voice');
  const samples = input(graph, 'samples', 'float32', [1, 'samples']);
  const p = precision === 'small' ? smallParameters(graph, weights) : constantParameters(graph, weights);
  const { embedding } = embedVoice(p, config, samples, block);
  return encodeModel(graph, { embedding, logits: top(embedding) });
}

/**
 * The weights with the bias by which logits of the small model have the mean that those of the exact one have on the same
 * clips, both `[clips, labels]`: rounding moves all embeddings a little in one direction.
 */
export function withBias<Voice extends Pick<VoiceWeights, 'weights'>>(
  voice: Voice,
  exact: Tensor<'float32'>,
  small: Tensor<'float32'>,
): Voice {
  const name = `${CLASSIFIER}.bias`;
  const { shape, data } = voice.weights[name] as Tensor<'float32'>;
  const [rows, classes] = exact.shape as [number, number];
  const moved = data.map((bias, c) => {
    let difference = 0;
    for (let i = c; i < exact.data.length; i += classes) difference += exact.data[i]! - small.data[i]!;
    return bias + difference / Math.max(1, rows);
  });
  return { ...voice, weights: { ...voice.weights, [name]: float32(shape, moved) } };
}

/** The model of a learned voice encoder with its own classifier. */
export const learnedVoiceModel = (voice: VoiceWeights, precision?: Precision): Uint8Array =>
  voiceModel(voice, linearTop(voice.weights, voice.labels.length), precision);
