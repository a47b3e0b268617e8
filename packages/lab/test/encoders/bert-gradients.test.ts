// BERT differentiated end to end, against PyTorch: loss and the gradient of every weight, word embeddings included.
import { expect, it } from 'vitest';
import {
  boundParameters,
  cast,
  collectParameters,
  createGraph,
  createSession,
  crossEntropy,
  div,
  encodeModel,
  gradients,
  input,
  int32,
  int64,
  mul,
  type Parameters,
  reshape,
  slice,
  sum,
} from 'mien-engine';
import { bert, bertConfig } from '../../src/encoders/bert.js';
import { goldenWeights, readGolden, relativeError } from '../../../../test/support/golden.js';

const config = bertConfig({
  model_type: 'bert',
  vocab_size: 30522,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  hidden_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 512,
  hidden_act: 'gelu',
});
const ids = [101, 1045, 2371, 11204, 2043, 2026, 3899, 2351, 1012, 102, 101, 3407, 102, 0, 0, 0, 0, 0, 0, 0];
const SHAPE = [2, 10];

/** Loss of the masked mean over tokens, its first seven features being the logits. */
function lossOf(p: Parameters) {
  const mask = input(p.graph, 'mask', 'int32', SHAPE);
  const states = bert(p, config, { ids: input(p.graph, 'ids', 'int64', SHAPE), mask });
  const weights = reshape(cast(mask, 'float32'), [...SHAPE, 1]);
  const embedding = div(sum(mul(states, weights), [1]), sum(weights, [1]));
  return crossEntropy(slice(embedding, 1, 0, 7), input(p.graph, 'labels', 'int64', [2]));
}

it('has the loss and the gradients of PyTorch', async () => {
  const golden = await readGolden('bert-tiny_gradients');
  const specs = collectParameters(lossOf);
  const weights = goldenWeights(Object.fromEntries(specs.map(({ name, shape }) => [name, shape])));
  const graph = createGraph('step');
  const values = Object.fromEntries(
    specs.map(({ name, shape }) => [name, input(graph, name, 'float32', shape)]),
  );
  const loss = lossOf(boundParameters(graph, values));
  const names = Object.keys(values);
  const found = gradients(loss, Object.values(values));
  const outputs = Object.fromEntries(names.map((name, i) => [`gradient ${name}`, found[i]!]));
  const session = await createSession(encodeModel(graph, { loss, ...outputs }));
  const results = await session.run({
    ...weights,
    ids: int64(SHAPE, ids),
    mask: int32(
      SHAPE,
      ids.map((id) => (id === 0 ? 0 : 1)),
    ),
    labels: int64([2], [0, 4]),
  });
  await session.dispose();

  const gradient = (name: string): Float32Array => results[`gradient ${name}`]!.data as Float32Array;
  const norm = (values: Float32Array): number => Math.sqrt(values.reduce((total, x) => total + x * x, 0));
  expect(relativeError([results['loss']!.data[0] as number], golden['loss']!.data)).toBeLessThan(1e-5);
  const norms = Object.entries(golden).filter(([name]) => name.startsWith('grad_norm.'));
  expect(names.sort()).toEqual(norms.map(([name]) => name.slice('grad_norm.'.length)).sort());
  for (const [key, { data }] of norms) {
    const name = key.slice('grad_norm.'.length);
    // The softmax takes away what is added to all keys alike: their bias has no gradient but rounding.
    if (data[0]! < 1e-6) expect(norm(gradient(name)), name).toBeLessThan(1e-6);
    else expect(relativeError([norm(gradient(name))], data), name).toBeLessThan(1e-3);
  }
  const query = 'encoder.layer.0.attention.self.query.weight';
  expect(relativeError(gradient(query), golden[`grad.${query}`]!.data)).toBeLessThan(1e-3);
  const rows = golden['grad.embeddings.position_embeddings.weight_rows_0_10']!.data;
  const positions = gradient('embeddings.position_embeddings.weight');
  expect(relativeError(positions.subarray(0, rows.length), rows)).toBeLessThan(1e-3);
  expect(norm(positions.subarray(rows.length))).toBe(0);
});

it('drops different elements for different seeds, with correct gradients', async () => {
  const small = { ...config, vocabulary: 10, width: 16, heads: 2, inner: 32, positions: 8 };
  const build = (p: Parameters) => {
    const dropout = { rate: 0.1, seed: input(p.graph, 'seed', 'int32', []) };
    const states = bert(p, small, { ids: input(p.graph, 'ids', 'int64', [2, 4]) }, { dropout });
    return sum(mul(states, states));
  };
  const specs = collectParameters(build);
  const weights = goldenWeights(Object.fromEntries(specs.map(({ name, shape }) => [name, shape])));
  const graph = createGraph('dropout');
  const values = Object.fromEntries(
    specs.map(({ name, shape }) => [name, input(graph, name, 'float32', shape)]),
  );
  const y = build(boundParameters(graph, values));
  const found = gradients(y, Object.values(values));
  const outputs = Object.fromEntries(Object.keys(values).map((name, i) => [`gradient ${name}`, found[i]!]));
  const session = await createSession(encodeModel(graph, { y, ...outputs }));
  const run = async (seed: number) =>
    session.run({ ...weights, ids: int64([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), seed: int32([], [seed]) });
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  await session.dispose();
  expect(first['y']).toEqual(again['y']);
  expect(first['y']).not.toEqual(other['y']);
  expect(Object.values(first).every(({ data }) => (data as Float32Array).every(Number.isFinite))).toBe(true);
});
