// Convolution over time: its definition, and one gradient of both ways to compute it.
import { describe, expect, it } from 'vitest';
import { float32, sizeOf, type Tensor } from '../../src/base/tensor.js';
import { constant, createGraph, input } from '../../src/graph/graph.js';
import { pullback } from '../../src/graph/gradient.js';
import { conv1d } from '../../src/layers/conv1d.js';
import { compute, numbers } from '../graph/harness.js';
import { relativeError, uniform } from '../../../../test/support/golden.js';

const drawn = (name: string, shape: readonly number[]): Tensor<'float32'> =>
  float32(shape, uniform(name, sizeOf(shape)));

const x = drawn('x', [2, 3, 7]);
const bias = drawn('bias', [4]);

/** By the definition, element by element. */
function plain(weight: Tensor<'float32'>, stride: number, padding: number): number[] {
  const kernel = weight.shape[2]!;
  const count = Math.floor((7 + 2 * padding - kernel) / stride) + 1;
  return Array.from({ length: 2 * 4 * count }, (_, index) => {
    const [n, o, t] = [
      Math.floor(index / (4 * count)),
      Math.floor(index / count) % 4,
      (index % count) * stride - padding,
    ];
    let total = bias.data[o]!;
    for (let i = 0; i < 3; i++)
      for (let k = 0; k < kernel; k++)
        if (t + k >= 0 && t + k < 7)
          total += weight.data[(o * 3 + i) * kernel + k]! * x.data[(n * 3 + i) * 7 + t + k]!;
    return total;
  });
}

describe.each([
  [3, 1, 1],
  [3, 2, 1],
  [2, 3, 0],
  [1, 1, 0],
])('kernel %i, stride %i, padding %i', (kernel, stride, padding) => {
  const weight = drawn('weight', [4, 3, kernel]);

  it('computes the definition and one gradient, whether the kernel is constant or trained', async () => {
    const graph = createGraph('conv1d');
    const values = {
      x: input(graph, 'x', 'float32', x.shape),
      weight: input(graph, 'weight', 'float32', weight.shape),
      bias: input(graph, 'bias', 'float32', bias.shape),
    };
    const trained = conv1d(values.x, values.weight, { bias: values.bias, stride, padding });
    const fixed = conv1d(values.x, constant(graph, weight), { bias: values.bias, stride, padding });
    expect(fixed.shape).toEqual(trained.shape);
    const dy = input(graph, 'dy', 'float32', trained.shape);
    const [dxTrained, dWeight, dBias] = pullback(trained, dy, [values.x, values.weight, values.bias]);
    const [dxFixed, dBiasFixed] = pullback(fixed, dy, [values.x, values.bias]);
    const outputs = {
      trained,
      fixed,
      dxTrained: dxTrained!,
      dxFixed: dxFixed!,
      dBias: dBias!,
      dBiasFixed: dBiasFixed!,
      dWeight: dWeight!,
    };
    const slope = drawn('dy', trained.shape as number[]);
    const result = await compute(graph, outputs, { x, weight, bias, dy: slope });
    const of = (name: keyof typeof outputs): number[] => numbers(result[name]);

    const expected = plain(weight, stride, padding);
    expect(relativeError(of('trained'), expected)).toBeLessThan(1e-6);
    expect(relativeError(of('fixed'), expected)).toBeLessThan(1e-6);
    expect(relativeError(of('dxTrained'), of('dxFixed'))).toBeLessThan(1e-6);
    expect(relativeError(of('dBias'), of('dBiasFixed'))).toBeLessThan(1e-6);
    // The output is linear in each weight: moving one by 1 changes Σ dy · y by its gradient.
    const total = (w: Tensor<'float32'>): number =>
      plain(w, stride, padding).reduce((sum, y, i) => sum + y * slope.data[i]!, 0);
    const differences = Array.from(weight.data, (_, i) => {
      const moved = weight.data.slice();
      moved[i]! += 1;
      return total(float32(weight.shape, moved)) - total(weight);
    });
    expect(relativeError(of('dWeight'), differences)).toBeLessThan(1e-4);
  });
});
