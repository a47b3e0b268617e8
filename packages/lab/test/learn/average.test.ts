// The mean of trainings: each weight the mean, read like any learned encoder; what has no mean is refused by name.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensorsFile } from 'mien-engine/node';
import { FACE_LABELS } from 'mien/parts/data';
import { averageLearned } from '../../src/learn/average.js';
import { CLASSIFIER } from '../../src/learn/classifier.js';
import { readLearnedFace, writeLearned } from '../../src/learn/learned.js';
import { efficientNetB3Config, efficientNetFiles, writeFiles } from '../../../../test/support/pretrained.js';
import { float32, type Tensors } from 'mien-engine/base';

const json = { ...efficientNetB3Config, architecture: 'tf_efficientnetv2_b0', num_features: 1280 };
let root: string;
let published: Tensors;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-average-'));
  await writeFiles(join(root, 'published'), efficientNetFiles(json));
  const { tensors } = await readSafetensorsFile(join(root, 'published', 'model.safetensors'));
  published = Object.fromEntries(
    Object.entries(tensors).filter(([name]) => !/^classifier\.|num_batches_tracked$/.test(name)),
  );
  await train('a', 1, 0);
  await train('b', -3, 0.5);
});
afterAll(() => rm(root, { recursive: true }));

/** A training that multiplied all weights and whose classifier has one value throughout. */
function train(name: string, factor: number, value: number, labels: readonly string[] = FACE_LABELS) {
  const scaled = Object.entries(published).map(([key, { shape, data }]) => [
    key,
    float32(
      shape,
      (data as Float32Array).map((one) => factor * one),
    ),
  ]);
  const n = labels.length;
  return writeLearned(join(root, name), {
    kind: 'face',
    labels,
    settings: {},
    items: { training: 1, validation: 1 },
    located: {
      id: 'made/up',
      revision: 'main',
      sha256: '',
      path: async (file: string) => join(root, 'published', file),
    },
    result: {
      weights: {
        ...(Object.fromEntries(scaled) as Tensors),
        [`${CLASSIFIER}.weight`]: float32([n, 1280], new Float32Array(n * 1280).fill(value)),
        [`${CLASSIFIER}.bias`]: float32([n], new Float32Array(n).fill(value)),
      },
      bestEpoch: 1,
      epochs: [],
    } as never,
    config: { ...json, num_classes: n, pretrained_cfg: { ...json.pretrained_cfg, input_size: [3, 64, 64] } },
  });
}

test('every weight is the mean, and the size is the requested one', async () => {
  const record = await averageLearned({
    folders: [join(root, 'a'), join(root, 'b')],
    out: join(root, 'mean'),
    size: 72,
  });
  expect(record.averageOf).toHaveLength(2);
  const { weights, input } = await readLearnedFace(join(root, 'mean'));
  expect(input.size).toBe(72);
  const name = Object.keys(published)[0]!;
  (published[name]!.data as Float32Array)
    .slice(0, 50)
    .forEach((value, i) => expect(weights[name]!.data[i]).toBeCloseTo(-value, 5));
  expect(weights[`${CLASSIFIER}.bias`]!.data[0]).toBeCloseTo(0.25, 6);
  // A mean with itself changes nothing.
  await averageLearned({ folders: [join(root, 'a'), join(root, 'a')], out: join(root, 'same') });
  const bytes = (folder: string) => readFile(join(root, folder, 'encoder', 'model.safetensors'));
  expect((await bytes('same')).equals(await bytes('a'))).toBe(true);
});

test('a single training, different labels and a changed file are rejected', async () => {
  const of = (...names: string[]) =>
    averageLearned({ folders: names.map((name) => join(root, name)), out: join(root, 'none') });
  await expect(of('a')).rejects.toMatchObject({ code: 'usage' });
  await train('other', 1, 0, ['x', 'y']);
  await expect(of('other', 'a')).rejects.toMatchObject({ code: 'weights' });
  await cp(join(root, 'a'), join(root, 'changed'), { recursive: true });
  await cp(
    join(root, 'b', 'encoder', 'model.safetensors'),
    join(root, 'changed', 'encoder', 'model.safetensors'),
  );
  await expect(of('changed', 'a')).rejects.toMatchObject({ code: 'weights' });
  await writeFiles(join(root, 'foreign'), { 'learned.json': Buffer.from('{"kind":"voice"}') });
  await expect(of('a', 'foreign')).rejects.toMatchObject({ code: 'weights' });
});
