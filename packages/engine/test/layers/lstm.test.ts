// The LSTM over seven steps against PyTorch: outputs, states, gradients.
import { expect, test } from 'vitest';
import { createGraph, input } from '../../src/graph/builder.js';
import { gradients } from '../../src/graph/gradient.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { mul } from '../../src/graph/ops/elementwise.js';
import { mean } from '../../src/graph/ops/reduction.js';
import { lstm } from '../../src/layers/lstm.js';
import { boundParameters, collectParameters } from '../../src/layers/parameters.js';
import { createSession } from '../../src/runtime/session.js';
import { goldenInput, goldenWeight, readGolden, relativeError } from '../../../../test/support/golden.js';

test('seven steps agree with PyTorch', async () => {
  const golden = await readGolden('lstm_7_steps');
  const sequence = goldenInput('sequence', [4, 7, 16]);
  const specs = collectParameters((p) => lstm(p, 'l', input(p.graph, 'x', 'float32', [4, 7, 16]), 24));
  const graph = createGraph('lstm');
  const values = Object.fromEntries(
    specs.map(({ name, shape }) => [name, input(graph, name, 'float32', shape)]),
  );
  const { output, hidden, cell } = lstm(
    boundParameters(graph, values),
    'l',
    input(graph, 'x', 'float32', [4, 7, 16]),
    24,
  );
  const found = gradients(mean(mul(output, output)), Object.values(values));
  const named = Object.fromEntries(specs.map(({ name }, i) => [name.replace('l.', 'grad.'), found[i]!]));
  const session = await createSession(encodeModel(graph, { output, h: hidden, c: cell, ...named }));
  const weights = specs.map(({ name, shape }) => [name, goldenWeight(name.slice(2), shape)] as const);
  const result = await session.run({ x: sequence, ...Object.fromEntries(weights) });
  expect(Object.keys(result).sort()).toEqual(Object.keys(golden).sort());
  for (const [name, expected] of Object.entries(golden))
    expect(relativeError(result[name]!.data as Float32Array, expected.data), name).toBeLessThan(1e-5);
  await session.dispose();
});
