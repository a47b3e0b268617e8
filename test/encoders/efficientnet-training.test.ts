// EfficientNet in training mode against PyTorch: loss, gradients and running averages of one step.
import { describe, expect, it } from 'vitest';
import { int64, type Tensor } from '../../src/base/tensor.js';
import { createGraph, input } from '../../src/graph/builder.js';
import { gradients } from '../../src/graph/gradient.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { linear } from '../../src/nn/linear.js';
import { crossEntropy } from '../../src/nn/loss.js';
import { boundParameters, collectParameters, type Parameters } from '../../src/nn/parameters.js';
import { createSession } from '../../src/runtime/session.js';
import { efficientNetConfig, type EfficientNetConfig } from '../../src/encoders/efficientnet-blocks.js';
import { efficientNetTraining, isTrainedFrom } from '../../src/encoders/efficientnet-training.js';
import { goldenInput, goldenWeights, readGolden, relativeError } from '../support/golden.js';

interface Step {
  readonly loss: number;
  readonly gradients: Record<string, Float32Array>;
  readonly statistics: Record<string, Float32Array>;
}

/** Loss, gradients and running averages on the formula's weights and images, labels 0, 1, 2, …. */
async function step(
  config: EfficientNetConfig,
  images: Tensor<'float32'>,
  labels: readonly number[],
  from = 'conv_stem',
): Promise<Step> {
  const build = (p: Parameters) => {
    const { embedding, statistics } = efficientNetTraining(
      p,
      config,
      input(p.graph, 'images', 'float32', images.shape),
      { from },
    );
    return { logits: linear(p, 'classifier', embedding, 7), statistics };
  };
  const specs = collectParameters(build);
  const weights = goldenWeights(Object.fromEntries(specs.map(({ name, shape }) => [name, shape])));
  const graph = createGraph('step');
  const values = Object.fromEntries(
    specs.map(({ name, shape }) => [name, input(graph, name, 'float32', shape)]),
  );
  const { logits, statistics } = build(boundParameters(graph, values));
  const loss = crossEntropy(logits, input(graph, 'labels', 'int64', [labels.length]));
  const trained = Object.keys(values).filter(isTrainedFrom(config, from));
  const found = gradients(
    loss,
    trained.map((name) => values[name]!),
  );
  const named = Object.fromEntries(trained.map((name, i) => [`gradient ${name}`, found[i]!]));
  const updated = Object.fromEntries(
    Object.entries(statistics).map(([name, value]) => [`new ${name}`, value]),
  );
  const session = await createSession(encodeModel(graph, { loss, ...named, ...updated }));
  const results = await session.run({ ...weights, images, labels: int64([labels.length], labels) });
  await session.dispose();
  const of = (prefix: string) =>
    Object.fromEntries(
      Object.entries(results)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, { data }]) => [name.slice(prefix.length), data as Float32Array]),
    );
  return {
    loss: results['loss']!.data[0] as number,
    gradients: of('gradient '),
    statistics: of('new '),
  };
}

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

describe('tf_efficientnetv2_b0', () => {
  it('has the loss, gradients and running averages of PyTorch', async () => {
    const golden = await readGolden('tf_efficientnetv2_b0_gradients');
    const config = efficientNetConfig('tf_efficientnetv2_b0');
    const actual = await step(config, goldenInput('image_48', [4, 3, 48, 48]), [0, 1, 2, 3]);
    expect(relativeError([actual.loss], golden['loss']!.data)).toBeLessThan(1e-5);
    const norms = Object.entries(golden).filter(([name]) => name.startsWith('grad_norm.'));
    expect(Object.keys(actual.gradients).sort()).toEqual(
      norms.map(([name]) => name.slice('grad_norm.'.length)).sort(),
    );
    for (const [key, { data }] of norms) {
      const name = key.slice('grad_norm.'.length);
      const actualNorm = norm(actual.gradients[name]!);
      // What a block adds to all positions of a channel alike is taken away by the next block's batch norm: the
      // gradients of these shifts are zero but for rounding.
      if (data[0]! < 1e-6) expect(actualNorm, name).toBeLessThan(1e-6);
      else expect(relativeError([actualNorm], data), name).toBeLessThan(1e-3);
    }
    const stem = golden['grad.conv_stem.weight']!.data;
    const difference = stem.map((x, i) => x - actual.gradients['conv_stem.weight']![i]!);
    expect(norm(difference) / norm(stem)).toBeLessThan(1e-3);
    for (const kind of ['mean', 'var'])
      expect(
        relativeError(actual.statistics[`bn1.running_${kind}`]!, golden[`running_${kind}.bn1`]!.data),
      ).toBeLessThan(1e-5);
  });
});
