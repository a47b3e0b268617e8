// Every operator against its plain implementation: values, shape, gradient and second derivative.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { randomStream } from '../../src/base/random.js';
import { float32, type Tensor } from '../../src/base/tensor.js';
import { createGraph, input, type Graph, type Value } from '../../src/graph/graph.js';
import { gradients } from '../../src/graph/gradient.js';
import { add, cast, mul } from '../../src/graph/ops/elementwise.js';
import { sum } from '../../src/graph/ops/reduction.js';
import { compute, drawInputs, forAll, isFloat, numbers, type Draw } from './harness.js';
import { differentiable } from './operators.js';
import type { Row, Sample } from './rows.js';
import { notDifferentiable } from './undifferentiable.js';
import { tabulate, total, type NdArray } from './reference.js';

/** Exports of src/graph/ops that are not operators or are tested elsewhere, with the reason or place. */
const elsewhere: Readonly<Record<string, string>> = {
  scan: 'scan.test.ts',
  mergeLeading: 'dynamic.test.ts',
  splitLeading: 'dynamic.test.ts',
  stopGradient: 'gradient.test.ts',
  symmetricPadding: 'arithmetic on numbers',
  samePadding: 'arithmetic on numbers',
  resizeBicubic: 'test/encoders, against PIL',
  gridSample: 'test/learn/augmentation.test.ts',
  quantizeWeight: 'quantized.test.ts',
  quantizeRows: 'quantized.test.ts',
  quantizedLinear: 'quantized.test.ts',
  quantizedRows: 'quantized.test.ts',
  quantizedConstant: 'quantized.test.ts',
  quantizedProduct: 'quantized.test.ts',
  quantizedColumns: 'quantized.test.ts',
};

test('the tables contain every operator that src/graph/ops exports', async () => {
  const folder = join(import.meta.dirname, '../../src/graph/ops');
  const exported: string[] = [];
  for (const file of readdirSync(folder)) {
    const module = (await import(join(folder, file))) as Record<string, unknown>;
    exported.push(...Object.keys(module).filter((name) => typeof module[name] === 'function'));
  }
  expect(exported).toContain('add');
  const known = [differentiable, notDifferentiable, elsewhere].flatMap((table) => Object.keys(table));
  expect(exported.filter((name) => !known.includes(name))).toEqual([]);
});

const listed = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

interface Case {
  readonly sample: Sample;
  readonly arrays: readonly NdArray[];
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly graph: Graph;
  readonly values: readonly Value[];
  readonly outputs: readonly Value[];
  readonly expected: readonly NdArray[];
}

function drawCase(row: Row, draw: Draw): Case {
  const sample = row(draw);
  const { arrays, tensors } = drawInputs(sample.inputs, draw.integer(0, 2 ** 31 - 1));
  const graph = createGraph('case');
  const values = tensors.map(({ dtype, shape }, i) => input(graph, `x${i}`, dtype, shape));
  return {
    sample,
    arrays,
    tensors: Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor])),
    graph,
    values,
    outputs: listed(sample.build(...values)),
    expected: listed(sample.reference(...arrays)),
  };
}

/** Compares ONNX Runtime's result with the inferred shape, the expected shape and the expected values. */
function expectArray(name: string, actual: Tensor, value: Value, expected: NdArray, tolerance: number): void {
  expect(value.shape, `${name}: inferred shape`).toEqual(expected.shape);
  expect(actual.shape, `${name}: shape from ONNX Runtime`).toEqual(expected.shape);
  expect(actual.dtype, `${name}: dtype`).toBe(value.dtype);
  const scale = Math.max(1, ...expected.data.map(Math.abs));
  const worst = Math.max(...numbers(actual).map((x, i) => Math.abs(x - expected.data[i]!)));
  const detail = `${name}: got [${numbers(actual).join(', ')}], expected [${expected.data.join(', ')}]`;
  expect(worst / scale, detail).toBeLessThan(tolerance);
}

describe.each(Object.entries({ ...differentiable, ...notDifferentiable }))('%s', (name, row) => {
  test('computes the values of the reference, in the inferred shape', async () => {
    await forAll(25, async (draw) => {
      const { graph, outputs, tensors, expected } = drawCase(row, draw);
      const named = Object.fromEntries(outputs.map((output, i) => [`y${i}`, output]));
      const results = await compute(graph, named, tensors);
      outputs.forEach((output, i) =>
        expectArray(`${name} ${i}`, results[`y${i}`]!, output, expected[i]!, 1e-5),
      );
    });
  });
});

/**
 * The scalar that is differentiated: Σ w·(y + y²/2) over all outputs with random weights w. The square gives it a second
 * derivative even if the operator itself is linear.
 */
const loss = (outputs: readonly NdArray[], weights: readonly NdArray[]): number =>
  total(outputs.flatMap(({ data }, k) => [...data].map((y, i) => weights[k]!.data[i]! * (y + (y * y) / 2))));

function lossOf(outputs: readonly Value[], weights: readonly Value[]): Value {
  const terms = outputs.map((y, k) => sum(mul(weights[k]!, add(y, mul(mul(y, y), 0.5)))));
  return terms.reduce((a, b) => add(a, b));
}

const randomArray = (name: string, shape: readonly number[]): NdArray => {
  const draw = randomStream(1, name);
  return tabulate(shape, () => (draw.uniform() + 0.25) * (draw.integer(2) * 2 - 1));
};

describe.each(Object.entries(differentiable))('%s', (name, row) => {
  test('has the first and second derivatives of the reference by finite differences', async () => {
    await forAll(20, async (draw) => {
      const { sample, arrays, graph, values, outputs, tensors, expected } = drawCase(row, draw);
      const weights = expected.map(({ shape }, k) => randomArray(`weights ${k}`, shape));
      const directions = arrays.map(({ shape }, i) => randomArray(`direction ${i}`, shape));
      const floats = sample.inputs.flatMap((spec, i) => (isFloat(spec) ? [i] : []));

      const weightInputs = weights.map(({ shape }, k) => input(graph, `w${k}`, 'float32', shape));
      const directionInputs = directions.map(({ shape }, i) => input(graph, `s${i}`, 'float32', shape));
      const wrt = floats.map((i) => values[i]!);
      const first = gradients(lossOf(outputs, weightInputs), wrt);
      const along = first.map((gradient, j) => sum(mul(gradient, directionInputs[floats[j]!]!)));
      const second = gradients(
        along.reduce((a, b) => add(a, b)),
        wrt,
      );
      const results = await compute(
        graph,
        Object.fromEntries(
          floats.flatMap(
            (i, j) =>
              [
                [`g${i}`, first[j]!],
                [`h${i}`, second[j]!],
              ] as const,
          ),
        ),
        {
          ...tensors,
          ...Object.fromEntries(weights.map(({ shape, data }, k) => [`w${k}`, float32(shape, data)])),
          ...Object.fromEntries(directions.map(({ shape, data }, i) => [`s${i}`, float32(shape, data)])),
        },
      );

      /** The loss with element `e` of input `i` moved by `step` and all inputs by `far` along the directions. */
      const moved = (i: number, e: number, step: number, far: number): number => {
        const changed = arrays.map(({ shape, data }, k) => ({
          shape,
          data: floats.includes(k) ? data.map((x, n) => x + far * directions[k]!.data[n]!) : data,
        }));
        changed[i]!.data[e]! += step;
        return loss(listed(sample.reference(...changed)), weights);
      };
      const [h, k] = [1e-4, 1e-3];
      const { tolerance = 1e-4 } = sample;
      floats.forEach((i, j) => {
        const { shape, data } = arrays[i]!;
        const slope = data.map((_, e) => (moved(i, e, h, 0) - moved(i, e, -h, 0)) / (2 * h));
        const bend = data.map(
          (_, e) =>
            (moved(i, e, k, k) - moved(i, e, -k, k) - moved(i, e, k, -k) + moved(i, e, -k, -k)) / (4 * k * k),
        );
        expectArray(`${name}, d/dx${i}`, results[`g${i}`]!, first[j]!, { shape, data: slope }, tolerance);
        expectArray(
          `${name}, d²/dx${i}`,
          results[`h${i}`]!,
          second[j]!,
          { shape, data: bend },
          10 * tolerance,
        );
      });
    });
  });
});

describe.each(Object.entries(notDifferentiable).filter(([name]) => name !== 'oneHot'))('%s', (_name, row) => {
  test('cannot be differentiated', async () => {
    await forAll(3, async (draw) => {
      const { outputs, values } = drawCase(row, draw);
      const scalar = sum(cast(outputs[0]!, 'float32'));
      expect(() => gradients(scalar, values.slice(0, 1))).toThrow(
        expect.objectContaining({ code: 'gradient' }) as Error,
      );
    });
  });
});
