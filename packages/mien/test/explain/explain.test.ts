// Explanations by a recogniser with known results: they point at what decides, and their sums are complete.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TEXT_LABELS } from '../../src/data/labels.js';
import { explainedDifference } from '../../src/explain/integrate.js';
import { nodeDecoder } from '../../src/recognizer/node/images.js';
import type { FaceFinder } from '../../src/modalities/modality.js';
import { createRecognizer } from '../../src/recognizer/recognize.js';
import type {
  ExplainOptions,
  Explanation,
  Item,
  Recognition,
  Recognizer,
} from '../../src/recognizer/types.js';
import { faceOf, legibleFiles, openLegible, type COLOURS } from '../../../../test/support/bundle.js';

/** Black images have no face; others are one. */
const finder: FaceFinder = {
  find: async ({ width, height, data }) =>
    data.every((value) => value === 0)
      ? []
      : [{ box: { x: 0, y: 0, width, height }, keyPoints: {}, score: 0.9 }],
  crop: (image) => image,
  dispose: async () => undefined,
};
const recognizerOf = async (...asked: Parameters<typeof openLegible>): Promise<Recognizer> => {
  const bundle = await openLegible(...asked);
  return createRecognizer({
    bundle,
    faces: finder,
    decode: nodeDecoder(),
    session: { threads: 1 },
    read: async () => ({ manifest: bundle.manifest, files: legibleFiles(bundle.manifest) }),
  });
};

let recognizer: Recognizer;
beforeAll(async () => {
  recognizer = await recognizerOf();
});
afterAll(() => recognizer.dispose());

const explained = async (item: Item, options: ExplainOptions = {}, by = recognizer): Promise<Explanation> => {
  const explanation = await by.explain(item, { faces: 'cropped', ...options });
  if (explanation.error) throw new Error(explanation.error.message);
  return explanation;
};
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const allowed = (ends: { from: number; to: number }): number => 0.01 * explainedDifference(ends);
const logit = (p: number): number => Math.log(p / (1 - p));
/** Log-odds as they are told: probabilities nearer to 0 or 1 than 1e-9 are not told apart. */
const told = (logOdds: number): number => Math.max(-LARGEST, Math.min(LARGEST, logOdds));
const LARGEST = Math.log(1e9);

/** A face of one colour with a square of another in it; places in pixels of 48. */
function drawn(
  ground: keyof typeof COLOURS,
  spot: keyof typeof COLOURS,
  [left, top]: readonly [number, number],
) {
  const [image, other] = [faceOf(ground), faceOf(spot)];
  for (let y = top; y < top + 12; y++)
    for (let x = left; x < left + 12; x++)
      for (let c = 0; c < 3; c++) image.data[3 * (48 * y + x) + c] = other.data[c]!;
  return image;
}

describe('a text', () => {
  test('the word that decides has the whole attribution: the effect of removing it', async () => {
    const text = 'I felt fear, the day';
    const { label, text: found, logOdds, ...rest } = await explained({ text });
    expect(label).toBe('fear');
    expect(found!.words.map(({ word }) => word)).toEqual(['I', 'felt', 'fear', ',', 'the', 'day']);
    // Log-odds are linear in the word: its attribution is the difference that leaving it out makes.
    const { probabilities } = (await recognizer.recognize({ text: 'I felt , the day' })) as Recognition;
    const without = logit(probabilities['fear']!);
    for (const { word, attribution } of found!.words)
      expect(attribution, word).toBeCloseTo(word === 'fear' ? logOdds - without : 0, 4);
    expect(found!.from).toBeCloseTo(without, 4);
    expect(found!.to).toBeCloseTo(logOdds, 4);
    expect(rest).not.toHaveProperty('face');
    expect(rest).not.toHaveProperty('shares');
  });

  test('another label can be explained; what speaks against it is negative', async () => {
    const { label, text } = await explained({ text: 'fear joy fear' }, { label: 'joy' });
    const [first, second, third] = text!.words.map(({ attribution }) => attribution);
    expect(label).toBe('joy');
    expect(second).toBeGreaterThan(0);
    expect(first).toBeLessThan(0);
    expect(third).toBeCloseTo(first!, 4);
  });

  test('a label that only the text has is compared with all of the text’s', async () => {
    const { logOdds, text } = await explained({ text: 'shame' }, { label: 'shame' });
    expect(logOdds).toBeCloseTo(6 - Math.log(6), 5);
    expect(text!.to).toBeCloseTo(logOdds, 4);
  });

  test('sums are complete within 1 % for any text and label', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...TEXT_LABELS, 'the', 'unheard', '…', 'day!'), {
          minLength: 1,
          maxLength: 9,
        }),
        fc.constantFrom('anger', 'disgust', 'fear', 'joy', 'sadness'),
        async (words, label) => {
          if (words.every((word) => word === '…' || word === 'unheard')) return;
          const { text, logOdds, result } = await explained({ text: words.join(' ') }, { label });
          const sum = sumOf(text!.words.map(({ attribution }) => attribution));
          expect(Math.abs(sum - (text!.to - text!.from))).toBeLessThanOrEqual(allowed(text!));
          expect(told(text!.to)).toBeCloseTo(logOdds, 3);
          expect(logOdds).toBeCloseTo(told(logit(result.probabilities[label]!)), 3);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('a face', () => {
  test('the part that decides has the largest attribution', async () => {
    for (const [left, top] of [
      [0, 0],
      [30, 6],
      [18, 33],
    ] as const) {
      const { face } = await explained({ image: drawn('neutral', 'anger', [left, top]) }, { label: 'anger' });
      const { rows, columns, cells } = face!;
      const hottest = cells.indexOf(Math.max(...cells));
      const [x, y] = [
        ((hottest % columns) + 0.5) * (48 / columns),
        (Math.floor(hottest / columns) + 0.5) * (48 / rows),
      ];
      expect(x > left && x < left + 12 && y > top && y < top + 12, `${x}, ${y}`).toBe(true);
      expect(Math.abs(sumOf(cells) - (face!.to - face!.from))).toBeLessThanOrEqual(allowed(face!));
    }
  });

  test('the grid has the position of the face in the image, rotated images included', async () => {
    const { face } = await explained({ image: faceOf('joy') });
    expect(face).toMatchObject({
      place: null,
      corners: [
        { x: 0, y: 0 },
        { x: 48, y: 0 },
        { x: 48, y: 48 },
        { x: 0, y: 48 },
      ],
    });
    expect(face!.cells).toHaveLength(face!.rows * face!.columns);
    const detected = await explained({ image: faceOf('joy') }, { faces: 'detect' });
    expect(detected.face!.place).toMatchObject({ score: 0.9 });
  });
});

describe('both', () => {
  const item = { text: 'fear', image: drawn('joy', 'anger', [6, 6]) };

  test('both explanations sum to the result, for every label', async () => {
    for (const label of recognizer.info.labels.fused!) {
      const { logOdds, text, face, result } = await explained(item, { label });
      expect(logOdds).toBeCloseTo(logit(result.probabilities[label]!), 5);
      expect(text!.to, label).toBeCloseTo(logOdds, 2);
      expect(face!.to, label).toBeCloseTo(logOdds, 2);
    }
  });

  test.each([
    { by: 'a fusion', without: [], agreement: undefined },
    { by: 'a fusion that allows for contradictions', without: [], agreement: 0.9 },
    { by: 'a fusion that counts half of a face', without: [], agreement: 1, faceWeight: 0.5 },
    { by: 'a fusion that does both', without: [], agreement: 0.7, faceWeight: 0.4 },
    { by: 'a product of posteriors', without: ['fusion'], agreement: undefined },
  ] as const)(
    'an answer by $by under a prior is explained as it is given',
    async ({ without, agreement, ...more }) => {
      const faceWeight = 'faceWeight' in more ? more.faceWeight : undefined;
      const trained = { anger: 5, fear: 2, neutral: 3, shame: 4 };
      const one = await recognizerOf(without, agreement, trained, faceWeight);
      for (const prior of ['training', 'even', { joy: 9, fear: 0.5, guilt: 2 }] as const)
        for (const given of [item, { text: item.text }, { image: item.image }]) {
          const answer = (await one.recognize(given, { faces: 'cropped', prior })) as Recognition;
          const { logOdds, text, face, shares, result } = await explained(
            given,
            { label: 'joy', prior },
            one,
          );
          expect(result).toEqual(answer);
          expect(logOdds).toBeCloseTo(logit(answer.probabilities['joy']!), 5);
          for (const side of [text, face]) {
            if (!side) continue;
            expect(side.to).toBeCloseTo(logOdds, 2);
            expect(Math.abs(side.residual)).toBeLessThanOrEqual(allowed(side));
          }
          if (shares) expect(shares.base + shares.text!.value + shares.face!.value).toBeCloseTo(logOdds, 6);
        }
      await one.dispose();
    },
  );

  test('contributions add up, and the modality that speaks for the label has the larger one', async () => {
    const { shares, logOdds } = await explained(item, { label: 'fear' });
    const { base, text, face } = shares as Required<NonNullable<typeof shares>>;
    expect(base + text.value + face.value).toBeCloseTo(logOdds, 6);
    expect(text.share + face.share).toBeCloseTo(1, 9);
    expect(text.value).toBeGreaterThan(0);
    expect(face.value).toBeLessThan(0);
    const { shares: ofJoy } = await explained(item, { label: 'joy' });
    expect(ofJoy!.face!.value).toBeGreaterThan(0);
    expect(ofJoy!.text!.value).toBeLessThan(0);
  });

  test('allowance for contradictions is part of the explanation', async () => {
    const doubting = await recognizerOf([], 0.9);
    const { agreement, probabilities } = (await doubting.recognize(item, {
      faces: 'cropped',
    })) as Recognition;
    expect(agreement).toBeLessThan(0.5);
    for (const label of ['fear', 'joy']) {
      const { logOdds, text, face } = await explained(item, { label }, doubting);
      expect(logOdds).toBeCloseTo(logit(probabilities[label]!), 6);
      expect(text!.to).toBeCloseTo(logOdds, 3);
      expect(face!.to).toBeCloseTo(logOdds, 3);
      for (const side of [text!, face!]) expect(Math.abs(side.residual)).toBeLessThanOrEqual(allowed(side));
    }
    await doubting.dispose();
  });

  test('a bundle without fusion is explained through the product of posteriors', async () => {
    const other = await recognizerOf(['fusion']);
    const { logOdds, text, face } = await explained(item, { label: 'fear' }, other);
    expect(text!.to).toBeCloseTo(logOdds, 3);
    expect(face!.to).toBeCloseTo(logOdds, 3);
    await other.dispose();
  });
});

describe('an item that cannot be explained', () => {
  test('fails as in recognition', async () => {
    const black = { width: 48, height: 48, data: new Uint8Array(48 * 48 * 3) };
    for (const item of [{ text: ' … ' }, { image: black }, { image: '/nowhere.jpg' }, { text: null }, {}]) {
      const failure = await recognizer.explain(item, { faces: 'detect' });
      expect(failure).toEqual(await recognizer.recognize(item, { faces: 'detect' }));
      expect(failure.error).toBeDefined();
    }
  });

  test('is a usage error if the result does not have the label', async () => {
    await expect(recognizer.explain({ text: 'joy' }, { label: 'jy' })).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('joy') as string,
    });
    const both = { text: 'joy', image: faceOf('joy') };
    await expect(recognizer.explain(both, { label: 'guilt', faces: 'cropped' })).rejects.toMatchObject({
      code: 'usage',
    });
    expect(await recognizer.explain({ txt: 'joy' } as Item)).toMatchObject({
      error: { code: 'invalid-item' },
    });
    await expect(recognizer.explain({ text: 'joy' }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'interrupted',
    });
  });

  test('is an error if the bundle has changed, or the recogniser has no access to its files', async () => {
    const bundle = await openLegible();
    const files = { 'text.onnx': { sha256: '0'.repeat(64), bytes: 1 } };
    const changed = createRecognizer({
      bundle,
      faces: finder,
      decode: nodeDecoder(),
      read: async () => ({ manifest: { ...bundle.manifest, files }, files: legibleFiles() }),
    });
    await expect(changed.explain({ text: 'joy' })).rejects.toMatchObject({ code: 'bundle' });
    await changed.dispose();
    const bare = createRecognizer({ bundle: await openLegible(), faces: finder, decode: nodeDecoder() });
    await expect(bare.explain({ text: 'joy' })).rejects.toMatchObject({ code: 'usage' });
    await bare.dispose();
  });
});
