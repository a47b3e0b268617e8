// EfficientNet in training mode against PyTorch: loss, gradients and running averages of one step.
import { describe, expect, it } from 'vitest';
import {
  boundParameters,
  collectParameters,
  constantParameters,
  createGraph,
  createSession,
  crossEntropy,
  encodeModel,
  float32,
  gradients,
  input,
  int64,
  linear,
  type Parameters,
  type Tensor,
  type Value,
} from 'mien-engine';
import {
  efficientNetConfig,
  type EfficientNetConfig,
  efficientNetMap,
  poolMap,
} from '../../src/encoders/efficientnet.js';
import {
  efficientNetTraining,
  isStatistic,
  isTrainedFrom,
  type EfficientNetTrainingOptions,
} from '../../src/encoders/efficientnet-training.js';
import { goldenInput, goldenWeights, readGolden, relativeError } from '../../../../test/support/golden.js';

interface Step {
  readonly loss: number;
  readonly embedding: Tensor;
  readonly gradients: Record<string, Float32Array>;
  readonly statistics: Record<string, Tensor>;
}

type Weights = Readonly<Record<string, Tensor>>;

/** The training graph of a network and a classifier of seven labels. */
const definition =
  (config: EfficientNetConfig, shape: readonly number[], options: EfficientNetTrainingOptions) =>
  (p: Parameters) => {
    const images = input(p.graph, 'images', 'float32', shape);
    const { embedding, statistics } = efficientNetTraining(p, config, images, options);
    return { embedding, statistics, logits: linear(p, 'classifier', embedding, 7) };
  };

const shapesOf = (config: EfficientNetConfig): Record<string, readonly number[]> =>
  Object.fromEntries(
    collectParameters(definition(config, [2, 3, 32, 32], {})).map(({ name, shape }) => [name, shape]),
  );

/** The formula's weights. */
const formulaWeights = (config: EfficientNetConfig): Weights => goldenWeights(shapesOf(config));

/** Loss, gradients and running averages on images with labels 0, 1, 2, …, as a function of the weights. */
async function openStep(
  config: EfficientNetConfig,
  images: Tensor<'float32'>,
  options: EfficientNetTrainingOptions = {},
): Promise<AsyncDisposable & { run(weights: Weights): Promise<Step> }> {
  const build = definition(config, images.shape, options);
  const graph = createGraph('step');
  const values = Object.fromEntries(
    Object.entries(shapesOf(config)).map(([name, shape]) => [name, input(graph, name, 'float32', shape)]),
  );
  const { embedding, logits, statistics } = build(boundParameters(graph, values));
  const count = images.shape[0]!;
  const loss = crossEntropy(logits, input(graph, 'labels', 'int64', [count]));
  const trained = Object.keys(values).filter(isTrainedFrom(config, options.from ?? 'conv_stem'));
  const found = gradients(
    loss,
    trained.map((name) => values[name]!),
  );
  const prefixed = (prefix: string, entries: readonly (readonly [string, Value])[]) =>
    Object.fromEntries(entries.map(([name, value]) => [`${prefix}${name}`, value]));
  const outputs = {
    loss,
    embedding,
    ...prefixed(
      'gradient ',
      trained.map((name, i) => [name, found[i]!]),
    ),
    ...prefixed('new ', Object.entries(statistics)),
  };
  const session = await createSession(encodeModel(graph, outputs), { threads: 1 });
  const labels = int64(
    [count],
    Array.from({ length: count }, (_, i) => i),
  );
  const run = async (weights: Weights): Promise<Step> => {
    const results = await session.run({ ...weights, images, labels });
    const of = (prefix: string): [string, Tensor][] =>
      Object.entries(results)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, tensor]) => [name.slice(prefix.length), tensor]);
    return {
      loss: results['loss']!.data[0] as number,
      embedding: results['embedding']!,
      gradients: Object.fromEntries(of('gradient ').map(([name, { data }]) => [name, data as Float32Array])),
      statistics: Object.fromEntries(of('new ')),
    };
  };
  return { run, [Symbol.asyncDispose]: () => session.dispose() };
}

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
const floats = (tensor: Tensor): Float32Array => tensor.data as Float32Array;

describe.each([
  ['tf_efficientnetv2_b0', 48, 'bn1', ['conv_stem.weight']],
  ['efficientnet_b0', 40, 'blocks.4.0.bn2', ['conv_stem.weight', 'blocks.4.0.conv_dw.weight']],
])('%s', (architecture, size, normed, kernels) => {
  it('has the loss, gradients and running averages of PyTorch', async () => {
    const golden = await readGolden(`${architecture}_gradients`);
    const images = goldenInput(`image_${size}`, [4, 3, size, size]);
    const config = efficientNetConfig(architecture);
    await using step = await openStep(config, images);
    const actual = await step.run(formulaWeights(config));
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
    for (const name of kernels) {
      const expected = golden[`grad.${name}`]!.data;
      const difference = expected.map((x, i) => x - actual.gradients[name]![i]!);
      expect(norm(difference) / norm(expected), name).toBeLessThan(1e-3);
    }
    for (const kind of ['mean', 'var'])
      expect(
        relativeError(
          floats(actual.statistics[`${normed}.running_${kind}`]!),
          golden[`running_${kind}.${normed}`]!.data,
        ),
      ).toBeLessThan(1e-5);
  });
});

describe('efficientNetTraining', () => {
  const config = efficientNetConfig('tf_efficientnetv2_b0');
  const images = goldenInput('image_48', [4, 3, 48, 48]);

  it('equals the inference definition with the statistics of the same batch', async () => {
    const weights = formulaWeights(config);
    await using step = await openStep(config, images, { momentum: 1 });
    const { embedding, statistics } = await step.run(weights);
    // Running variances are divided by one less than the number of elements; the batch's own by that number.
    const shrink = (name: string, tensor: Tensor): Tensor => {
      if (!name.endsWith('running_var')) return tensor;
      const [, stage, block, layer] = /^(?:blocks\.(\d)\.(\d)\.)?bn(\d)/.exec(name)!;
      // An expansion stands before its block's stride.
      const s = stage === undefined ? -1 : Number(stage);
      const before = s >= 3 && block === '0' && layer === '1';
      const side = s < 0 ? (layer === '1' ? 24 : 2) : [24, 12, 6, before ? 6 : 3, 3, before ? 3 : 2][s]!;
      const count = 4 * side * side;
      return float32(
        tensor.shape,
        floats(tensor).map((x) => (x * (count - 1)) / count),
      );
    };
    const stored = Object.fromEntries(
      Object.entries(statistics).map(([name, tensor]) => [name, shrink(name, tensor)]),
    );
    const graph = createGraph('inference');
    const x = input(graph, 'images', 'float32', images.shape);
    const expected = poolMap(
      efficientNetMap(constantParameters(graph, { ...weights, ...stored }), config, x),
    );
    const session = await createSession(encodeModel(graph, { expected }), { threads: 1 });
    const results = await session.run({ images });
    await session.dispose();
    expect(relativeError(floats(embedding), floats(results['expected']!))).toBeLessThan(1e-4);
  });

  it.each(['blocks.4', 'conv_head'])('trains from %s on, with stored statistics before', async (from) => {
    const weights = formulaWeights(config);
    await using step = await openStep(config, images, { from });
    const { loss, gradients: found, statistics } = await step.run(weights);
    const first =
      from === 'conv_head' ? /^(conv_head|bn2|classifier)\./ : /^(blocks\.[45]|conv_head|bn2|classifier)\./;
    const names = Object.keys(weights);
    expect(Object.keys(found)).toEqual(names.filter((name) => first.test(name) && !isStatistic(name)));
    expect(Object.keys(statistics).sort()).toEqual(
      names.filter((name) => first.test(name) && isStatistic(name)).sort(),
    );
    // A step along the gradient changes the loss by the gradient's squared norm.
    const square = Object.values(found).reduce((sum, gradient) => sum + norm(gradient) ** 2, 0);
    const h = 2e-3 / square;
    const moved = async (sign: number): Promise<number> => {
      const changed = Object.fromEntries(
        Object.entries(found).map(([name, gradient]) => [
          name,
          float32(
            weights[name]!.shape,
            floats(weights[name]!).map((x, i) => x + sign * h * gradient[i]!),
          ),
        ]),
      );
      return (await step.run({ ...weights, ...changed })).loss;
    };
    const slope = ((await moved(1)) - (await moved(-1))) / (2 * h);
    expect(slope / square).toBeGreaterThan(0.98);
    expect(slope / square).toBeLessThan(1.02);
    expect(loss).toBeGreaterThan(0);
  });

  it('lists the parts for an unknown one, and requires a seed', () => {
    const p = (options: EfficientNetTrainingOptions) => () =>
      collectParameters(definition(config, [2, 3, 32, 32], options));
    expect(p({ from: 'blocks.6' })).toThrow(/no part "blocks.6"[^]*Did you mean/);
    expect(p({ dropPath: 0.2 })).toThrow(/seed/);
  });
});
