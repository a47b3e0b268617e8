// A model cut to some outputs computes the same with fewer inputs, nodes and constants.
import { expect, test } from 'vitest';
import {
  add,
  constant,
  createGraph,
  createSession,
  cutModel,
  encodeModel,
  exp,
  float32,
  input,
  matmul,
  mul,
  outputsOf,
  readModel,
  scan,
} from '../../src/index.js';

const weights = float32([2, 300], Float32Array.from({ length: 600 }, Math.sin));

/** From `x` to `small`, from `x` and `y` to `large` and `both`. */
function model(): Uint8Array {
  const graph = createGraph('made');
  const x = input(graph, 'x', 'float32', ['batch', 2]);
  const y = input(graph, 'y', 'float32', ['batch', 2]);
  const small = exp(x);
  const large = matmul(add(x, y), constant(graph, weights));
  return encodeModel(graph, { small, large, both: mul(add(small, y), 2) });
}

test('what the outputs do not need is gone, what they need computes the same', async () => {
  const whole = model();
  expect(outputsOf(whole)).toEqual(['small', 'large', 'both']);
  const cut = cutModel(whole, ['small']);
  expect(outputsOf(cut)).toEqual(['small']);
  expect(cut.length).toBeLessThan(300);
  expect(readModel(cut, 'cut').nodes.map(({ type }) => type)).toEqual(['Exp']);
  const session = await createSession(cut, { threads: 1 });
  expect(session.inputs).toEqual(['x']);
  const x = float32([1, 2], [0, 1]);
  expect([...(await session.run({ x }))['small']!.data]).toEqual([1, Math.fround(Math.E)]);
  await session.dispose();
});

test('outputs keep the order and the numbers of the model, weights included', async () => {
  const [whole, cut] = [model(), cutModel(model(), ['both', 'large'])];
  expect(outputsOf(cut)).toEqual(['large', 'both']);
  const feeds = { x: float32([1, 2], [0.5, -1]), y: float32([1, 2], [2, 3]) };
  const results = [];
  for (const bytes of [whole, cut]) {
    const session = await createSession(bytes, { threads: 1 });
    const { large, both } = await session.run(feeds, ['large', 'both']);
    results.push([...large.data, ...both.data]);
    await session.dispose();
  }
  expect(results[1]).toEqual(results[0]);
});

test('keeps what the body of a Scan takes from the graph around it', async () => {
  const graph = createGraph('steps');
  const [rows, factor] = [input(graph, 'rows', 'float32', [3, 2]), input(graph, 'factor', 'float32', [2])];
  const twice = mul(factor, 2);
  const { outputs } = scan(graph, {}, { rows }, ({ scanned }) => ({
    carried: {},
    outputs: { scaled: mul(scanned['rows']!, twice) },
  }));
  const cut = cutModel(encodeModel(graph, { scaled: outputs['scaled']!, other: exp(rows) }), ['scaled']);
  const session = await createSession(cut, { threads: 1 });
  const { scaled } = await session.run({
    rows: float32([3, 2], [1, 2, 3, 4, 5, 6]),
    factor: float32([2], [1, 10]),
  });
  expect([...scaled!.data]).toEqual([2, 40, 6, 80, 10, 120]);
  await session.dispose();
});

test('an output that is not there and bytes that are no model are refused', () => {
  expect(() => cutModel(model(), ['smal'])).toThrow(/no output "smal"[\s\S]*small, large, both/);
  for (const bytes of [[], [7], [0x3a, 0xff, 0xff, 0xff, 0x0f], [0x3a, 0x02, 0x0a]])
    expect(() => outputsOf(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'format' }) as Error,
    );
});
