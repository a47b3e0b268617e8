// Whisper's decoder: NumPy's logits for weights by the formula, PyTorch's for the published ones, and the cache.
import { describe, expect, it } from 'vitest';
import {
  collectParameters,
  constantParameters,
  createGraph,
  createSession,
  encodeModel,
  float32,
  input,
  int32,
  type Session,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import {
  type Attended,
  crossAttended,
  whisperDecoder,
  whisperDecoderConfig,
  type WhisperDecoderConfig,
} from '../../src/encoders/whisper-decoder.js';
import { goldenWeights, readGolden, relativeError } from '../../../../test/support/golden.js';

const smallJson = {
  model_type: 'whisper',
  vocab_size: 60,
  d_model: 24,
  decoder_layers: 2,
  decoder_attention_heads: 2,
  decoder_ffn_dim: 36,
  max_target_positions: 20,
  activation_function: 'gelu',
};
const small = whisperDecoderConfig(smallJson);
const TOKENS = [5, 17, 3, 41, 59, 0, 17];

const smallWeights = goldenWeights(
  Object.fromEntries(
    collectParameters((p) => {
      const cross = crossAttended(p, small, input(p.graph, 'states', 'float32', [1, 2, 24]));
      const ids = input(p.graph, 'ids', 'int32', [1, 1]);
      whisperDecoder(p, small, { ids, places: input(p.graph, 'places', 'int32', [1]), cross });
    }).map(({ name, shape }) => [name, shape as number[]]),
  ),
);

/** One model of states, tokens and past; `past` is undefined for a model that computes all tokens at once. */
async function model(config: WhisperDecoderConfig, weights: Tensors, past: boolean): Promise<Session> {
  const graph = createGraph('decoder');
  const p = constantParameters(graph, weights);
  const cross = crossAttended(p, config, input(graph, 'states', 'float32', [1, 'steps', config.width]));
  const [heads, size] = [config.heads, config.width / config.heads];
  const before = Array.from({ length: config.layers }, (_, i): Attended => ({
    keys: input(graph, `keys ${i}`, 'float32', [1, heads, size, 'past']),
    values: input(graph, `values ${i}`, 'float32', [1, heads, 'past', size]),
  }));
  const { logits, present } = whisperDecoder(p, config, {
    ids: input(graph, 'ids', 'int32', [1, 'tokens']),
    places: input(graph, 'places', 'int32', ['tokens']),
    cross,
    ...(past ? { past: before } : {}),
  });
  const named = present.flatMap(({ keys, values }, i) => [
    [`present keys ${i}`, keys] as const,
    [`present values ${i}`, values] as const,
  ]);
  return createSession(encodeModel(graph, { logits, ...Object.fromEntries(named) }), { threads: 1 });
}

/** Logits after every token, computed in runs of these lengths, each with what the ones before left. */
async function inRuns(
  session: Session,
  config: WhisperDecoderConfig,
  states: Tensor,
  tokens: readonly number[],
  lengths: readonly number[],
): Promise<number[]> {
  const [heads, size] = [config.heads, config.width / config.heads];
  let past: Tensors = {};
  for (let i = 0; i < config.layers; i++) {
    past = { ...past, [`keys ${i}`]: float32([1, heads, size, 0], []) };
    past = { ...past, [`values ${i}`]: float32([1, heads, 0, size], []) };
  }
  const logits: number[] = [];
  let at = 0;
  for (const length of lengths) {
    const places = Array.from({ length }, (_, i) => at + i);
    const ids = places.map((place) => tokens[place]!);
    const feeds = { states, ids: int32([1, length], ids), places: int32([length], places), ...past };
    const { logits: rows, ...present } = await session.run(feeds);
    logits.push(...(rows!.data as Float32Array));
    past = Object.fromEntries(
      Object.entries(present).map(([name, value]) => [name.slice('present '.length), value]),
    );
    at += length;
  }
  return logits;
}

describe('weights by the formula', () => {
  it('give the logits of NumPy in float64, all at once and in whatever runs', async () => {
    const golden = await readGolden('whisper-small');
    const states = float32([1, 25, 24], golden['last']!.data);
    const expected = golden['logits']!;
    expect(expected.shape).toEqual([7, 60]);
    const whole = await model(small, smallWeights, false);
    const places = int32([7], [0, 1, 2, 3, 4, 5, 6]);
    const unused = Object.fromEntries(
      whole.inputs
        .filter((name) => name.includes(' '))
        .map((name) => [name, float32(name.startsWith('keys') ? [1, 2, 12, 0] : [1, 2, 0, 12], [])]),
    );
    const { logits } = await whole.run({ states, ids: int32([1, 7], TOKENS), places, ...unused }, ['logits']);
    await whole.dispose();
    expect(relativeError(logits.data as Float32Array, expected.data)).toBeLessThan(2e-5);

    const cached = await model(small, smallWeights, true);
    for (const lengths of [[7], [1, 1, 1, 1, 1, 1, 1], [3, 1, 2, 1]])
      expect(
        relativeError(await inRuns(cached, small, states, TOKENS, lengths), expected.data),
        lengths.join(),
      ).toBeLessThan(2e-5);
    await cached.dispose();
  });

  it('are refused when config.json is of another model', () => {
    const { vocab_size: _, ...without } = smallJson;
    expect(() => whisperDecoderConfig(without, 'config.json')).toThrow(/config\.json, vocab_size/);
    expect(() => whisperDecoderConfig({ ...smallJson, decoder_attention_heads: 5 })).toThrow(
      /width 24.*5 heads/,
    );
    expect(() => whisperDecoderConfig({ ...smallJson, tie_word_embeddings: false })).toThrow(/tie_word/);
  });
});
