// Finer labels of texts: a second classifier on the same embedding, given by a bundle that has one when it is asked.
import { expect, test } from 'vitest';
import { float32 } from 'mien-engine/base';
import { decisionModel } from '../../src/export/decision.js';
import { fineTop } from '../../src/export/models.js';
import { type Modality, openBundle } from 'mien/parts/bundle';
import { createRecognizer, isRecognition, type RecognizeOptions } from 'mien/parts/recognizer';
import { classify, FINE_CLASSIFIER } from '../../src/learn/classifier.js';
import { openDecisionOf, openLegible } from '../../../../test/support/bundle.js';
import { bertTokenizerJson } from '../../../../test/support/pretrained.js';
import { smallText } from '../../../../test/support/small-encoders.js';

const WIDTH = 32;
const weights = {
  [`${FINE_CLASSIFIER}.weight`]: float32(
    [3, WIDTH],
    Float32Array.from({ length: 3 * WIDTH }, (_, i) => Math.sin(i)),
  ),
  [`${FINE_CLASSIFIER}.bias`]: float32([3], [0.5, -0.5, 0]),
};

test('the text model outputs the logits of both classifiers', async () => {
  const { bytes, manifest } = smallText('float32', fineTop(weights, 3));
  const text = { ...manifest.text!, tokenizer: 'tokenizer.json', fine: ['glee', 'grief', 'pride'] };
  const tokenizer = new TextEncoder().encode(JSON.stringify(bertTokenizerJson(['word'])));
  const bundle = await openBundle(
    { ...manifest, text },
    { 'text.onnx': bytes, 'tokenizer.json': tokenizer, 'decision.onnx': decisionModel({ text }) },
    { threads: 1 },
  );
  const { embedding, fine, logits } = await bundle.tokens([
    Int32Array.of(2, 7, 3),
    Int32Array.of(2, 9, 11, 3),
  ]);
  await bundle.dispose();
  const expected = classify(embedding.data, weights, 3, FINE_CLASSIFIER);
  expect(fine!.shape).toEqual([2, 3]);
  expect(logits.shape[0]).toBe(2);
  fine!.data.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
});

test('an answer has finer labels if they are requested and the bundle has them', async () => {
  const plain = await openLegible(['face', 'fusion']);
  const part = { ...plain.manifest.text!, fine: ['glee', 'grief'] };
  const bundle = {
    ...plain,
    manifest: { ...plain.manifest, text: part },
    decision: await openDecisionOf({ text: part }),
    encode: async (modality: Modality, texts: readonly unknown[]) => ({
      ...(await plain.encode(modality, texts)),
      fine: float32(
        [texts.length, 2],
        texts.flatMap(() => [Math.log(3), 0]),
      ),
    }),
  };
  const rest = {
    faces: { find: async () => [], crop: (one: never) => one, dispose: async () => undefined },
    decode: () => Promise.reject(new Error()),
  };
  const ask = async (from: typeof plain, options: RecognizeOptions) => {
    const result = await createRecognizer({ bundle: from, ...rest }).recognize(
      { text: 'I felt joy' },
      options,
    );
    if (!isRecognition(result)) throw new Error(result.error.message);
    return result.text!.fine;
  };
  const fine = await ask(bundle, { fine: true });
  expect(fine!['glee']).toBeCloseTo(0.75, 6);
  expect(fine!['grief']).toBeCloseTo(0.25, 6);
  expect(await ask(bundle, {})).toBeUndefined();
  expect(await ask(plain, { fine: true })).toBeUndefined();
  await bundle.decision.dispose();
  await plain.dispose();
});
