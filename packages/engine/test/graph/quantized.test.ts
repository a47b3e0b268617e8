// Quantisation errs by at most half a step, and integer layers compute what their definition says.
import { expect, test } from 'vitest';
import { randomStream } from '../../src/base/random.js';
import { float32, int32, type Tensor } from '../../src/base/tensor.js';
import { createGraph, input, constant } from '../../src/graph/graph.js';
import { encodeModel } from '../../src/graph/onnx.js';
import {
  quantizedColumns,
  quantizedConstant,
  quantizedLinear,
  quantizedProduct,
  quantizedRows,
  quantizeRows,
  quantizeWeight,
} from '../../src/graph/ops/quantized.js';
import { createSession } from '../../src/runtime/session.js';

const draw = randomStream(7, 'quantized');
const matrix = (rows: number, width: number, of: () => number): Tensor<'float32'> =>
  float32([rows, width], Float32Array.from({ length: rows * width }, of));

test('weights err by at most half a step of their output’s scale and fit seven bits', () => {
  const weight = matrix(9, 33, () => draw.normal() * 10 ** (3 * draw.uniform()));
  const { values, scales } = quantizeWeight(weight);
  expect(values.shape).toEqual([33, 9]);
  expect(Math.max(...values.data.map(Math.abs))).toBe(63);
  for (let o = 0; o < 9; o++)
    for (let i = 0; i < 33; i++) {
      const back = values.data[i * 9 + o]! * scales.data[o]!;
      expect(Math.abs(back - weight.data[o * 33 + i]!)).toBeLessThanOrEqual(0.5001 * scales.data[o]!);
    }
});

test('weights of zero stay zero', () => {
  const { values, scales } = quantizeWeight(matrix(2, 3, () => 0));
  expect([...values.data, ...scales.data]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
});

/** The definition of the layer: DynamicQuantizeLinear, integer products, scales. */
function reference(x: Tensor<'float32'>, weight: Tensor<'float32'>, bias: readonly number[]): number[] {
  const { values, scales } = quantizeWeight(weight);
  const [rows, inputs] = x.shape as [number, number];
  const outputs = weight.shape[0]!;
  const low = Math.min(0, ...x.data);
  const scale = Math.fround((Math.max(0, ...x.data) - low) / 255);
  const even = (value: number): number => {
    const floor = Math.floor(value);
    const rest = value - floor;
    return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  };
  const zero = Math.min(Math.max(even(Math.fround(-low / scale)), 0), 255);
  const whole = Array.from(x.data, (value) =>
    Math.min(Math.max(even(Math.fround(value / scale)) + zero, 0), 255),
  );
  return Array.from({ length: rows * outputs }, (_, at) => {
    const [row, o] = [Math.floor(at / outputs), at % outputs];
    let total = 0;
    for (let i = 0; i < inputs; i++)
      total += (whole[row * inputs + i]! - zero) * values.data[i * outputs + o]!;
    return total * scale * scales.data[o]! + bias[o]!;
  });
}

function layer(weight: Tensor<'float32'>, bias: readonly number[]): Uint8Array {
  const graph = createGraph('layer');
  const x = input(graph, 'x', 'float32', ['batch', weight.shape[1]!]);
  const y = quantizedLinear(x, quantizeWeight(weight), constant(graph, float32([bias.length], bias)));
  return encodeModel(graph, { y });
}

test.each([
  ['normal values', () => draw.normal(), () => draw.normal() / 8],
  // All pairs of products are maximal: eight-bit weights would saturate here on x86 without VNNI.
  ['maximal values', () => 1, () => 1],
  [
    'maximal values of both signs',
    () => (draw.uniform() < 0.5 ? -1 : 1),
    () => (draw.uniform() < 0.5 ? -1 : 1),
  ],
])('a layer of %s computes what its definition says', async (_name, ofX, ofWeight) => {
  const x = matrix(5, 256, ofX);
  const weight = matrix(12, 256, ofWeight);
  const bias = Array.from({ length: 12 }, () => draw.normal());
  const session = await createSession(layer(weight, bias), { threads: 1 });
  const { y } = await session.run({ x }, ['y']);
  await session.dispose();
  const expected = reference(x, weight, bias);
  const largest = Math.max(...expected.map(Math.abs));
  expected.forEach((value, i) =>
    expect(Math.abs((y.data as Float32Array)[i]! - value)).toBeLessThan(1e-5 * largest),
  );
});

test('rows are looked up and rescaled', async () => {
  const table = matrix(10, 16, () => draw.normal());
  const graph = createGraph('rows');
  const ids = input(graph, 'ids', 'int32', ['batch', 'tokens']);
  const session = await createSession(
    encodeModel(graph, { rows: quantizedRows(graph, quantizeRows(table), ids) }),
    { threads: 1 },
  );
  const { rows } = await session.run({ ids: int32([1, 3], [9, 0, 4]) }, ['rows']);
  await session.dispose();
  expect(rows.shape).toEqual([1, 3, 16]);
  for (const [at, row] of [9, 0, 4].entries()) {
    const expected = table.data.subarray(row * 16, (row + 1) * 16);
    const step = Math.max(...expected.map(Math.abs)) / 127;
    for (let i = 0; i < 16; i++)
      expect(Math.abs((rows.data as Float32Array)[at * 16 + i]! - expected[i]!)).toBeLessThanOrEqual(
        0.5001 * step,
      );
  }
});

test('a matrix that is looked up and multiplied by is stored once', async () => {
  const table = matrix(50, 64, () => draw.normal());
  const graph = createGraph('tied');
  const ids = input(graph, 'ids', 'int32', [1, 'tokens']);
  const x = input(graph, 'x', 'float32', ['tokens', 64]);
  const shared = quantizedConstant(graph, quantizeWeight(table));
  const model = encodeModel(graph, { rows: quantizedColumns(shared, ids), y: quantizedProduct(x, shared) });
  expect(model.length).toBeLessThan(2 * 50 * 64);
  const session = await createSession(model, { threads: 1 });
  const given = matrix(3, 64, () => draw.normal());
  const { rows, y } = await session.run({ ids: int32([1, 3], [49, 0, 4]), x: given }, ['rows', 'y']);
  await session.dispose();
  expect(rows.shape).toEqual([1, 3, 64]);
  for (const [at, row] of [49, 0, 4].entries()) {
    const expected = table.data.subarray(row * 64, (row + 1) * 64);
    const step = Math.max(...expected.map(Math.abs)) / 63;
    expected.forEach((value, i) =>
      expect(Math.abs((rows.data as Float32Array)[at * 64 + i]! - value)).toBeLessThanOrEqual(0.5001 * step),
    );
  }
  const expected = reference(given, table, new Array<number>(50).fill(0));
  const largest = Math.max(...expected.map(Math.abs));
  expected.forEach((value, i) =>
    expect(Math.abs((y.data as Float32Array)[i]! - value)).toBeLessThan(1e-5 * largest),
  );
});
