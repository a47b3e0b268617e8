// BERT and DistilBERT against transformers.
import { describe, expect, it } from 'vitest';
import {
  constantParameters,
  createGraph,
  createSession,
  encodeModel,
  input,
  int32,
  type Tensor,
} from 'mien-engine';
import { bert, bertConfig } from '../../src/encoders/bert.js';
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
});
