// The graph that explains against the models that answer: the same weights, and the same numbers but for rounding.
import { describe, expect, test } from 'vitest';
import {
  createGraph,
  createSession,
  encodeModel,
  input,
  int32,
  int64,
  randomStream,
  readModel,
  tensor,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import {
  createFaceExplainer,
  createTextExplainer,
  cutOf,
  explainedDifference,
  rebuild,
} from 'mien/parts/explain';
import { decisionOf, LABELS, smallFace, smallText } from '../../../../test/support/small-encoders.js';

const logOdds = (logits: ArrayLike<number>, label: number): number => {
  const others = Array.from(logits).filter((_, i) => i !== label);
  return logits[label]! - Math.log(others.reduce((sum, z) => sum + Math.exp(z), 0));
};
const run = async (model: Uint8Array, feeds: Tensors): Promise<Record<string, Tensor>> => {
  const session = await createSession(model, { threads: 1 });
  const result = await session.run(feeds);
  await session.dispose();
  return result;
};
const numbers = (value: Tensor | undefined): Float32Array => value!.data as Float32Array;
const largest = (values: Iterable<number>): number => Math.max(...Array.from(values, Math.abs));
const apart = (a: Float32Array, b: Float32Array): number => largest(a.map((value, i) => value - b[i]!));

describe('a text encoder in whole numbers', () => {
  const { bytes, manifest } = smallText();
  const ids = Int32Array.from([1, 7, 9, 30, 30, 12, 2]);
  const feeds = { ids: int32([1, ids.length], ids) };

  test('is rebuilt with its own weights, not those before rounding: what is left is the rounding of activations', async () => {
    const graph = createGraph('rebuilt');
    const given = { ids: input(graph, 'ids', 'int32', [1, 'tokens']) };
    const values = rebuild(graph, readModel(bytes, 'text.onnx'), given, ['logits', 'embedding']);
    const rebuilt = await run(encodeModel(graph, { logits: values.get('logits')! }), feeds);
    const plain = await run(smallText('float32').bytes, feeds);
    expect(apart(numbers(rebuilt['logits']), numbers(plain['logits']))).toBeLessThan(1e-5);
    const own = await run(bytes, feeds);
    const scale = largest(numbers(own['logits']));
    expect(apart(numbers(rebuilt['logits']), numbers(own['logits'])) / scale).toBeLessThan(0.05);
  });

  test('attributions are complete, special tokens have none, and the log-odds are the model’s own', async () => {
    const explainer = await createTextExplainer(
      manifest,
      { text: readModel(bytes, 'text.onnx'), decision: decisionOf(manifest) },
      { threads: 1 },
    );
    const baseline = ids.map((id, i) => (i === 0 || i === ids.length - 1 ? id : 3));
    const question = { ids, baseline, label: 'joy', among: LABELS };
    const { attributions, from, to, gap } = await explainer.attribute(question);
    const sum = attributions.reduce((a, b) => a + b, 0);
    expect(Math.abs(gap)).toBeLessThanOrEqual(0.01 * explainedDifference({ from, to }));
    expect(sum - (to - from)).toBeCloseTo(gap, 6);
    expect([attributions[0], attributions.at(-1)]).toEqual([0, 0]);
    const own = await run(bytes, feeds);
    expect(Math.abs(to - logOdds(numbers(own['logits']), 1))).toBeLessThan(0.1);
    await explainer.dispose();
  });
});

describe.each(['efficientnet', 'mobilefacenet'] as const)(
  'an %s in float16 that looks at both mirror images',
  (of) => {
    const { bytes, manifest } = smallFace(of);
    const model = readModel(bytes, 'face.onnx');
    const draw = randomStream(6, 'image');
    const image = {
      width: 40,
      height: 40,
      data: Uint8Array.from({ length: 3 * 1600 }, () => draw.integer(256)),
    };

    test('is cut where maps are still large, once for each of both', () => {
      expect(cutOf(model)).toMatchObject({ channels: 1, views: ['original', 'mirrored'], behindViews: true });
    });

    test('gives the log-odds of its own run, and complete attributions', async () => {
      const explainer = await createFaceExplainer(
        manifest,
        { face: model, decision: decisionOf(manifest) },
        { threads: 1 },
      );
      const { rows, columns, cells, from, to, gap } = await explainer.attribute({
        image,
        label: 'anger',
        among: LABELS,
      });
      expect([rows, columns]).toEqual([8, 8]);
      const own = await run(bytes, {
        pixels: tensor('uint8', [1, 40, 40, 3], image.data),
        views: int64([2], [0, 1]),
      });
      expect(to).toBeCloseTo(logOdds(numbers(own['logits']), 0), 4);
      expect(cells.reduce((a, b) => a + b, 0) - (to - from)).toBeCloseTo(gap, 5);
      expect(Math.abs(gap)).toBeLessThanOrEqual(0.01 * explainedDifference({ from, to }));
      await explainer.dispose();
    });

    test('of a mirrored face has the mirrored map', async () => {
      const explainer = await createFaceExplainer(
        manifest,
        { face: model, decision: decisionOf(manifest) },
        { threads: 1 },
      );
      const flipped = { ...image, data: new Uint8Array(image.data.length) };
      for (let i = 0; i < image.data.length; i++) {
        const [row, column, c] = [Math.floor(i / 120), Math.floor((i % 120) / 3), i % 3];
        flipped.data[row * 120 + (39 - column) * 3 + c] = image.data[i]!;
      }
      const ask = { label: 'anger', among: LABELS };
      const [one, other] = [
        await explainer.attribute({ ...ask, image }),
        await explainer.attribute({ ...ask, image: flipped }),
      ];
      const turned = other.cells.map((_, i) => other.cells[i - (i % 8) + 7 - (i % 8)]!);
      expect(largest(turned.map((cell, i) => cell - one.cells[i]!))).toBeLessThan(0.02 * largest(one.cells));
      await explainer.dispose();
    });
  },
);

test('a model that is none, or of others, is refused by name', () => {
  expect(() => readModel(Uint8Array.of(1, 2, 3), 'text.onnx')).toThrow(
    expect.objectContaining({ code: 'format' }) as Error,
  );
  const foreign = {
    file: 'face.onnx',
    nodes: [{ type: 'Foreign', inputs: ['x'], outputs: ['y'], attributes: {} }],
    constants: new Map(),
  };
  const graph = createGraph('foreign');
  expect(() => rebuild(graph, foreign, { x: input(graph, 'x', 'float32', [1]) }, ['y'])).toThrow(
    /face\.onnx.*Foreign/s,
  );
});
