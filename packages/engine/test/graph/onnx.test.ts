// Writing models: unused nodes are dropped, constants are shared, names are kept, and the bytes are deterministic.
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { float32, int64 } from '../../src/base/tensor.js';
import {
  constant,
  createGraph,
  input,
  scalar,
  scoped,
  type Graph,
  type Value,
} from '../../src/graph/graph.js';
import { gradients } from '../../src/graph/gradient.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { ModelProtoSchema, type GraphProto, type ModelProto } from '../../src/graph/onnx_pb.js';
import { scan } from '../../src/graph/ops/control.js';
import { add, exp, floor, mul, neg, tanh } from '../../src/graph/ops/elementwise.js';
import { expand, reshape, split } from '../../src/graph/ops/movement.js';
import { layerNorm } from '../../src/graph/ops/fused.js';
import { sum } from '../../src/graph/ops/reduction.js';
import { createSession } from '../../src/runtime/session.js';
import { compute, numbers } from './harness.js';

const decode = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes);
const graphOf = (graph: Graph, outputs: Record<string, Value>): GraphProto =>
  decode(encodeModel(graph, outputs)).graph!;
const operators = ({ node }: GraphProto): string[] => node.map(({ opType }) => opType);
const x3 = float32([3], [1, 2, 3]);

function training(): { graph: Graph; outputs: Record<string, Value> } {
  const graph = createGraph('training');
  const [w, xs] = [input(graph, 'w', 'float32', [3]), input(graph, 'xs', 'float32', ['steps', 3])];
  const { carried, outputs } = scan(graph, { w }, { x: xs }, (step) => {
    const loss = sum(tanh(mul(step.carried['w']!, step.scanned['x']!)));
    const [dw] = gradients(loss, [step.carried['w']!]);
    return { carried: { w: add(step.carried['w']!, mul(dw!, -0.1)) }, outputs: { loss } };
  });
  return { graph, outputs: { after: carried['w']!, losses: outputs['loss']! } };
}

describe('bytes', () => {
  test('are equal for the same graph built twice, and written twice', () => {
    const [first, second] = [training(), training()];
    const bytes = encodeModel(first.graph, first.outputs, { kind: 'training' });
    expect(encodeModel(second.graph, second.outputs, { kind: 'training' })).toEqual(bytes);
    expect(encodeModel(first.graph, first.outputs, { kind: 'training' })).toEqual(bytes);
  });
  test('do not depend on unused nodes', () => {
    const [plain, busy] = [training(), training()];
    floor(exp(busy.graph.inputs[0]!));
    expect(encodeModel(busy.graph, busy.outputs)).toEqual(encodeModel(plain.graph, plain.outputs));
  });
  test('depend on the value of a constant', () => {
    const model = (value: number) => {
      const graph = createGraph('model');
      return encodeModel(graph, { y: mul(input(graph, 'x', 'float32', [3]), value) });
    };
    expect(model(2)).toEqual(model(2));
    expect(model(2)).not.toEqual(model(3));
    expect(model(0)).not.toEqual(model(-0));
  });
});

describe('nodes', () => {
  test('that no output needs are dropped, in Scan bodies too', () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', [3]);
    const kept = exp(x);
    neg(floor(kept));
    const { outputs } = scan(graph, {}, { x }, (step) => {
      floor(step.scanned['x']!);
      return { carried: {}, outputs: { y: tanh(step.scanned['x']!) } };
    });
    expect(operators(graphOf(graph, { kept }))).toEqual(['Exp']);
    const written = graphOf(graph, { y: outputs['y']! });
    expect(operators(written)).toEqual(['Scan']);
    const body = written.node[0]!.attribute.find(({ name }) => name === 'body')!.g!;
    expect(operators(body)).toEqual(['Tanh']);
  });
  test('of the enclosing graph that only a Scan body needs are kept', () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', [3]);
    const outside = exp(x);
    floor(x);
    const { outputs } = scan(graph, {}, { x }, (step) => ({
      carried: {},
      outputs: { y: mul(outside, step.scanned['x']!) },
    }));
    expect(operators(graphOf(graph, { y: outputs['y']! }))).toEqual(['Exp', 'Scan']);
  });
  test('keep all their outputs if one is needed', async () => {
    const graph = createGraph('model');
    const parts = split(input(graph, 'x', 'float32', [3]), [1, 2], 0);
    const written = graphOf(graph, { last: parts[1]! });
    expect(written.node[0]!.output).toHaveLength(2);
    expect(numbers((await compute(graph, { last: parts[1]! }, { x: x3 }))['last'])).toEqual([2, 3]);
  });
  test('have unique names that state their place in the model', () => {
    const { graph, outputs } = training();
    scoped(graph, 'encoder', () => scoped(graph, 'attention', () => (outputs['y'] = exp(graph.inputs[0]!))));
    const { node } = graphOf(graph, outputs);
    expect(node.map(({ name }) => name)).toContainEqual(
      expect.stringMatching(/^encoder\.attention\/Exp \d+$/),
    );
    const all = node.flatMap(({ name, attribute }) => [
      name,
      ...attribute.flatMap(({ g }) => g?.node.map((inner) => inner.name) ?? []),
    ]);
    expect(new Set(all).size).toBe(all.length);
  });
  test('of a gradient are named after the differentiated operator', () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', [3]);
    const loss = scoped(graph, 'head', () => sum(exp(x)));
    const { node } = graphOf(graph, { dx: gradients(loss, [x])[0]! });
    expect(node.at(-1)!.name).toMatch(/^gradient of Exp in head\/Mul /);
  });
});

describe('constants', () => {
  test('with the same content are written once', () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', [3]);
    const one = constant(graph, float32([3], [1, 2, 3]));
    const same = constant(graph, float32([3], [1, 2, 3]));
    const { initializer } = graphOf(graph, { y: add(mul(add(x, one), same), 2), z: mul(x, 2) });
    expect(initializer.map(({ dims }) => dims)).toEqual([[3n], []]);
  });
  test('with a different dtype or shape are written separately', () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', [2, 3]);
    const row = constant(graph, float32([1, 3], [1, 2, 3]));
    const vector = constant(graph, float32([3], [1, 2, 3]));
    const integers = constant(graph, int64([3], [1, 2, 3]));
    const { initializer } = graphOf(graph, { y: add(add(x, row), vector), integers });
    expect(initializer.map(({ dims, dataType }) => [dims, dataType])).toEqual([
      [[1n, 3n], 1],
      [[3n], 1],
      [[3n], 7],
    ]);
  });
  test('that are large are written once per value', () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', [100]);
    const weight = constant(graph, float32([100], new Float32Array(100)));
    expect(graphOf(graph, { y: mul(add(x, weight), weight) }).initializer).toHaveLength(1);
  });
  test('share equal scalars, but not 0 and −0 or different dtypes', () => {
    const graph = createGraph('model');
    expect(scalar(graph, 2)).toBe(scalar(graph, 2));
    expect(scalar(graph, 0)).not.toBe(scalar(graph, -0));
    expect(scalar(graph, 2)).not.toBe(scalar(graph, 2, 'int64'));
    expect(scalar(graph, 1, 'bool')).toMatchObject({ dtype: 'bool', shape: [] });
  });
});

describe('outputs', () => {
  test('may be inputs, constants, and the same value twice', async () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', [3]);
    const y = exp(mul(x, 0));
    const outputs = { x, copy: x, seven: scalar(graph, 7), y, again: y };
    const result = await compute(graph, outputs, { x: x3 });
    expect(Object.keys(result)).toEqual(['x', 'copy', 'seven', 'y', 'again']);
    expect(Object.values(result).map(numbers)).toEqual([[1, 2, 3], [1, 2, 3], [7], [1, 1, 1], [1, 1, 1]]);
  });
  test('name the computed value directly, without a copy', () => {
    const graph = createGraph('model');
    const y = exp(input(graph, 'x', 'float32', [3]));
    expect(graphOf(graph, { y }).node.map(({ opType, output }) => [opType, output])).toEqual([
      ['Exp', ['y']],
    ]);
  });
  test('may also be used by other nodes', async () => {
    const graph = createGraph('model');
    const y = neg(input(graph, 'x', 'float32', [3]));
    const result = await compute(graph, { y, z: mul(y, 2) }, { x: x3 });
    expect([numbers(result['y']), numbers(result['z'])]).toEqual([
      [-1, -2, -3],
      [-2, -4, -6],
    ]);
  });
  test('state dtype and shape, with run-time sizes by name', () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', ['batch', 3]);
    const { input: inputs, output } = graphOf(graph, { y: reshape(x, ['batch', 3, 1]) });
    const shapes = [...inputs, ...output].map(({ name, type }) => {
      const tensor = type!.value.case === 'tensorType' ? type!.value.value : undefined;
      return [name, tensor!.elemType, tensor!.shape!.dim.map(({ value }) => value.value)];
    });
    expect(shapes).toEqual([
      ['x', 1, ['batch', 3n]],
      ['y', 1, ['batch', 3n, 1n]],
    ]);
  });
  test('cannot have the name of an input with another value', () => {
    const graph = createGraph('model');
    const x = input(graph, 'x', 'float32', [3]);
    expect(() => encodeModel(graph, { x: exp(x) })).toThrow(
      /graph model has both an input and an output named x/,
    );
  });
  test('never collide with generated names', async () => {
    const graph = createGraph('model');
    const v1 = input(graph, 'v1', 'float32', [3]);
    const c0 = input(graph, 'c0', 'float32', [3]);
    const v2 = add(exp(mul(neg(v1), 0)), mul(c0, 2));
    const { outputs } = scan(graph, {}, { v3: v2 }, (step) => ({
      carried: {},
      outputs: { y: mul(add(step.scanned['v3']!, 1), 2) },
    }));
    const named = { v2, c1: mul(v2, 3), o0: add(v2, v1), v0: outputs['y']! };
    const result = await compute(graph, named, { v1: x3, c0: float32([3], [10, 20, 30]) });
    expect(Object.values(result).map(numbers)).toEqual([
      [21, 41, 61],
      [63, 123, 183],
      [22, 43, 64],
      [44, 84, 124],
    ]);
  });
});

test('looks up a run-time size once', () => {
  const graph = createGraph('model');
  const x = input(graph, 'x', 'float32', ['batch', 'tokens']);
  const row = input(graph, 'row', 'float32', [1, 1]);
  const y = add(expand(row, ['batch', 'tokens']), exp(expand(mul(row, 2), ['batch', 'tokens'])));
  const written = operators(graphOf(graph, { y: add(x, y) }));
  expect(written.filter((type) => type === 'Shape')).toHaveLength(2);
});

test('writes metadata, producer and operator sets', async () => {
  const { graph, outputs } = training();
  const bytes = encodeModel(graph, outputs, { labels: 'anger, joy', profile: 'lite' });
  const { metadataProps, producerName, irVersion, opsetImport } = decode(bytes);
  expect(metadataProps.map(({ key, value }) => [key, value])).toEqual([
    ['labels', 'anger, joy'],
    ['profile', 'lite'],
  ]);
  expect([producerName, irVersion]).toEqual(['mien', 9n]);
  expect(opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
    ['', 20n],
    ['com.microsoft', 1n],
  ]);
  const session = await createSession(bytes);
  expect([session.inputs, session.outputs]).toEqual([
    ['w', 'xs'],
    ['after', 'losses'],
  ]);
  await session.dispose();
});

test('unused optional outputs of an operator are harmless', async () => {
  const graph = createGraph('model');
  const x = input(graph, 'x', 'float32', [1, 3]);
  const ones = constant(graph, float32([3], [1, 1, 1]));
  const y = layerNorm(x, ones, ones, 1e-5);
  const result = await compute(graph, { y }, { x: float32([1, 3], [1, 2, 3]) });
  expect(numbers(result['y'])[1]).toBeCloseTo(1, 5);
});

test('refuses bytes that are not a model', async () => {
  await expect(createSession(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'format' });
});
