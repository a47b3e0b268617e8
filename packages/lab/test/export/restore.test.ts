// Encoders restored from bundles: the weights as they were stored, in folders that read like finished trainings.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initialize, type Tensors } from 'mien-engine';
import { type BundleManifest, FILES, readBundle, writeBundle } from 'mien/parts/bundle';
import { bertTokenizerJson } from '../../../../test/support/pretrained.js';
import { writeLegible } from '../../../../test/support/bundle.js';
import { bertConfig } from '../../src/encoders/bert.js';
import { bertParameters } from '../../src/encoders/load.js';
import { decisionModel } from '../../src/export/decision.js';
import { faceModel, fineTop, linearTop, publishedTop, textModel } from '../../src/export/models.js';
import { restoreLearned } from '../../src/export/restore.js';
import { FINE_CLASSIFIER } from '../../src/learn/classifier.js';
import { classifierSpecs, readLearnedFace, readLearnedText, writeLearned } from '../../src/learn/learned.js';

const LITE = join(import.meta.dirname, '../../../mien/models/lite');
const labels = ['anger', 'joy', 'sadness'];
const fine = ['glee', 'grief', 'pride', 'rage'];
const config = bertConfig({
  model_type: 'bert',
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  vocab_size: 40,
  max_position_embeddings: 16,
  type_vocab_size: 2,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 64,
});
const specs = [
  ...bertParameters(config),
  ...classifierSpecs(32, labels.length),
  ...classifierSpecs(32, fine.length, FINE_CLASSIFIER),
].map((spec) => ({ init: () => new Float32Array(spec.shape.reduce((a, b) => a * b, 1)).fill(0.5), ...spec }));
const weights: Tensors = initialize(specs, 3);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-restore-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A bundle that reads texts only, by the encoder above. */
async function written(name: string, model: Uint8Array): Promise<string> {
  const folder = join(root, name);
  const { format } = (await readBundle(LITE)).manifest;
  const manifest: Omit<BundleManifest, 'files'> = {
    format,
    name,
    decision: FILES.decision,
    text: {
      model: FILES.text,
      tokenizer: FILES.tokenizer,
      labels,
      fine,
      maxTokens: 12,
      width: 32,
      temperature: 1.25,
      prior: [0.5, 0.25, 0.25],
    },
    terms: ['Made for a test.'],
  };
  const tokenizer = JSON.stringify(bertTokenizerJson(['word']));
  await writeBundle(folder, manifest, {
    [FILES.text]: model,
    [FILES.decision]: decisionModel(manifest),
    [FILES.tokenizer]: tokenizer,
  });
  return folder;
}

const modelOf = (precision: 'float32' | 'small', from = weights): Uint8Array =>
  textModel(config, from, 'mean', linearTop(from, labels.length), precision, fineTop(from, fine.length));

test('float32 weights are restored exactly, with the calibration, the tokenizer and the terms', async () => {
  const bundle = await written('float', modelOf('float32'));
  const out = join(root, 'restored-float');
  const { text, face } = await restoreLearned({ bundle, out });
  expect(face).toBeUndefined();
  expect(text).toMatchObject({
    kind: 'text',
    labels,
    fine,
    terms: ['Made for a test.'],
    calibration: { prior: [0.5, 0.25, 0.25], temperature: 1.25 },
  });
  const learned = await readLearnedText(join(out, 'text'));
  expect(learned).toMatchObject({ config, maxTokens: 12, pooling: 'mean' });
  expect(learned.weights).toEqual(weights);
  expect(learned.tokenizer).toBe(await readFile(join(bundle, FILES.tokenizer), 'utf8'));
});

test('integer weights are restored to within half a step, and small tensors exactly', async () => {
  const out = join(root, 'restored-small');
  await restoreLearned({ bundle: await written('small', modelOf('small')), out });
  const { weights: restored } = await readLearnedText(join(out, 'text'));
  expect(Object.keys(restored).sort()).toEqual(Object.keys(weights).sort());
  for (const [name, { data, shape }] of Object.entries(weights)) {
    const values = restored[name]!.data as Float32Array;
    const columns = shape.at(-1)!;
    const isWhole =
      name === 'embeddings.word_embeddings.weight' || /layer\..*(query|key|value|dense)\.weight$/.test(name);
    for (let row = 0; row < data.length; row += columns) {
      const wanted = (data as Float32Array).subarray(row, row + columns);
      const step = isWhole ? Math.max(...wanted.map(Math.abs)) / (name.includes('word') ? 127 : 63) : 0;
      wanted.forEach((value, i) =>
        expect(Math.abs(values[row + i]! - value)).toBeLessThanOrEqual(step * 0.5001),
      );
    }
  }
});

test('the bundled face encoder is restored to weights that give the same model', async () => {
  const out = join(root, 'lite');
  const { manifest, files } = await readBundle(LITE);
  const { text: _, fusion: __, ...onlyFace } = manifest;
  const bundle = join(root, 'lite-face');
  await writeBundle(bundle, onlyFace, {
    [FILES.face]: files[FILES.face]!,
    [FILES.decision]: decisionModel(onlyFace),
  });
  await restoreLearned({ bundle, out });
  const { network, input, weights: restored, labels: classes } = await readLearnedFace(join(out, 'face'));
  expect(network.architecture).toBe('mobilefacenet');
  expect(input.size).toBe(manifest.face!.size);
  const top = linearTop(restored, classes.length);
  const again = faceModel(network, input, restored, top, 'small', publishedTop(restored, classes.length));
  expect(Buffer.compare(again, files[FILES.face]!)).toBe(0);
});

test('a model that was not written from a learned encoder is rejected by name', async () => {
  const bundle = join(root, 'legible');
  await writeLegible(bundle);
  await expect(restoreLearned({ bundle, out: join(root, 'none') })).rejects.toMatchObject({
    code: 'bundle',
    message: expect.stringMatching(/text\.onnx: is not a model that this version of mien writes/),
  });
});

test('the terms of a bundle apply to encoders trained from it', async () => {
  const out = join(root, 'restored-terms');
  await restoreLearned({ bundle: await written('terms', modelOf('float32')), out });
  const encoder = join(out, 'text', 'encoder');
  const record = await writeLearned(join(root, 'further'), {
    kind: 'text',
    labels,
    settings: {},
    located: { id: 'a/b', revision: 'local', sha256: '', path: async (file) => join(encoder, file) },
    items: { training: 1, validation: 1 },
    result: { weights, bestEpoch: 1, epochs: [] } as never,
    config: {},
  });
  expect(record.terms).toEqual(['Made for a test.']);
});
