// The gate over n modalities: for two it is the paper's, in numbers and gradients, and any number of them may be fused.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  boundParameters,
  collectParameters,
  constant,
  createGraph,
  createSession,
  encodeModel,
  float32,
  gradients,
  input,
  mul,
  type Parameters,
  randomStream,
  sum,
  type Tensor,
  type Tensors,
  type Value,
  sizeOf,
} from 'mien-engine';
import { gatedFusion, softmaxGateFusion } from '../../src/heads/fusion.js';
import { buildHead } from '../../src/heads/heads.js';

const [BATCH, WIDTH] = [4, 6];

const normal = (seed: number, name: string, shape: readonly number[]): Tensor<'float32'> => {
  const draw = randomStream(seed, name);
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => draw.normal()),
  );
};

/** Outputs of a fusion, and the gradients of a weighted sum of `fused` with respect to embeddings and parameters. */
async function run(
  fuse: (p: Parameters, embeddings: readonly Value[]) => { fused: Value; gate: Value },
  embeddings: readonly Tensor<'float32'>[],
  parameters: Readonly<Record<string, Tensor<'float32'>>>,
): Promise<Record<string, Tensor>> {
  const graph = createGraph('fusion');
  const declare = (name: string, of: Tensor) => input(graph, name, 'float32', of.shape);
  const values = embeddings.map((one, i) => declare(`embedding ${i}`, one));
  const weights = Object.fromEntries(
    Object.entries(parameters).map(([name, one]) => [name, declare(name, one)]),
  );
  const { fused, gate } = fuse(boundParameters(graph, weights), values);
  const direction = declare('direction', embeddings[0]!);
  const found = gradients(sum(mul(fused, direction)), [...values, ...Object.values(weights)]);
  const names = [
    ...values.map((_, i) => `d embedding ${i}`),
    ...Object.keys(weights).map((name) => `d ${name}`),
  ];
  const outputs = { fused, gate, ...Object.fromEntries(names.map((name, i) => [name, found[i]!])) };
  const session = await createSession(encodeModel(graph, outputs), { threads: 1 });
  const feeds: Tensors = {
    ...Object.fromEntries(embeddings.map((one, i) => [`embedding ${i}`, one])),
    ...parameters,
    direction: normal(9, 'direction', [BATCH, WIDTH]),
  };
  const result = await session.run(feeds);
  await session.dispose();
  return result;
}

const close = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i]!, 5);
};
const dataOf = (tensor: Tensor | undefined): Float32Array => tensor!.data as Float32Array;

test('of two modalities it is the paper’s gate, in numbers and in every gradient', async () => {
  const [text, face] = [normal(1, 'text', [BATCH, WIDTH]), normal(1, 'face', [BATCH, WIDTH])];
  const [weight, bias] = [normal(2, 'weight', [WIDTH, 2 * WIDTH]), normal(2, 'bias', [WIDTH])];
  const sigmoid = await run(
    (p, [ofFace, ofText]) => gatedFusion(p, ofText!, ofFace!) as { fused: Value; gate: Value },
    [face, text],
    { 'gate.weight': weight, 'gate.bias': bias },
  );
  // The scores of the second modality are zero, so that those of the first are the differences.
  const zeros = (tensor: Tensor<'float32'>) => new Float32Array(tensor.data.length);
  const softmax = await run(
    (p, embeddings) => {
      const { fused, gates } = softmaxGateFusion(p, embeddings);
      return { fused, gate: gates };
    },
    [face, text],
    {
      'gate.weight': float32([2 * WIDTH, 2 * WIDTH], [...weight.data, ...zeros(weight)]),
      'gate.bias': float32([2 * WIDTH], [...bias.data, ...zeros(bias)]),
    },
  );
  close(dataOf(softmax['fused']), dataOf(sigmoid['fused']));
  for (const name of ['d embedding 0', 'd embedding 1']) close(dataOf(softmax[name]), dataOf(sigmoid[name]));
  for (const name of ['gate.weight', 'gate.bias']) {
    const [both, one] = [dataOf(softmax[`d ${name}`]), dataOf(sigmoid[`d ${name}`])];
    close(both.subarray(0, one.length), one);
    // What moves the second modality's score moves the gate the other way.
    close(
      both.subarray(one.length),
      one.map((value) => -value),
    );
  }
  const [gates, gate] = [dataOf(softmax['gate']), dataOf(sigmoid['gate'])];
  for (let row = 0; row < BATCH; row++)
    close(
      gates.subarray(2 * row * WIDTH, (2 * row + 1) * WIDTH),
      gate.subarray(row * WIDTH, (row + 1) * WIDTH),
    );
});

test('gates of any number of modalities sum to one, and what is fused lies between them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.nat(1000), async (n, seed) => {
      const embeddings = Array.from({ length: n }, (_, i) => normal(seed, `modality ${i}`, [BATCH, WIDTH]));
      const parameters = Object.fromEntries(
        collectParameters((p) => {
          const values = embeddings.map((one, i) => input(p.graph, `m${i}`, 'float32', one.shape));
          return softmaxGateFusion(p, values).fused;
        }).map(({ name, shape }) => [name, normal(seed, name, shape as readonly number[])]),
      );
      const { fused, gate } = await run(
        (p, values) => {
          const found = softmaxGateFusion(p, values);
          return { fused: found.fused, gate: found.gates };
        },
        embeddings,
        parameters,
      );
      for (let row = 0; row < BATCH; row++)
        for (let column = 0; column < WIDTH; column++) {
          const at = row * WIDTH + column;
          const shares = embeddings.map((_, m) => dataOf(gate)[(row * n + m) * WIDTH + column]!);
          expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
          const mixed = embeddings.reduce((total, { data }, m) => total + shares[m]! * data[at]!, 0);
          expect(dataOf(fused)[at]).toBeCloseTo(mixed, 4);
        }
    }),
    { numRuns: 20 },
  );
});

test('a missing modality has no share, no influence and no gradient; the others’ gate is theirs alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.nat(1000), async (mask, seed) => {
      const there = [mask & 1, (mask >> 1) & 1, (mask >> 2) & 1];
      const embeddings = there.map((_, i) => normal(seed, `modality ${i}`, [BATCH, WIDTH]));
      const [weight, bias] = [
        normal(seed, 'weight', [3 * WIDTH, 3 * WIDTH]),
        normal(seed, 'bias', [3 * WIDTH]),
      ];
      const present = float32(
        [BATCH, 3],
        new Float32Array(BATCH * 3).map((_, i) => there[i % 3]!),
      );
      const masked = (values: readonly Tensor<'float32'>[]) =>
        run(
          (p, inputs) => {
            const found = softmaxGateFusion(p, inputs, constant(p.graph, present));
            return { fused: found.fused, gate: found.gates };
          },
          values,
          { 'gate.weight': weight, 'gate.bias': bias },
        );
      const found = await masked(embeddings);
      const others = embeddings.map((one, i) =>
        there[i] ? one : normal(seed, `other ${i}`, [BATCH, WIDTH]),
      );
      expect(dataOf((await masked(others))['fused'])).toEqual(dataOf(found['fused']));

      // The gate over those that are there, with their blocks of the weights.
      const kept = [0, 1, 2].filter((i) => there[i] === 1);
      const rows = kept.flatMap((i) => Array.from({ length: WIDTH }, (_, d) => i * WIDTH + d));
      const block = rows.flatMap((row) => rows.map((column) => weight.data[row * 3 * WIDTH + column]!));
      const alone = await run(
        (p, inputs) => {
          const { fused, gates } = softmaxGateFusion(p, inputs);
          return { fused, gate: gates };
        },
        kept.map((i) => embeddings[i]!),
        {
          'gate.weight': float32([rows.length, rows.length], block),
          'gate.bias': float32(
            [rows.length],
            rows.map((row) => bias.data[row]!),
          ),
        },
      );
      close(dataOf(found['fused']), dataOf(alone['fused']));
      there.forEach((isThere, i) => {
        const shares = Array.from({ length: BATCH }, (_, row) =>
          dataOf(found['gate']).slice((row * 3 + i) * WIDTH, (row * 3 + i + 1) * WIDTH),
        );
        const gradient = dataOf(found[`d embedding ${i}`]);
        if (isThere) close(gradient, dataOf(alone[`d embedding ${kept.indexOf(i)}`]));
        else {
          expect(shares.every((row) => row.every((share) => share === 0))).toBe(true);
          expect(gradient.every((value) => value === 0)).toBe(true);
        }
      });
    }),
    { numRuns: 12 },
  );
});

test('only the gate does without a modality', () => {
  const graph = createGraph('head');
  const value = (name: string, shape: readonly number[]) => input(graph, name, 'float32', shape);
  const inputs = {
    text: value('text', [2, 3]),
    face: value('face', [2, 3]),
    present: value('present', [2, 2]),
  };
  const sizes = { width: 4, hidden: 3, labels: 2 };
  expect(() => buildHead(boundParameters(graph, {}), 'concatenation', inputs, sizes)).toThrow(
    /cannot do without a modality/,
  );
});
