// BERT and DistilBERT against transformers.
import { describe, expect, it } from 'vitest';
import {
  constantParameters,
  createGraph,
  createSession,
  encodeModel,
  float32,
  input,
  int32,
  type Tensor,
} from 'mien-engine';
import { bert, bertConfig, withLayers } from '../../src/encoders/bert.js';
import type { BertConfig } from '../../src/encoders/bert.js';
import { bertParameters } from '../../src/encoders/load.js';
import { goldenWeights, readGolden, relativeError } from '../../../../test/support/golden.js';
import { bertTinyConfig, distilBertConfig } from '../../../../test/support/pretrained.js';

const ROWS = [
  [101, 1045, 2371, 11204, 2043, 2026, 3899, 2351, 1012, 102],
  [101, 3407, 102, 0, 0, 0, 0, 0, 0, 0],
];
const ids = int32([2, 10], ROWS.flat());
const mask = int32(
  [2, 10],
  ROWS.flat().map((id) => (id === 0 ? 0 : 1)),
);

const filled = (shape: readonly number[], value: number): Tensor =>
  float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value));

async function states(config: BertConfig, weights: Record<string, Tensor>): Promise<Tensor> {
  const graph = createGraph('bert');
  const inputs = {
    ids: input(graph, 'ids', 'int32', ['batch', 'tokens']),
    mask: input(graph, 'mask', 'int32', ['batch', 'tokens']),
  };
  const out = bert(constantParameters(graph, weights), config, inputs);
  const session = await createSession(encodeModel(graph, { states: out }), { threads: 1 });
  const result = await session.run({ ids, mask }, ['states']);
  await session.dispose();
  return result.states;
}

describe.each([
  ['bert-tiny', bertTinyConfig],
  ['distilbert', distilBertConfig],
])('%s', (name, json) => {
  const config = bertConfig(json);
  const weights = goldenWeights(
    Object.fromEntries(bertParameters(config).map(({ name, shape }) => [name, shape])),
  );
  it('gives the states of transformers', async () => {
    const golden = (await readGolden(name))['last_hidden_state']!;
    const actual = await states(config, weights);
    expect(actual.shape).toEqual(golden.shape);
    expect(relativeError(actual.data as Float32Array, golden.data)).toBeLessThan(1e-5);
  });

  it('computes the kept layers in their order, as if the others changed nothing', async () => {
    const last = config.layers - 1;
    const kept = Array.from({ length: config.layers }, (_, i) => i).filter((i) => i !== 1 && i !== last);
    // A layer whose branches add nothing returns what is normalised already.
    const idle = new RegExp(`layer\\.(1|${last})\\.(.*output\\.dense|attention\\.out_lin|ffn\\.lin2)\\.`);
    const made = Object.entries(weights).map(([key, { shape, data }]) => {
      const fill = /(LayerNorm|layer_norm)\.(weight|bias)$/.test(key)
        ? Number(key.endsWith('weight'))
        : idle.test(key)
          ? 0
          : undefined;
      return [key, fill === undefined ? float32(shape, data as Float32Array) : filled(shape, fill)];
    });
    const whole = Object.fromEntries(made) as Record<string, Tensor>;
    const shallow = withLayers({ json, config, weights: whole }, kept);
    expect(bertConfig(shallow.json)).toEqual(shallow.config);
    expect(Object.keys(shallow.weights).sort()).toEqual(
      bertParameters(shallow.config)
        .map((one) => one.name)
        .sort(),
    );
    const [a, b] = [await states(config, whole), await states(shallow.config, shallow.weights)];
    expect(relativeError(b.data as Float32Array, a.data as Float32Array)).toBeLessThan(1e-5);
  });

  it.each([[[0, config.layers]], [[1, 0]], [[0, 0]]])('refuses to keep the layers %j', (layers) => {
    expect(() => withLayers({ json, config, weights }, layers)).toThrow(
      `layers: cannot be ${layers.join(', ')}; the encoder has ${config.layers} layers`,
    );
  });
});
