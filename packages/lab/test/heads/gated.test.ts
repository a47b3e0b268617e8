// The paper's head against PyTorch: gradients at the start, losses of ten Adam steps, parameters after them.
import { beforeAll, expect, test } from 'vitest';
import {
  adam,
  add,
  applyUpdates,
  boundParameters,
  collectParameters,
  createGraph,
  createSession,
  crossEntropy,
  encodeModel,
  flattenState,
  gradients,
  input,
  int64,
  nestState,
  type Parameters,
  scan,
  type Tensor,
  type Tensors,
  type Value,
  zeros,
} from 'mien-engine';
import { buildHead } from '../../src/heads/heads.js';
import { goldenInput, goldenWeight, readGolden, relativeError } from '../../../../test/support/golden.js';

const [B, H, STEPS] = [32, 32, 10];
const inputs = { text: goldenInput('text', [B, 768]), face: goldenInput('face', [B, 1536]) };
const labels = int64(
  [B],
  Array.from({ length: B }, (_, i) => i % 5),
);

const build = (p: Parameters, text: Value, face: Value) =>
  buildHead(p, 'gated', { text, face }, { width: 64, hidden: H, labels: 5 }).logits;

const specs = collectParameters((p) => {
  const value = (name: string, width: number) => input(p.graph, name, 'float32', [B, width]);
  return build(p, value('text', 768), value('face', 1536));
});

/** Rows of the gates i, g, o out of PyTorch's i, f, g, o: what a one-step LSTM has. */
function withoutForgetGate(tensor: Tensor<'float32'>): Tensor<'float32'> {
  const row = tensor.data.length / 4;
  const data = new Float32Array(row * 3);
  data.set(tensor.data.subarray(0, row));
  data.set(tensor.data.subarray(2 * row), row);
  return { dtype: 'float32', shape: [tensor.shape[0]! * 0.75, ...tensor.shape.slice(1)], data };
}
const ours = (name: string, tensor: Tensor<'float32'>) =>
  name.startsWith('lstm.') ? withoutForgetGate(tensor) : tensor;

const initial: Tensors = Object.fromEntries(
  specs.map(({ name, shape }) => [
    name,
    ours(name, goldenWeight(name, name.startsWith('lstm.') ? [4 * H, ...shape.slice(1)] : shape)),
  ]),
);

let golden: Record<string, Tensor<'float32'>>;
beforeAll(async () => {
  golden = await readGolden('gated_head_training');
});

test('the one-step LSTM has neither recurrent weights nor a forget gate', () => {
  const shapes = Object.fromEntries(specs.map(({ name, shape }) => [name, shape]));
  expect(shapes['lstm.weight_ih_l0']).toEqual([3 * H, 64]);
  expect(Object.keys(shapes)).not.toContain('lstm.weight_hh_l0');
});

test('PyTorch gives what is left out no gradient', () => {
  const { data } = golden['grad.lstm.weight_ih_l0']!;
  const forget = data.subarray(data.length / 4, data.length / 2);
  expect(Math.max(...forget.map(Math.abs))).toBe(0);
  expect(Math.max(...golden['grad.lstm.weight_hh_l0']!.data.map(Math.abs))).toBe(0);
});

test('every gradient is PyTorch’s', async () => {
  const graph = createGraph('gated');
  const values = Object.fromEntries(
    specs.map(({ name, shape }) => [name, input(graph, name, 'float32', shape)]),
  );
  const text = input(graph, 'text', 'float32', [B, 768]);
  const face = input(graph, 'face', 'float32', [B, 1536]);
  const y = input(graph, 'labels', 'int64', [B]);
  const loss = crossEntropy(build(boundParameters(graph, values), text, face), y);
  const found = gradients(loss, Object.values(values));
  const model = encodeModel(graph, {
    loss,
    ...Object.fromEntries(Object.keys(values).map((name, i) => [`grad.${name}`, found[i]!])),
  });
  const session = await createSession(model);
  const result = await session.run({ ...initial, ...inputs, labels });
  expect(
    relativeError(result['loss']!.data as Float32Array, golden['losses']!.data.subarray(0, 1)),
  ).toBeLessThan(1e-5);
  for (const { name } of specs) {
    const expected = ours(name, golden[`grad.${name}`]!).data;
    expect(relativeError(result[`grad.${name}`]!.data as Float32Array, expected), name).toBeLessThan(1e-4);
  }
  await session.dispose();
});

test('ten Adam steps in one run give PyTorch’s losses and parameters', async () => {
  const graph = createGraph('training');
  const optimizer = adam({ learningRate: 1e-4 });
  const state = optimizer.init(initial);
  const all: Tensors = { ...initial, ...flattenState(state), step: zeros('float32', []) };
  const carried = Object.fromEntries(
    Object.entries(all).map(([name, { shape }]) => [name, input(graph, name, 'float32', shape)]),
  );
  const text = input(graph, 'text', 'float32', [B, 768]);
  const face = input(graph, 'face', 'float32', [B, 1536]);
  const y = input(graph, 'labels', 'int64', [STEPS, B]);
  const trained = scan(graph, carried, { labels: y }, (body) => {
    const weights = Object.fromEntries(specs.map(({ name }) => [name, body.carried[name]!]));
    const loss = crossEntropy(
      build(boundParameters(body.graph, weights), text, face),
      body.scanned['labels']!,
    );
    const found = gradients(loss, Object.values(weights));
    const named = Object.fromEntries(Object.keys(weights).map((name, i) => [name, found[i]!]));
    const step = body.carried['step']!;
    const before = nestState(body.carried, state);
    const result = optimizer.update(named, before, { parameters: weights, step });
    return {
      carried: {
        ...applyUpdates(weights, result.updates),
        ...flattenState(result.state),
        step: add(step, 1),
      },
      outputs: { losses: loss },
    };
  });
  const session = await createSession(
    encodeModel(graph, {
      losses: trained.outputs['losses']!,
      ...Object.fromEntries(specs.map(({ name }) => [`after ${name}`, trained.carried[name]!])),
    }),
  );
  const repeated = int64(
    [STEPS, B],
    Array.from({ length: STEPS * B }, (_, i) => (i % B) % 5),
  );
  const result = await session.run({ ...all, ...inputs, labels: repeated });
  expect(relativeError(result['losses']!.data as Float32Array, golden['losses']!.data)).toBeLessThan(1e-5);
  for (const { name } of specs) {
    const after = result[`after ${name}`]!.data as Float32Array;
    const expected = ours(name, golden[`after10.${name}`]!).data;
    const before = initial[name]!.data as Float32Array;
    // Of the movement, not of the value: ten steps of 1e-4 move a weight by 1e-3 at most.
    const moved = (values: Float32Array) => values.map((value, i) => value - before[i]!);
    expect(relativeError(moved(after), moved(expected)), name).toBeLessThan(1e-2);
  }
  await session.dispose();
});
