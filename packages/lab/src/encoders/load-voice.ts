// Loads a voice encoder: located weights and definition become something that embeds speech.
import {
  collectParameters,
  constantParameters,
  createGraph,
  defined,
  encodeModel,
  float32,
  forEachParallel,
  input,
  MienError,
  type Parameters,
  type ParameterSpec,
  type Tensor,
  type Tensors,
  type Value,
} from 'mien-engine';
import { openSession } from 'mien-engine/node';
import type { EncoderIdentity } from 'mien/parts/encoders';
import type { LoadEncoderOptions } from './load.js';
import { HOP, logMel, SAMPLE_RATE } from './log-mel.js';
import { type PretrainedEncoder, type PretrainedOptions, readPretrained } from './pretrained.js';
import type { PretrainedSpec } from './profiles.js';
import {
  embeddingWidth,
  embedStates,
  poolSteps,
  whisper,
  whisperConfig,
  type WhisperConfig,
} from './whisper.js';

export interface VoiceEncoderSpec extends PretrainedSpec {
  /** Blocks whose last states are averaged, counted from 1; `published` takes the normalised states of the last. */
  readonly block: number | 'published';
}

/**
 * OpenAI's Whisper tiny.en (MIT). Its third block tells emotions apart best when it is frozen: the last ones are made for
 * words.
 */
export const whisperTiny: VoiceEncoderSpec = { id: 'openai/whisper-tiny.en', revision: 'main', block: 3 };

export interface VoiceEncoder {
  readonly identity: EncoderIdentity;
  /** Width of the embedding. */
  readonly width: number;
  /** Calls that are worth making at the same time; 1 if undefined. */
  readonly parallel?: number;
  /** Longest clip, in samples. */
  readonly maxSamples: number;
  /** Pooled embeddings `[n, width]` of n clips at 16 kHz, each computed at its own length. */
  encode(batch: readonly Float32Array[]): Promise<Tensor<'float32'>>;
  /** States of one clip, `[steps, width]`, one for each 20 ms. */
  encodeSteps(samples: Float32Array): Promise<Tensor<'float32'>>;
  dispose(): Promise<void>;
}

/** Fewest samples of which there is a spectrogram: the sound is reflected by half a window. */
export const LEAST_SAMPLES = 201;

/** Names and shapes of an encoder's parameters. */
export const whisperParameters = (config: WhisperConfig): ParameterSpec[] =>
  collectParameters((p) => {
    const states = whisper(p, config, input(p.graph, 'mel', 'float32', [1, config.bands, 2]));
    // Published encoders have the last norm whether it is pooled or not.
    return [states.last, embedStates(p, config, states)];
  });

/** @throws MienError `weights`, `format`, `file` or `offline` if files are missing, of another model or damaged */
export const readPretrainedVoice = (
  spec: PretrainedSpec,
  options: PretrainedOptions = {},
): Promise<PretrainedEncoder<WhisperConfig>> =>
  readPretrained(spec, options, whisperConfig, (config) => ({
    specs: whisperParameters(config),
    prefixes: ['model.encoder.', 'encoder.'],
    ignored: /^classifier\./,
  }));

/**
 * Loads a voice encoder from a folder or the hub.
 * @throws MienError `weights`, `format`, `file` or `offline` when its files are missing, foreign or damaged; `config`
 *   when there is no such block.
 */
export async function loadVoiceEncoder(
  spec: VoiceEncoderSpec,
  options: LoadEncoderOptions = {},
): Promise<VoiceEncoder> {
  const { located, config, weights } = await readPretrainedVoice(spec, options);
  const { block } = spec;
  const identity: EncoderIdentity = {
    id: spec.id,
    revision: located.revision,
    sha256: located.sha256,
    dtype: 'float32',
    preprocessing: { sampleRate: SAMPLE_RATE, length: 'own', block, pooling: 'mean' },
  };
  return createVoiceEncoder(config, await weights(), identity, {
    block,
    ...defined({ threads: options.threads, processes: options.processes }),
  });
}

export interface VoiceComputation {
  readonly threads?: number;
  readonly processes?: number;
  readonly block?: VoiceEncoderSpec['block'];
}

/**
 * The embedding of samples `[1, n]` at 16 kHz and the states `[1, steps, width]` of a block, one for each 20 ms. The blocks
 * above it are neither computed nor needed in the weights. `published` pools as the encoder's configuration says.
 * @throws MienError `config` when there is no such block.
 */
export function embedVoice(
  p: Parameters,
  config: WhisperConfig,
  samples: Value,
  block: VoiceEncoderSpec['block'],
): { readonly embedding: Value; readonly states: Value } {
  if (block !== 'published' && !(Number.isInteger(block) && block >= 1 && block <= config.layers))
    throw new MienError('config', `there is no block ${block}, the encoder has ${config.layers}`, {
      field: 'block',
    });
  const mel = logMel(samples, config.bands);
  if (block !== 'published') {
    const states = whisper(p, config, mel, block).layers[block]!;
    return { embedding: poolSteps(states), states };
  }
  const all = whisper(p, config, mel);
  return { embedding: embedStates(p, config, all), states: all.last };
}

/**
 * An encoder from weights that are in memory.
 * @throws MienError `config` when there is no such block.
 */
export async function createVoiceEncoder(
  config: WhisperConfig,
  weights: Tensors,
  identity: EncoderIdentity,
  { block = 'published', ...computation }: VoiceComputation = {},
): Promise<VoiceEncoder> {
  const graph = createGraph('voice-encoder');
  const samples = input(graph, 'samples', 'float32', [1, 'samples']);
  const outputs = embedVoice(constantParameters(graph, weights), config, samples, block);
  const session = await openSession(encodeModel(graph, outputs), computation);
  const width = block === 'published' ? embeddingWidth(config) : config.width;
  const maxSamples = config.positions * 2 * HOP;

  const run = async <const Output extends 'embedding' | 'states'>(clip: Float32Array, output: Output) => {
    if (clip.length < LEAST_SAMPLES || clip.length > maxSamples)
      throw new MienError(
        'data',
        `a clip has ${clip.length} samples, ${LEAST_SAMPLES} to ${maxSamples} are possible`,
        { hint: `Cut recordings into clips of at most ${maxSamples / SAMPLE_RATE} s.` },
      );
    const result = await session.run({ samples: float32([1, clip.length], clip) }, [output]);
    return result[output] as Tensor<'float32'>;
  };

  return {
    identity,
    width,
    parallel: session.parallel,
    maxSamples,
    async encode(batch) {
      const embeddings = new Float32Array(batch.length * width);
      await forEachParallel(batch.entries(), session.parallel, async ([i, clip]) =>
        embeddings.set((await run(clip, 'embedding')).data, i * width),
      );
      return float32([batch.length, width], embeddings);
    },
    async encodeSteps(clip) {
      const { shape, data } = await run(clip, 'states');
      return float32(shape.slice(1), data);
    },
    dispose: () => session.dispose(),
  };
}
