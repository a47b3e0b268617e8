// How faces are tested: by published labels, by votes where their majority is one of the labels, and by a second classifier.
import { expect, test } from 'vitest';
import { float32, type Tensor } from 'mien-engine/base';
import { decisionModel } from '../../src/export/decision.js';
import { evaluateBundle } from '../../src/export/evaluation.js';
import { linearTop, faceModel, publishedTop } from '../../src/export/models.js';
import { openBundle, type OpenBundle } from 'mien/parts/bundle';
import { FACE_LABELS, type FaceItem, type FaceLabel, type FaceVotes, type Protocol } from 'mien/parts/data';
import { legibleManifest } from '../../../../test/support/bundle.js';
import { LABELS, smallFaceParts } from '../../../../test/support/small-encoders.js';

const at = (label: FaceLabel): number => FACE_LABELS.indexOf(label);
const votes = (label: FaceLabel, count: number, others: Partial<FaceVotes> = {}): FaceVotes => ({
  labels: Object.fromEntries(
    FACE_LABELS.map((name) => [name, name === label ? count : 0]),
  ) as FaceVotes['labels'],
  contempt: 0,
  unknown: 0,
  noFace: 0,
  ...others,
});

/** Says of every face the label whose index its first pixel is, and by its second classifier the next one. */
const telling = (second: boolean): OpenBundle => {
  const rows = (of: readonly number[]): Tensor<'float32'> =>
    float32(
      [of.length, 7],
      Float32Array.from(of.flatMap((label) => FACE_LABELS.map((_, k) => Number(k === label)))),
    );
  const part = { ...legibleManifest.face, width: 7 };
  const manifest = { ...legibleManifest, face: part, text: undefined, fusion: undefined, files: {} };
  return {
    manifest,
    faces: async (images: readonly { data: Uint8Array }[]) => {
      const said = images.map(({ data }) => data[0]!);
      const published = said.map((label) => (label + 1) % 7);
      return { embedding: rows(said), logits: rows(said), ...(second ? { published: rows(published) } : {}) };
    },
  } as unknown as OpenBundle;
};

const face = (
  dataset: FaceItem['dataset'],
  label: FaceLabel,
  said: FaceLabel,
  more: Partial<FaceItem> = {},
) => ({
  label,
  split: 'test' as const,
  group: 0,
  sha256: '',
  item: {
    id: '',
    label,
    dataset,
    split: 'test',
    file: '',
    image: { kind: 'pixels', width: 1, height: 1, data: Uint8Array.of(at(said)) },
    ...more,
  } as FaceItem,
});
const protocol = {
  texts: [],
  faces: [
    face('fer2013', 'anger', 'joy', { usage: 'PrivateTest', votes: votes('joy', 10) }),
    face('fer2013', 'joy', 'joy', { usage: 'PrivateTest', votes: votes('fear', 10) }),
    face('fer2013', 'joy', 'joy', { usage: 'PrivateTest', votes: votes('joy', 5, { noFace: 5 }) }),
    face('fer2013', 'neutral', 'joy', { usage: 'PrivateTest', votes: votes('joy', 2, { contempt: 8 }) }),
    face('rafdb', 'joy', 'joy'),
  ],
} as unknown as Protocol;

test('ties, contempt and faces that voters did not see are excluded from the votes; RAF-DB has no votes', async () => {
  const { tests } = await evaluateBundle(telling(true), protocol);
  const found = Object.fromEntries(tests.map(({ name, n, accuracy }) => [name, [n, accuracy.mean]]));
  expect(found).toMatchObject({
    'FER2013 PrivateTest': [4, 0.5],
    'FER2013 PrivateTest, by votes': [2, 0.5],
    // The label behind joy is neutral.
    'FER2013 PrivateTest, second classifier': [4, 0.25],
    'RAF-DB test': [1, 1],
  });
  expect(Object.keys(found).filter((name) => name.startsWith('RAF-DB'))).toEqual(['RAF-DB test']);
});

test('without votes and without a second classifier there are no such rows', async () => {
  const faces = protocol.faces.map(({ item: { votes: _votes, ...item }, ...rest }) => ({ ...rest, item }));
  const { tests } = await evaluateBundle(telling(false), { ...protocol, faces } as unknown as Protocol);
  expect(tests.map(({ name }) => name)).toEqual(['FER2013 PrivateTest', 'FER2013 test', 'RAF-DB test']);
});

test('a model’s second classifier is read from its file', async () => {
  const { network, input, weights, manifest } = smallFaceParts('mobilefacenet');
  const width = network.width;
  const doubled = (name: string): Tensor<'float32'> => {
    const { shape, data } = weights[name]!;
    return float32(
      shape,
      data.map((value) => 2 * value),
    );
  };
  const more = {
    ...weights,
    'classifier.published.weight': doubled('classifier.weight'),
    'classifier.published.bias': doubled('classifier.bias'),
  };
  expect(publishedTop(weights, LABELS.length)).toBeUndefined();
  const second = publishedTop(more, LABELS.length);
  const bytes = faceModel(network, input, more, linearTop(more, LABELS.length), 'float32', second);
  const files = { 'face.onnx': bytes, 'decision.onnx': decisionModel(manifest) };
  const bundle = await openBundle(manifest, files, { threads: 1 });
  const image = { width: 4, height: 4, data: Uint8Array.from({ length: 48 }, (_, i) => 5 * i) };
  const { logits, published, embedding } = await bundle.faces([image, image]);
  expect(embedding.shape).toEqual([2, width]);
  published!.data.forEach((value, i) => expect(value).toBeCloseTo(2 * logits.data[i]!, 4));
  await bundle.dispose();
});
