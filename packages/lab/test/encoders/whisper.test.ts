// Whisper's encoder and its front end: PyTorch's outputs for the published weights, NumPy's for weights by the formula.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  constantParameters,
  createGraph,
  encodeSafetensors,
  float32,
  gradients,
  input,
  int32,
  mul,
  sum,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { readSafetensorsFile } from 'mien-engine/node';
import { loadVoiceEncoder, whisperTiny } from '../../src/encoders/load-voice.js';
import { createVoiceEncoder, readPretrainedVoice, whisperParameters } from '../../src/encoders/load-voice.js';
import { logMel, logMelOfBatch, melFilters, reflected, samplesOfBatch } from '../../src/encoders/log-mel.js';
import {
  embeddingWidth,
  embedStates,
  poolSteps,
  whisper,
  whisperConfig,
  type WhisperConfig,
} from '../../src/encoders/whisper.js';
import { compute, numbers } from '../../../engine/test/graph/harness.js';
import { goldenInput, goldenWeights, readGolden, relativeError } from '../../../../test/support/golden.js';
import {
  hasWhisper,
  readWhisperGolden,
  smallWhisper,
  whisperFolder,
} from '../../../../test/support/whisper.js';

const small = whisperConfig(smallWhisper);
const smallWeights = goldenWeights(
  Object.fromEntries(whisperParameters(small).map(({ name, shape }) => [name, shape as number[]])),
);
const identity = {
  id: 'made/whisper',
  revision: 'main',
  sha256: '',
  dtype: 'float32',
  preprocessing: {},
} as const;

/** Tones that change in loudness, and noise 30 dB below them. */
function madeSound(length: number): Tensor<'float32'> {
  const noise = goldenInput('sound', [length]).data;
  return float32(
    [1, length],
    Float32Array.from({ length }, (_, i) => {
      const t = i / 16_000;
      const tones = 0.4 * Math.sin(2 * Math.PI * 220 * t) + 0.2 * Math.sin(2 * Math.PI * 1750 * t);
      return tones * Math.sin(2 * Math.PI * 3 * t) ** 2 + 0.01 * noise[i]!;
    }),
  );
}

async function states(weights: Tensors, config: WhisperConfig, samples: Tensor<'float32'>) {
  const graph = createGraph('whisper');
  const mel = logMel(input(graph, 'samples', 'float32', samples.shape), config.bands);
  const { layers, last } = whisper(constantParameters(graph, weights), config, mel);
  const outputs = { mel, last, ...Object.fromEntries(layers.map((layer, i) => [`layer${i}`, layer])) };
  return compute(graph, { ...outputs, pooled: poolSteps(last) }, { samples });
}

describe('weights by the formula', () => {
  const samples = madeSound(8037);

  it('give the spectrogram and the states of NumPy in float64', async () => {
    const golden = await readGolden('whisper-small');
    const found = await states(smallWeights, small, samples);
    expect(relativeError(samples.data, golden['samples']!.data)).toBeLessThan(1e-6);
    expect(found['mel']!.shape).toEqual([1, 80, 50]);
    for (const name of ['mel', 'layer0', 'layer1', 'layer2', 'last'] as const)
      expect(relativeError(numbers(found[name]), golden[name]!.data), name).toBeLessThan(2e-5);
    const rows = golden['last']!.data;
    const pooled = Array.from({ length: 24 }, (_, j) =>
      Array.from({ length: 25 }, (_, t) => rows[t * 24 + j]!).reduce((a, b) => a + b / 25, 0),
    );
    expect(relativeError(numbers(found['pooled']), pooled)).toBeLessThan(2e-5);
  });

  it('have the slope of their output along the gradient of the samples', async () => {
    const graph = createGraph('gradient');
    const x = input(graph, 'samples', 'float32', samples.shape);
    const { last } = whisper(constantParameters(graph, smallWeights), small, logMel(x, 80));
    const weighting = input(graph, 'weighting', 'float32', last.shape);
    const total = sum(mul(last, weighting));
    const [dx] = gradients(total, [x]);
    const shape = last.shape as number[];
    const feed = { weighting: goldenInput('weighting', shape) };
    const at = async (data: Float32Array) =>
      numbers(
        (await compute(graph, { total }, { samples: float32(samples.shape, data), ...feed }))['total'],
      )[0]!;
    const slope = numbers((await compute(graph, { dx: dx! }, { samples, ...feed }))['dx']);
    const square = slope.reduce((a, g) => a + g * g, 0);
    const step = 1e-4 / Math.sqrt(square);
    const moved = (sign: number) => samples.data.map((value, i) => value + sign * step * slope[i]!);
    const difference = ((await at(moved(1))) - (await at(moved(-1)))) / (2 * step);
    expect(difference / square).toBeGreaterThan(0.98);
    expect(difference / square).toBeLessThan(1.02);
  });

  it('run at any length in one session, as in a graph of that length', async () => {
    const encoder = await createVoiceEncoder(small, smallWeights, identity, { threads: 1 });
    for (const length of [201, 3200, 3359, 8000]) {
      const { data } = madeSound(length);
      const found = await states(smallWeights, small, float32([1, length], data));
      const steps = await encoder.encodeSteps(data);
      expect(steps.shape).toEqual([Math.ceil(Math.floor(length / 160) / 2), 24]);
      expect(relativeError(steps.data, numbers(found['last']))).toBeLessThan(1e-5);
      expect(relativeError((await encoder.encode([data])).data, numbers(found['pooled']))).toBeLessThan(1e-5);
    }
    await expect(encoder.encode([new Float32Array(200)])).rejects.toThrow(/200 samples, 201 to 16000/);
    await expect(encoder.encode([new Float32Array(16_001)])).rejects.toThrow(/at most 1 s/);
    await encoder.dispose();
  });

  it('pool means and deviations of all blocks over a clip’s own steps, standardised', async () => {
    const config = { ...small, pooling: 'statistics' as const };
    const size = embeddingWidth(config);
    expect(size).toBe(2 * (small.layers + 1) * small.width);
    const centre = Float32Array.from({ length: size }, (_, k) => Math.sin(k));
    const scale = Float32Array.from({ length: size }, (_, k) => 1 + (k % 3));
    const weights = {
      ...smallWeights,
      'pool.mean': float32([size], centre),
      'pool.scale': float32([size], scale),
    };
    const clips = [madeSound(3200).data, madeSound(8000).data];
    const encoder = await createVoiceEncoder(config, weights, identity, { threads: 1 });
    const { data } = await encoder.encode(clips);
    await encoder.dispose();
    for (const [i, clip] of clips.entries()) {
      const graph = createGraph('layers');
      const x = input(graph, 'samples', 'float32', [1, clip.length]);
      const { layers } = whisper(constantParameters(graph, smallWeights), small, logMel(x, 80));
      const outputs = Object.fromEntries(layers.map((layer, l) => [`layer ${l}`, layer]));
      const found = await compute(graph, outputs, { samples: float32([1, clip.length], clip) });
      const expected = layers.flatMap((_, l) => {
        const rows = numbers(found[`layer ${l}`]);
        const columns = Array.from({ length: small.width }, (_, k) =>
          rows.filter((_, j) => j % small.width === k),
        );
        const means = columns.map((column) => column.reduce((a, b) => a + b, 0) / column.length);
        const deviations = columns.map((column, k) =>
          Math.sqrt(column.reduce((a, b) => a + (b - means[k]!) ** 2, 0) / column.length),
        );
        return [...means, ...deviations];
      });
      const scaled = expected.map((value, k) => (value - centre[k]!) * scale[k]!);
      expect(relativeError(data.subarray(i * size, (i + 1) * size), scaled)).toBeLessThan(1e-4);
    }

    // Padded to one length, each has the embedding that it has alone.
    const frames = 50;
    const graph = createGraph('batch');
    const row = samplesOfBatch(frames);
    const rows = new Float32Array(2 * row);
    clips.forEach((clip, i) => reflected(clip, rows.subarray(i * row, (i + 1) * row)));
    const x = input(graph, 'samples', 'float32', [2, row]);
    const lengths = input(graph, 'frames', 'int32', [2]);
    const p = constantParameters(graph, weights);
    const embedding = embedStates(
      p,
      config,
      whisper(p, config, logMelOfBatch(x, lengths, 80), config.layers, lengths),
      lengths,
    );
    const batch = await compute(
      graph,
      { embedding },
      {
        samples: float32([2, row], rows),
        frames: int32(
          [2],
          clips.map(({ length }) => length / 160),
        ),
      },
    );
    expect(relativeError(numbers(batch['embedding']), data)).toBeLessThan(1e-4);
  });

  it('load from a folder, with the states of the block that is named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mien-whisper-'));
    try {
      await writeFile(join(folder, 'config.json'), JSON.stringify(smallWhisper));
      const named = Object.fromEntries(
        Object.entries(smallWeights).map(([name, tensor]) => [`model.encoder.${name}`, tensor]),
      );
      const decoder = { 'model.decoder.layer_norm.weight': float32([1], [1]) };
      await writeFile(join(folder, 'model.safetensors'), encodeSafetensors({ ...named, ...decoder }));
      const spec = { id: 'made/whisper', revision: 'main', folder };
      const encoder = await loadVoiceEncoder({ ...spec, block: 1 }, { threads: 1 });
      const { layer1 } = await states(smallWeights, small, samples);
      expect(relativeError((await encoder.encodeSteps(samples.data)).data, numbers(layer1))).toBeLessThan(
        1e-5,
      );
      expect(encoder.identity.preprocessing).toEqual({
        sampleRate: 16_000,
        length: 'own',
        block: 1,
        pooling: 'mean',
      });
      await encoder.dispose();
      await expect(loadVoiceEncoder({ ...spec, block: 3 })).rejects.toThrow(/no block 3, the encoder has 2/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are refused when config.json is of another model', () => {
    expect(() => whisperConfig({ ...smallWhisper, model_type: 'wav2vec2' }, 'config.json')).toThrow(
      /config\.json, model_type/,
    );
    expect(() => whisperConfig({ ...smallWhisper, encoder_attention_heads: 5 })).toThrow(/width 24.*5 heads/);
  });
});

describe.skipIf(!hasWhisper)('the published weights', () => {
  const spec = { ...whisperTiny, folder: whisperFolder! };

  it('have the filters of librosa', async () => {
    const { tensors } = await readSafetensorsFile(join(whisperFolder!, 'mel_filters.safetensors'));
    const [published] = Object.values(tensors);
    expect(relativeError(melFilters(80).data, published!.data as Float32Array)).toBeLessThan(1e-5);
  });

  it.each([
    ['a whole clip', 'pcm', 'log_mel_unpadded', 'encoder_unpadded'],
    ['a part of it', 'mid_pcm', 'mid_log_mel', 'mid_encoder'],
  ])(
    'give the spectrogram and the states of PyTorch for %s at its own length',
    async (_, pcm, mel, encoded) => {
      const golden = await readWhisperGolden();
      const { config, weights } = await readPretrainedVoice(spec);
      const { data } = golden[pcm]!;
      const found = await states(await weights(), config, float32([1, data.length], data));
      expect(relativeError(numbers(found['mel']), golden[mel]!.data)).toBeLessThan(1e-4);
      expect(relativeError(numbers(found['last']), golden[encoded]!.data)).toBeLessThan(1e-4);
      if (pcm === 'pcm')
        for (const [layer, name] of ['embedding', 'layer0', 'layer1', 'layer2', 'layer3'].entries())
          expect(
            relativeError(numbers(found[`layer${layer}`]), golden[`encoder_unpadded_${name}`]!.data),
            name,
          ).toBeLessThan(1e-4);
    },
  );

  it('give the states of PyTorch for a clip padded to 30 s', async () => {
    const golden = await readWhisperGolden();
    const padded = new Float32Array(480_000);
    padded.set(golden['pcm']!.data);
    const { config, weights } = await readPretrainedVoice(spec);
    const found = await states(await weights(), config, float32([1, padded.length], padded));
    const mel = numbers(found['mel']);
    const first400 = Array.from({ length: 80 }, (_, band) =>
      mel.slice(band * 3000, band * 3000 + 400),
    ).flat();
    expect(relativeError(first400, golden['log_mel_padded_first400']!.data)).toBeLessThan(1e-4);
    const { data } = golden['encoder_padded_first200']!;
    expect(relativeError(numbers(found['last']).slice(0, data.length), data)).toBeLessThan(1e-4);
  });
});
