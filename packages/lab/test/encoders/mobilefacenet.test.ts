// MobileFaceNet: the published weights give PyTorch's outputs, and its training definition the same numbers and slopes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensorsFile } from 'mien-engine/node';
import {
  boundParameters,
  constantParameters,
  createGraph,
  float32,
  gradients,
  input,
  mul,
  sum,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { faceNetwork, faceNetworkParameters, isFaceTrainedFrom } from '../../src/encoders/face-network.js';
import { faceConfig, loadFaceEncoder, timmConfig } from '../../src/encoders/load.js';
import { mobileFaceNetConfig, mobileFaceNetTraining } from '../../src/encoders/mobilefacenet.js';
import { compute, numbers } from '../../../engine/test/graph/harness.js';
import { goldenInput, goldenWeights, readGolden, relativeError } from '../../../../test/support/golden.js';

const network = mobileFaceNetConfig();
const weights = goldenWeights(
  Object.fromEntries(faceNetworkParameters(network).map(({ name, shape }) => [name, shape as number[]])),
);

async function inferred(of: Tensors, images: Tensor<'float32'>) {
  const graph = createGraph('inference');
  const x = input(graph, 'images', 'float32', images.shape);
  return compute(graph, { ...faceNetwork(constantParameters(graph, of), network, x) }, { images });
}

async function trained(images: Tensor<'float32'>, from: string) {
  const graph = createGraph('training');
  const x = input(graph, 'images', 'float32', images.shape);
  const embedding = mobileFaceNetTraining(constantParameters(graph, weights), network, x, { from });
  return (await compute(graph, { embedding }, { images }))['embedding'];
}

/** Rows of `x` times the transposed 1×1 kernel of this name, and its bias. */
function project(x: number[], width: number, of: Tensors, name: string): number[] {
  const kernel = of[`${name}.conv.weight`]!;
  const bias = of[`${name}.conv.bias`]!.data as Float32Array;
  const [outputs] = kernel.shape as [number];
  return Array.from({ length: (x.length / width) * outputs }, (_, i) => {
    const [row, o] = [Math.floor(i / outputs), i % outputs];
    let total = bias[o]!;
    for (let k = 0; k < width; k++) total += (kernel.data[o * width + k] as number) * x[row * width + k]!;
    return total;
  });
}

const WEIGHTS = process.env['MIEN_WEIGHTS'];

describe.skipIf(!WEIGHTS)('the published weights', () => {
  const folder = join(WEIGHTS ?? '', 'mobilefacenet');

  it('give the map and the embedding of PyTorch', async () => {
    const { tensors } = await readSafetensorsFile(join(folder, 'model.safetensors'));
    const golden = await readGolden('mobilefacenet');
    const { map, embedding } = await inferred(tensors, golden['input']!);
    expect(relativeError(numbers(map), golden['features']!.data)).toBeLessThan(1e-5);
    const told = project(
      project(numbers(embedding), 512, tensors, 'global_project'),
      512,
      tensors,
      'embedding',
    );
    const norms = [0, 1].map((row) => Math.hypot(...told.slice(row * 192, row * 192 + 192)));
    const normalised = told.map((value, i) => value / norms[Math.floor(i / 192)]!);
    expect(relativeError(normalised, golden['embedding']!.data)).toBeLessThan(1e-5);
  });

  it('load as an encoder, with the published preprocessing', async () => {
    const json: unknown = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    const { input: read } = faceConfig(timmConfig(json), 'published');
    // (pixel − 127.5) / 128
    expect(((1 - read.mean[0]!) * 255) / (read.std[0]! * 255)).toBeCloseTo(127.5 / 128, 9);
    expect(read.size).toBe(112);
    const encoder = await loadFaceEncoder(
      { id: 'made/mobilefacenet', revision: 'main', folder, imageSize: 32 },
      { threads: 1 },
    );
    const map = await encoder.encodeMap([{ width: 1, height: 1, data: Uint8Array.of(9, 99, 199) }]);
    expect(map.shape).toEqual([1, 512, 2, 2]);
    await encoder.dispose();
  });
});

describe('the training definition', () => {
  it.each([
    ['stem', 32],
    ['stage2', 48],
    ['head', 32],
  ])('gives the embedding of the inference definition when trained from %s', async (from, size) => {
    const images = goldenInput('image', [2, 3, size, size]);
    const { embedding } = await inferred(weights, images);
    expect(relativeError(numbers(await trained(images, from)), numbers(embedding))).toBeLessThan(1e-5);
  });

  it('has gradients that match finite differences', async () => {
    const images = goldenInput('image', [2, 3, 32, 32]);
    const names = Object.keys(weights).filter(isFaceTrainedFrom(network, { from: 'stage4', slopes: true }));
    expect(names).toContain('stage5.1.depthwise.prelu.weight');
    const loss = async (moved: Tensors, wanted: boolean) => {
      const graph = createGraph('step');
      const x = input(graph, 'images', 'float32', images.shape);
      const bound = names.map((name) => [name, input(graph, name, 'float32', moved[name]!.shape)] as const);
      const rest = constantParameters(graph, weights);
      const trainable = boundParameters(graph, Object.fromEntries(bound));
      const p: typeof rest = {
        graph,
        get: (name, ...more) => (names.includes(name) ? trainable : rest).get(name, ...more),
      };
      const y = mobileFaceNetTraining(p, network, x, { from: 'stage4' });
      const total = sum(mul(y, y));
      const values = bound.map(([, value]) => value);
      const found = wanted ? gradients(total, values) : [];
      const outputs = Object.fromEntries(found.map((value, i) => [`slope of ${names[i]}`, value]));
      const feeds = Object.fromEntries(names.map((name) => [name, moved[name]!]));
      return compute(graph, { total, ...outputs }, { images, ...feeds });
    };
    const at = await loss(weights, true);
    const square = names.reduce(
      (all, name) => all + numbers(at[`slope of ${name}`]).reduce((a, g) => a + g * g, 0),
      0,
    );
    const step = 1e-3 / Math.sqrt(square);
    const moved = (sign: number): Tensors =>
      Object.fromEntries(
        names.map((name) => {
          const { shape, data } = weights[name]!;
          const slope = numbers(at[`slope of ${name}`]);
          return [
            name,
            float32(
              shape,
              data.map((value, i) => value + sign * step * slope[i]!),
            ),
          ];
        }),
      );
    const [up, down] = [await loss(moved(1), false), await loss(moved(-1), false)];
    const slope = (numbers(up['total'])[0]! - numbers(down['total'])[0]!) / (2 * step);
    expect(slope / square).toBeGreaterThan(0.98);
    expect(slope / square).toBeLessThan(1.02);
  });

  it('does not train slopes by default, and lists the parts', () => {
    const all = isFaceTrainedFrom(network, { from: null });
    expect(['stem.conv.weight', 'stem.prelu.weight', 'head.conv.bias'].map(all)).toEqual([true, false, true]);
    expect(() => isFaceTrainedFrom(network, { from: 'stage6' })).toThrow(/no part "stage6"[^]*Did you mean/);
  });
});
