// EfficientNet's definitions against timm: tensor layout, embeddings of known weights, real weights on real photographs.
import { describe, expect, it } from 'vitest';
import { readJson, sha256 } from 'mien-engine/node';
import {
  collectParameters,
  constantParameters,
  createGraph,
  createSession,
  encodeModel,
  input,
  type Tensor,
} from 'mien-engine';
import {
  ARCHITECTURES,
  efficientNetConfig,
  type EfficientNetConfig,
  efficientNetMap,
  poolMap,
} from '../../src/encoders/efficientnet.js';
import {
  goldenInput,
  goldenPath,
  goldenWeights,
  readGolden,
  relativeError,
  weightsChecksum,
} from '../../../../test/support/golden.js';

/** Names and shapes of all parameters. */
function layout(config: EfficientNetConfig): Record<string, readonly number[]> {
  const specs = collectParameters((p) =>
    efficientNetMap(p, config, input(p.graph, 'x', 'float32', [1, 3, 64, 64])),
  );
  return Object.fromEntries(specs.map(({ name, shape }) => [name, shape]));
}

async function embed(
  config: EfficientNetConfig,
  weights: Record<string, Tensor>,
  images: Tensor<'float32'>,
): Promise<Tensor> {
  const graph = createGraph('efficientnet');
  const x = input(graph, 'images', 'float32', ['batch', ...images.shape.slice(1)]);
  const embedding = poolMap(efficientNetMap(constantParameters(graph, weights), config, x));
  const session = await createSession(encodeModel(graph, { embedding }), { threads: 1 });
  const { embedding: out } = await session.run({ images }, ['embedding']);
  await session.dispose();
  return out;
}

describe.each([
  ['efficientnet_b0', [64]],
  ['efficientnet_b3', [112, 300]],
  ['tf_efficientnetv2_b0', [75, 96]],
])('%s', (architecture, sizes) => {
  const config = efficientNetConfig(architecture);
  const weights = goldenWeights(layout(config));

  it('has the tensors of the published checkpoint', async () => {
    const golden = await readGolden(architecture);
    expect(relativeError([weightsChecksum(weights)], golden['weights_checksum']!.data)).toBeLessThan(1e-6);
  });

  it.each(sizes)('gives the embeddings of timm at %d pixels', async (size) => {
    const golden = (await readGolden(architecture))[`embedding_${size}`]!;
    const actual = await embed(config, weights, goldenInput(`image_${size}`, [2, 3, size, size]));
    expect(actual.shape).toEqual(golden.shape);
    expect(relativeError(actual.data as Float32Array, golden.data)).toBeLessThan(1e-5);
  });
});

describe('block tables', () => {
  it('have the tensors of timm, for every architecture', async () => {
    const golden = (await readJson(goldenPath('timm_layouts.json'))) as Record<string, string>;
    expect(Object.keys(golden)).toEqual([...ARCHITECTURES].sort());
    for (const [architecture, hash] of Object.entries(golden)) {
      const lines = Object.entries(layout(efficientNetConfig(architecture))).map(
        ([name, shape]) => `${name} [${shape.join(', ')}]`,
      );
      expect(sha256(lines.sort().join('\n')), architecture).toBe(hash);
    }
  });

  it('suggest the most similar architecture for an unknown one', () => {
    expect(() => efficientNetConfig('tf_efficientnet_v2_b0')).toThrow(/Did you mean "tf_efficientnetv2_b0"/);
  });
});
