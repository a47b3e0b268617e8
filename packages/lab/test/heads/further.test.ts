// Heads beyond the paper's: against PyTorch, against finite differences, and what becomes of their parameters.
import { beforeAll, describe, expect, test } from 'vitest';
import {
  boundParameters,
  collectParameters,
  countParameters,
  createGraph,
  createSession,
  crossEntropy,
  encodeModel,
  float32,
  gradients,
  type Graph,
  input,
  int64,
  randomStream,
  sizeOf,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { buildHead, type HeadInputs, type HeadName } from '../../src/heads/heads.js';
import { goldenInput, goldenWeight, readGolden, relativeError } from '../../../../test/support/golden.js';

const B = 8;
const sizes = {
  width: 16,
  hidden: 8,
  labels: 5,
  tensor: 4,
  rank: 3,
  attention: { width: 16, heads: 2, layers: 2 },
};
const labels = int64(
  [B],
  Array.from({ length: B }, (_, i) => i % 5),
);

const pooled = { text: goldenInput('text', [B, 12]), face: goldenInput('face', [B, 20]) };
const states = {
  tokens: goldenInput('tokens', [B, 5, 12]),
  'tokens present': float32(
    [B, 5],
    Array.from({ length: B * 5 }, (_, i) => Number(i % 5 <= Math.floor(i / 5) % 5)),
  ),
  regions: goldenInput('regions', [B, 4, 20]),
  'regions present': float32([B, 4], new Float32Array(B * 4).fill(1)),
};
const declare = (graph: Graph, feeds: Tensors): HeadInputs => {
  const of = (name: string) => input(graph, name, 'float32', feeds[name]!.shape);
  const sequence = (name: string) => ({ states: of(name), present: of(`${name} present`) });
  return 'tokens' in feeds
    ? { tokens: sequence('tokens'), regions: sequence('regions') }
    : { text: of('text'), face: of('face') };
};
const heads: readonly (readonly [HeadName, Tensors])[] = [
  ['tensor', pooled],
  ['low-rank', pooled],
  ['cross-attention', states],
  ['transformer', states],
];

const specsOf = (head: HeadName, feeds: Tensors) =>
  collectParameters((p) => buildHead(p, head, declare(p.graph, feeds), sizes));

/** Loss, logits and every gradient of a head, as a function of its parameters. */
async function differentiated(head: HeadName, feeds: Tensors) {
  const specs = specsOf(head, feeds);
  const graph = createGraph(head);
  const values = Object.fromEntries(
    specs.map(({ name, shape }) => [name, input(graph, `p ${name}`, 'float32', shape)]),
  );
  const { logits } = buildHead(boundParameters(graph, values), head, declare(graph, feeds), sizes);
  const loss = crossEntropy(logits, input(graph, 'labels', 'int64', [B]));
  const found = gradients(loss, Object.values(values));
  const grads = Object.fromEntries(specs.map(({ name }, i) => [`grad.${name}`, found[i]!]));
  const session = await createSession(encodeModel(graph, { loss, logits, ...grads }), { threads: 1 });
  const run = (parameters: Tensors): Promise<Record<string, Tensor>> =>
    session.run({
      ...feeds,
      labels,
      ...Object.fromEntries(specs.map(({ name }) => [`p ${name}`, parameters[name]!])),
    });
  return { specs, run, dispose: () => session.dispose() };
}

let golden: Record<string, Tensor<'float32'>>;
beforeAll(async () => {
  golden = await readGolden('heads');
});

describe.each(heads)('%s', (head, feeds) => {
  test('logits, loss and every gradient are PyTorch’s', async () => {
    const { specs, run, dispose } = await differentiated(head, feeds);
    const result = await run(
      Object.fromEntries(specs.map(({ name, shape }) => [name, goldenWeight(name, shape)])),
    );
    await dispose();
    const known = Object.keys(golden).flatMap((key) =>
      key.startsWith(`${head} grad.`) ? [key.slice(`${head} grad.`.length)] : [],
    );
    expect(specs.map(({ name }) => name).sort()).toEqual(known.sort());
    for (const name of Object.keys(result))
      expect(
        relativeError(result[name]!.data as Float32Array, golden[`${head} ${name}`]!.data),
        name,
      ).toBeLessThan(1e-4);
  });

  test('every gradient is the slope of the loss', async () => {
    const { specs, run, dispose } = await differentiated(head, feeds);
    const at = Object.fromEntries(specs.map(({ name, shape }) => [name, goldenWeight(name, shape)]));
    const slopes = await run(at);
    const STEP = 1e-2;
    for (const { name, shape } of specs) {
      const draw = randomStream(5, name);
      const direction = Float32Array.from({ length: sizeOf(shape) }, () => draw.normal());
      const norm = Math.hypot(...direction);
      direction.forEach((value, i) => (direction[i] = value / norm));
      const lossAt = async (step: number): Promise<number> => {
        const moved = at[name]!.data.map((value, i) => value + step * direction[i]!);
        return (await run({ ...at, [name]: float32(shape, moved) }))['loss']!.data[0] as number;
      };
      const slope = ((await lossAt(STEP)) - (await lossAt(-STEP))) / (2 * STEP);
      const gradient = slopes[`grad.${name}`]!.data as Float32Array;
      const expected = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
      expect(Math.abs(slope - expected), name).toBeLessThan(2e-4 + 0.01 * Math.hypot(...gradient));
    }
    await dispose();
  });
});

test('low-rank fusion has one factor a modality and rank, and the rank is a setting', () => {
  const count = (rank: number): number =>
    countParameters(
      collectParameters((p) => buildHead(p, 'low-rank', declare(p.graph, pooled), { ...sizes, rank })),
    );
  expect(count(5) - count(4)).toBe(2 * 16 * (16 + 1));
});

test('tensor fusion grows with the square of its width', () => {
  const count = (tensor: number): number =>
    countParameters(
      collectParameters((p) => buildHead(p, 'tensor', declare(p.graph, pooled), { ...sizes, tensor })),
    );
  // Two projections from 16, and three gates of the LSTM, which see the outer product.
  expect(count(5) - count(4)).toBe(2 * (16 + 1) + 3 * 8 * (6 ** 2 - 5 ** 2));
});
