// The prior of an answer: Bayes' rule in every part, weights in proportion, and mistakes named at every entrance.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { float32 } from 'mien-engine/base';
import type { BundleManifest } from '../../src/bundle/manifest.js';
import { parsePrior } from '../../src/cli/arguments.js';
import { scores, softmax } from '../../src/evaluate/scores.js';
import { nodeDecoder } from '../../src/recognizer/node/images.js';
import { checkPrior, underPrior } from '../../src/recognizer/prior.js';
import { createRecognizer } from '../../src/recognizer/recognize.js';
import type { Item, LabelPrior, Recognition, Recognizer } from '../../src/recognizer/types.js';
import { faceOf, openLegible } from '../../../../test/support/bundle.js';

const labels = ['anger', 'joy', 'sadness'];
const manifest = (prior: number[], temperature: number): BundleManifest =>
  ({ name: 'made', face: { labels, temperature, prior } }) as unknown as BundleManifest;

const positive = fc.double({ min: 0.01, max: 1, noNaN: true });
const three = fc.tuple(positive, positive, positive);
const logit = fc.double({ min: -5, max: 5, noNaN: true });

test('a posterior under another prior is p · q / π, renormalised, at every temperature', () => {
  fc.assert(
    fc.property(
      three,
      three,
      fc.tuple(logit, logit, logit),
      fc.double({ min: 0.3, max: 3, noNaN: true }),
      (learned, weights, logits, temperature) => {
        const total = learned.reduce((a, b) => a + b);
        const prior = learned.map((share) => share / total);
        const wanted = Object.fromEntries(labels.map((label, k) => [label, weights[k]!]));
        const { move, manifest: under } = underPrior(manifest(prior, temperature), wanted);
        const given = float32([1, 3], logits);
        const p = softmax(scores(3, given.data), temperature).data;
        const q = softmax(scores(3, move('face', given).data), temperature).data;
        const expected = p.map((value, k) => (value * weights[k]!) / prior[k]!);
        const sum = expected.reduce((a, b) => a + b);
        q.forEach((value, k) => expect(value).toBeCloseTo(expected[k]! / sum, 4));
        const weight = weights.reduce((a, b) => a + b);
        under.face!.prior.forEach((share, k) => expect(share).toBeCloseTo(weights[k]! / weight, 9));
      },
    ),
  );
});

test('the training prior changes nothing, an even one divides the learned one out', () => {
  const made = manifest([0.5, 0.25, 0.25], 2);
  const logits = float32([2, 3], [1, 2, 3, 4, 5, 6]);
  expect(underPrior(made, 'training')).toMatchObject({ manifest: made });
  expect(underPrior(made).move('face', logits)).toBe(logits);
  const even = underPrior(made, 'even').move('face', logits).data;
  expect(even[0]! - even[1]!).toBeCloseTo(-1 - 2 * Math.log(2), 5);
  expect(even[4]! - even[5]!).toBeCloseTo(-1, 5);
});

let recognizer: Recognizer;
const unused = { find: async () => [], crop: <T>(image: T) => image, dispose: async () => undefined };
beforeAll(async () => {
  const bundle = await openLegible();
  recognizer = createRecognizer({ bundle, faces: unused, decode: nodeDecoder() });
});
afterAll(() => recognizer.dispose());

const odds = async (item: Item, prior: LabelPrior | undefined): Promise<number> => {
  const { probabilities } = (await recognizer.recognize(item, { faces: 'cropped', prior })) as Recognition;
  return probabilities['fear']! / probabilities['joy']!;
};

test('text, face and both together answer under it', async () => {
  for (const item of [
    { text: 'the day' },
    { image: faceOf('fear') },
    { text: 'fear', image: faceOf('fear') },
  ]) {
    const plain = await odds(item, undefined);
    expect(await odds(item, 'even')).toBeCloseTo(plain, 4);
    const ratio = (await odds(item, { fear: 4, joy: 2 })) / plain;
    expect(ratio).toBeCloseTo(2, 3);
  }
});

test('a session counts it once, and says the same as a recogniser of a product of posteriors', async () => {
  const product = createRecognizer({
    bundle: await openLegible(['fusion']),
    faces: unused,
    decode: nodeDecoder(),
  });
  const item = { text: 'the fear', image: faceOf('joy') };
  for (const prior of [undefined, 'even', { fear: 4, joy: 2 }] as const) {
    const asked = { faces: 'cropped', prior } as const;
    const { probabilities } = await product.session(asked).push(item);
    const { probabilities: expected } = (await product.recognize(item, asked)) as Recognition;
    for (const [label, p] of Object.entries(expected)) expect(probabilities[label]).toBeCloseTo(p, 5);
  }
  expect(() => product.session({ prior: { joi: 2 } })).toThrow(/joi/);
  await product.dispose();
});

test('what is no prior is refused, and the label that was meant is named', async () => {
  const info = { text: ['joy', 'shame'], face: ['joy', 'neutral'] };
  const refused =
    (prior: unknown, more = {}): (() => void) =>
    () =>
      checkPrior(info, { prior: prior as LabelPrior, ...more });
  for (const fine of [undefined, 'training', 'even', {}, { shame: 2, neutral: 0.1 }])
    expect(refused(fine)).not.toThrow();
  expect(refused('evn')).toThrow(/prior cannot be "evn"/);
  for (const wrong of [7, null, ['joy'], true]) expect(refused(wrong)).toThrow(/prior cannot be/);
  expect(refused({ neutrl: 1 })).toThrow(/Did you mean "neutral"/);
  for (const weight of [0, -1, Number.NaN, Infinity, '2'])
    expect(refused({ joy: weight })).toThrow(/joy must be above 0/);
  expect(refused('even', { risk: 0.1 })).toThrow(/risk and coverage/);
  expect(refused('training', { coverage: 0.9 })).not.toThrow();
  await expect(recognizer.recognize({ text: 'joy' }, { prior: { joi: 1 } })).rejects.toThrow(/joi/);
});

test('the command line takes weights as pairs', () => {
  expect(parsePrior('even')).toBe('even');
  expect(parsePrior('neutral=3, joy=.5')).toEqual({ neutral: 3, joy: 0.5 });
  for (const wrong of ['', 'evn', 'joy', 'joy=', 'joy=x', 'joy=1=2', '=1', 'joy=1,joy=2', 'joy=1,'])
    expect(() => parsePrior(wrong), wrong).toThrow();
});
