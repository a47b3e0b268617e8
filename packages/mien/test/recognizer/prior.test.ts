// The prior of an answer: Bayes' rule in every part, weights in proportion, and mistakes named at every entrance.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parsePrior } from '../../src/cli/arguments.js';
import { nodeDecoder } from '../../src/recognizer/node/images.js';
import { checkPrior } from '../../src/recognizer/prior.js';
import { createRecognizer } from '../../src/recognizer/recognize.js';
import type { Item, LabelPrior, Recognition, Recognizer } from '../../src/recognizer/types.js';
import { faceOf, openLegible } from '../../../../test/support/bundle.js';

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

test('a session counts it once, and agrees with the product of posteriors', async () => {
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

test('an invalid prior is rejected, with the nearest label', async () => {
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
