// A face encoder learned from MobileFaceNet's published form, votes among its targets: what it leaves and how it reads back.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeSafetensors, randomStream } from 'mien-engine/base';
import { FACE_LABELS } from 'mien/parts/data';
import { faceNetworkParameters } from '../../src/encoders/face-network.js';
import { mobileFaceNetConfig } from '../../src/encoders/mobilefacenet.js';
import { learnFace, type LabelledFace } from '../../src/learn/learn-face.js';
import { readLearnedFace } from '../../src/learn/learned.js';
import { faceLearnSettings } from '../../src/learn/settings.js';
import { goldenWeights } from '../../../../test/support/golden.js';
import { writeFiles } from '../../../../test/support/pretrained.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-learn-face-'));
  const shapes = Object.fromEntries(
    faceNetworkParameters(mobileFaceNetConfig()).map(({ name, shape }) => [name, shape]),
  );
  const layers = { 'embedding.conv.weight': [192, 512, 1, 1], 'embedding.conv.bias': [192] };
  await writeFiles(join(root, 'published'), {
    'model.safetensors': Buffer.concat(encodeSafetensors(goldenWeights({ ...shapes, ...layers }))),
    'config.json': Buffer.from(
      JSON.stringify({ name: 'MobileFaceNet', input: { size: [112, 112] }, blocks: [] }),
    ),
  });
});
afterAll(() => rm(root, { recursive: true }));

const draw = randomStream(2, 'faces');
/** Two faces a label of one set and one of the other, of 48×48 pixels. */
const faces = FACE_LABELS.flatMap((label, l) =>
  ['fer2013', 'fer2013', 'rafdb'].map((dataset, i): LabelledFace => ({
    label,
    dataset,
    sha256: `${label} ${i}`,
    image: {
      kind: 'pixels',
      width: 48,
      height: 48,
      data: Uint8Array.from({ length: 48 * 48 }, () => draw.integer(256)),
    },
    ...(dataset === 'rafdb'
      ? {}
      : {
          votes: {
            labels: Object.fromEntries(
              FACE_LABELS.map((name, k) => [name, k === l ? 6 : name === 'neutral' ? 4 : 0]),
            ) as Record<(typeof FACE_LABELS)[number], number>,
            contempt: 0,
            unknown: 0,
            noFace: 0,
          },
        }),
  })),
);

const learned = (out: string, settings: object) =>
  learnFace({
    labels: FACE_LABELS,
    training: faces,
    validation: faces.slice(0, 6),
    out: join(root, out),
    encoder: {
      id: 'made/mobilefacenet',
      revision: 'main',
      folder: join(root, 'published'),
      imageSize: 'published',
    },
    settings: faceLearnSettings.parse({
      phases: [{ epochs: 1, size: 32 }],
      keptSize: 32,
      batchSize: 7,
      from: 'head',
      dropPath: 0,
      optimizer: { learningRate: 1e-9 },
      ...settings,
    }),
    threads: 1,
  });

test('label frequencies are removed from the loss and restored in the classifier', async () => {
  const whole = await learned('plain', { mixup: 0.2, publishedLabels: 0.5 });
  expect(Object.keys(whole.epochs[0]!.details)).toEqual(
    expect.arrayContaining(['fer2013', 'fer2013 votes', 'fer2013 published']),
  );
  expect(whole.calibration!.prior[FACE_LABELS.indexOf('neutral')]).toBeGreaterThan(
    2 * whole.calibration!.prior[0]!,
  );
  const adjusted = await learned('adjusted', { logitAdjustment: 1, framing: { rafdb: 1.2 } });
  expect(adjusted.calibration).toEqual(whole.calibration);

  const [one, other] = [
    await readLearnedFace(join(root, 'plain')),
    await readLearnedFace(join(root, 'adjusted')),
  ];
  expect(other.network).toMatchObject({ architecture: 'mobilefacenet' });
  expect(other.input).toMatchObject({ size: 32, mean: [0.5, 0.5, 0.5] });
  const biases = [one, other].map(({ weights }) => [...(weights['classifier.bias']!.data as Float32Array)]);
  biases[1]!.forEach((bias, c) =>
    expect(bias - biases[0]![c]!).toBeCloseTo(Math.log(adjusted.calibration!.prior[c]!), 5),
  );
});
