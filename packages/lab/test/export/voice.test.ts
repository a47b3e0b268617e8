// A bundle's voice model: the same as the encoder and its classifier in float, close to them in integers.
import { describe, expect, it } from 'vitest';
import { createSession, float32, type Tensors } from 'mien-engine';
import {
  createVoiceEncoder,
  readPretrainedVoice,
  whisperParameters,
  whisperTiny,
} from '../../src/encoders/load-voice.js';
import { whisperConfig } from '../../src/encoders/whisper.js';
import { learnedVoiceModel, voiceModel } from '../../src/export/voice.js';
import { classify } from '../../src/learn/classifier.js';
import { goldenInput, goldenWeights, relativeError } from '../../../../test/support/golden.js';
import { hasWhisper, readWhisperGolden, whisperFolder } from '../../../../test/support/whisper.js';

const config = whisperConfig({
  model_type: 'whisper',
  num_mel_bins: 80,
  d_model: 24,
  encoder_layers: 3,
  encoder_attention_heads: 3,
  encoder_ffn_dim: 40,
  max_source_positions: 50,
  activation_function: 'gelu',
});
const labels = ['anger', 'joy', 'neutral'];
const weights: Tensors = goldenWeights({
  ...Object.fromEntries(whisperParameters(config).map(({ name, shape }) => [name, shape as number[]])),
  'classifier.weight': [3, 24],
  'classifier.bias': [3],
});
const voice = { config, weights, block: 2, labels } as const;
const identity = { id: 'made', revision: 'main', sha256: '', dtype: 'float32', preprocessing: {} } as const;
const sound = (length: number): Float32Array =>
  goldenInput('sound', [length]).data.map((noise, i) => 0.1 * noise + 0.3 * Math.sin(0.08 * i));

const data = (tensor: { readonly data: unknown } | undefined): Float32Array => tensor!.data as Float32Array;

async function answers(model: Uint8Array, clip: Float32Array) {
  const session = await createSession(model, { threads: 1 });
  const { embedding, logits } = await session.run({ samples: float32([1, clip.length], clip) });
  await session.dispose();
  return { embedding: embedding!, logits: logits! };
}

describe('a voice model', () => {
  it('has the embedding of the encoder and the logits of its classifier, at any length', async () => {
    const encoder = await createVoiceEncoder(config, weights, identity, { block: 2, threads: 1 });
    const session = await createSession(learnedVoiceModel(voice, 'float32'), { threads: 1 });
    for (const length of [201, 4800, 15_999]) {
      const clip = sound(length);
      const { embedding, logits } = await session.run({ samples: float32([1, length], clip) });
      const expected = (await encoder.encode([clip])).data;
      expect(embedding!.shape).toEqual([1, 24]);
      expect(logits!.shape).toEqual([1, 3]);
      expect(relativeError(data(embedding), expected)).toBeLessThan(1e-6);
      expect(relativeError(data(logits), classify(expected, weights, 3))).toBeLessThan(1e-5);
    }
    await session.dispose();
    await encoder.dispose();
  });

  it('is close to it with integer weights', async () => {
    const clip = sound(9000);
    const exact = await answers(learnedVoiceModel(voice, 'float32'), clip);
    const small = await answers(learnedVoiceModel(voice), clip);
    const error = relativeError(data(small.embedding), data(exact.embedding));
    expect(error).toBeLessThan(0.03);
    // Otherwise nothing was quantised.
    expect(error).toBeGreaterThan(1e-6);
  });

  it('neither needs nor stores the blocks above its own', async () => {
    const lower = Object.fromEntries(
      Object.entries(weights).filter(([name]) => !/^layers\.2|^layer_norm/.test(name)),
    );
    expect(learnedVoiceModel({ ...voice, weights: lower })).toEqual(learnedVoiceModel(voice));
    expect(() => learnedVoiceModel({ ...voice, weights: lower, block: 3 })).toThrow(/layers\.2\.self_attn/);
    expect(learnedVoiceModel({ ...voice, block: 1 }).length).toBeLessThan(learnedVoiceModel(voice).length);
  });

  it('rejects a block that the encoder does not have', () => {
    for (const block of [0, 4, 1.5])
      expect(() => learnedVoiceModel({ ...voice, block })).toThrow(/the encoder has 3/);
  });
});

describe.skipIf(!hasWhisper)('the published weights in integers', () => {
  it("give a clip's embedding within 2 % of PyTorch's", async () => {
    const golden = await readWhisperGolden();
    const { config: published, weights: read } = await readPretrainedVoice({
      ...whisperTiny,
      folder: whisperFolder!,
    });
    const tensors = await read();
    const small = voiceModel({ config: published, weights: tensors, block: 3 }, (embedding) => embedding);
    const { embedding } = await answers(small, golden['pcm']!.data);
    const states = golden['encoder_unpadded_layer2']!;
    const width = published.width;
    const steps = states.data.length / width;
    const mean = Float32Array.from({ length: width }, (_, j) => {
      let sum = 0;
      for (let t = 0; t < steps; t++) sum += states.data[t * width + j]!;
      return sum / steps;
    });
    expect(relativeError(data(embedding), mean)).toBeLessThan(0.02);
    // Most weights in seven bits, and no fourth block.
    expect(small.length).toBeLessThan(10e6);
  });
});
