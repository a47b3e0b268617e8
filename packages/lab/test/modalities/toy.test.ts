// A further modality is one definition and one entry in the list: a toy one is read, encoded, decided, answered, smoothed,
// explained and named beside text and face, with any of the three missing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createGraph, createSession, encodeModel, float32, input, constant, mul } from 'mien-engine';
import {
  type BundleManifest,
  fusedIn,
  type Modality,
  type OpenBundle,
  openBundle,
  subsetsOf,
} from 'mien/parts/bundle';
import { SHARED_LABELS } from 'mien/parts/data';
import {
  type FaceFinder,
  type Modalities,
  modalities,
  type ModalityDefinition,
  partShape,
} from 'mien/parts/modalities';
import {
  createRecognizer,
  evaluateResults,
  isRecognition,
  type Recognition,
  type Recognizer,
} from 'mien/parts/recognizer';
import { checkManifest } from '../../../mien/src/bundle/manifest.js';
import { decisionModel, type DecisionHead, type DecisionParts } from '../../src/export/decision.js';
import { bundleReads } from '../../src/export/card.js';
import { buildHead } from '../../src/heads/heads.js';
import { constantParameters } from 'mien-engine';
import { faceOf, legibleFiles, legibleManifest } from '../../../../test/support/bundle.js';

/** A mood in words of one letter each: 'jj' speaks twice for joy. */
const LETTERS: Readonly<Record<string, string>> = { anger: 'a', fear: 'f', joy: 'j', neutral: 'n' };
const LABELS = Object.keys(LETTERS);
const part = z.strictObject(partShape);

const toy: ModalityDefinition<'toy', z.output<typeof part>, readonly number[]> = {
  name: 'toy',
  input: 'mood',
  sent: { as: 'text', what: 'a mood' },
  part,
  alone: 'own',
  overTime: { combine: 'last', halfLife: 4 },
  drawn: {
    the: 'the mood',
    plural: 'moods',
    input: 'a mood',
    verb: 'hints at',
    column: 'mood',
    read: 'moods',
    from: 'moods',
  },
  files: ({ model }) => [model],
  async open({ model }, file, options) {
    const session = await createSession(await file(model), options);
    return {
      async encode(units) {
        const counts = float32([units.length, LABELS.length], units.flat());
        return (await session.run({ counts })) as never;
      },
      dispose: () => session.dispose(),
    };
  },
  isAbsent: (value) => value === undefined || value === null,
  problemOf: (value) => (typeof value === 'string' ? undefined : 'the mood is not a string'),
  async read(value) {
    const counts = LABELS.map((label) => (value as string).split(LETTERS[label]!).length - 1);
    const error = { code: 'no-input' as const, message: 'the mood has no letter that is known' };
    return counts.some((n) => n > 0) ? { units: [counts], warnings: [] } : { units: [], warnings: [], error };
  },
  details: { letters: z.number() },
  describe: (counts) => ({ letters: counts.reduce((a, b) => a + b) }),
};
/** The list with the toy modality: one line more. */
const three: Modalities = { ...modalities, toy };

function toyModel(): Uint8Array {
  const graph = createGraph('toy');
  const counts = input(graph, 'counts', 'float32', ['batch', LABELS.length]);
  return encodeModel(graph, { embedding: mul(counts, 1), logits: mul(counts, 4) });
}

const toyPart = {
  model: 'toy.onnx',
  labels: LABELS,
  width: LABELS.length,
  temperature: 1,
  prior: LABELS.map(() => 1 / LABELS.length),
};

type Fusion = 'none' | 'text and face' | 'all three' | 'text and face, with contradictions';

const CONTRADICTIONS = { agreement: 0.8, faceWeight: 0.3, weights: { toy: 0.5 } };
const isOfTextAndFace = (fusion: Fusion): boolean => fusion.startsWith('text and face');

/** A gated head over three modalities, which reads its parameters as they are drawn. */
const headOfThree: DecisionHead = (embeddings) => {
  const { graph } = embeddings.text;
  const drawn = constantParameters(graph, {});
  const get = (name: string, shape: readonly (string | number)[]) => {
    const size = (shape as number[]).reduce((a, b) => a * b, 1);
    return constant(
      graph,
      float32(
        shape as number[],
        Float32Array.from({ length: size }, (_, i) => 0.3 * Math.sin(i + name.length)),
      ),
    );
  };
  return buildHead({ ...drawn, get: get as never }, 'gated-no-lstm', embeddings, {
    width: 8,
    hidden: 8,
    labels: SHARED_LABELS.length,
  });
};

async function open(fusion: Fusion): Promise<OpenBundle> {
  const { fusion: ofTwo, ...rest } = legibleManifest;
  const parts = {
    ...rest,
    toy: toyPart,
    ...(fusion === 'none' ? {} : { fusion: ofTwo }),
    ...(fusion === 'all three' ? { fusion: { ...ofTwo!, modalities: ['text', 'face', 'toy'] } } : {}),
    ...(fusion === 'text and face, with contradictions' ? { fusion: { ...ofTwo!, ...CONTRADICTIONS } } : {}),
  };
  const manifest = checkManifest({ ...parts, files: {} }, 'toy', three);
  const files = {
    ...legibleFiles(legibleManifest),
    'toy.onnx': toyModel(),
    ...(isOfTextAndFace(fusion)
      ? { [manifest.decision]: decisionOfLegible(manifest) }
      : {
          [manifest.decision]: decisionModel(
            manifest as DecisionParts,
            fusion === 'none' ? undefined : headOfThree,
          ),
        }),
  };
  return openBundle(manifest, files, { threads: 1, modalities: three });
}
const decisionOfLegible = (manifest: BundleManifest): Uint8Array =>
  legibleFiles(manifest as DecisionParts)[manifest.decision]!;

const finder: FaceFinder = {
  find: async ({ width, height }) => [{ box: { x: 0, y: 0, width, height }, keyPoints: {}, score: 1 }],
  crop: (image) => image,
  dispose: async () => undefined,
};
const item = { text: 'i felt joy', image: faceOf('joy'), mood: 'jf' } as const;
const INPUTS: Readonly<Record<string, keyof typeof item>> = { text: 'text', face: 'image', toy: 'mood' };
const ofSides = (sides: readonly string[]) =>
  Object.fromEntries(sides.map((side) => [INPUTS[side]!, item[INPUTS[side]!]]));
const SETS = subsetsOf(['text', 'face', 'toy'], 1);
const close = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>, digits = 6) => {
  expect(Object.keys(a)).toEqual(Object.keys(b));
  for (const [label, p] of Object.entries(a)) expect(p, label).toBeCloseTo(b[label]!, digits);
};

describe.each(['none', 'text and face', 'all three', 'text and face, with contradictions'] as const)(
  'fusion of %s',
  (fusion) => {
    let bundle: OpenBundle;
    let recognizer: Recognizer;
    beforeAll(async () => {
      bundle = await open(fusion);
      const { manifest } = bundle;
      const files = {
        ...legibleFiles(legibleManifest),
        'toy.onnx': toyModel(),
        [manifest.decision]: isOfTextAndFace(fusion)
          ? decisionOfLegible(manifest)
          : decisionModel(manifest as DecisionParts, fusion === 'none' ? undefined : headOfThree),
      };
      recognizer = createRecognizer({
        bundle,
        faces: finder,
        decode: async (given) => given as never,
        session: { threads: 1 },
        read: async () => ({ manifest, files }),
      });
    });
    afterAll(() => recognizer.dispose());
    const answer = async (sides: readonly string[]): Promise<Recognition> => {
      const result = await recognizer.recognize(ofSides(sides), { faces: 'cropped' });
      if (!isRecognition(result)) throw new Error(result.error.message);
      return result;
    };

    test.each(SETS)('answers %s %s %s', async (...sides) => {
      const result = await answer(sides);
      expect(result.from).toBe([undefined, sides[0], 'both', 'all'][sides.length]);
      expect(Object.values(result.probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      for (const side of ['text', 'face', 'toy']) expect(side in result, side).toBe(sides.includes(side));
      expect('disagreement' in result).toBe(sides.length > 1);
      const pairs = { 'text+face': true, 'text+toy': true, 'face+toy': true };
      expect(Object.keys(result.disagreements ?? {})).toEqual(sides.length === 3 ? Object.keys(pairs) : []);
      if (sides.includes('toy')) expect(result['toy' as 'face']).toMatchObject({ label: 'fear', letters: 2 });
    });

    test('without the fusion’s modalities, or beside them, evidence is multiplied', async () => {
      if (bundle.manifest.fusion?.agreement !== undefined) return;
      for (const sides of SETS.filter(({ length }) => length > 1)) {
        const whole = await answer(sides);
        const labels = Object.keys(whole.probabilities);
        const within = fusedIn(bundle.manifest).filter((one) => sides.includes(one));
        const fused = within.length > 0 && within.length === fusedIn(bundle.manifest).length;
        if (fused && within.length === sides.length) continue;
        // Priors are even, so that the product of posteriors is the answer up to a constant.
        const factors = [
          ...(fused ? [(await answer(within)).probabilities] : []),
          ...sides
            .filter((side) => !fused || !within.includes(side as Modality))
            .map((side) => whole[side as Modality]!.probabilities),
        ];
        const product = labels.map((label) => factors.reduce((p, one) => p * one[label]!, 1));
        const total = product.reduce((a, b) => a + b);
        close(
          whole.probabilities,
          Object.fromEntries(labels.map((label, i) => [label, product[i]! / total])),
        );
      }
    });

    test.each(SETS)('explains %s %s %s', async (...sides) => {
      const explained = await recognizer.explain(ofSides(sides), { faces: 'cropped' });
      if (explained.error) throw new Error(explained.error.message);
      const { shares, text, face, logOdds } = explained;
      for (const side of [text, face]) {
        if (!side) continue;
        expect(side.to).toBeCloseTo(logOdds, 2);
        // Otherwise the gradients are not those of the answer.
        expect(Math.abs(side.residual)).toBeLessThan(0.01 * Math.max(0.5, Math.abs(side.to - side.from)));
      }
      if (sides.length === 1) return void expect(shares).toBeUndefined();
      const { base, ...each } = shares!;
      expect(Object.keys(each)).toEqual(sides);
      expect(Object.values(each).reduce((sum, { value }) => sum + value, base)).toBeCloseTo(logOdds, 5);
      expect(Object.values(each).reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    });

    test('what cannot be read is an error alone and a warning beside others', async () => {
      const [alone, beside, wrong] = await recognizer.recognize(
        [{ mood: 'x' }, { ...ofSides(['text']), mood: 'x' }, { mood: 3 }] as never[],
        { faces: 'cropped' },
      );
      expect(alone!.error?.message).toBe('the mood has no letter that is known');
      expect(isRecognition(beside!) && beside!.from).toBe('text');
      expect(beside!.warnings.map(({ message }) => message)).toEqual([
        'the mood has no letter that is known',
      ]);
      expect(wrong!.error).toEqual({ code: 'invalid-item', message: 'the mood is not a string' });
    });

    test('sessions smooth it by its half-life, and evaluations have a row of it', async () => {
      const session = recognizer.session({ faces: 'cropped', toyHalfLife: 2 } as never);
      const first = await session.push({ ...ofSides(['text', 'toy']), at: 0 });
      const odds = (moment: object): number => {
        const { toy: mood } = moment as { readonly toy: Readonly<Record<string, number>> };
        return mood['fear']! / mood['anger']!;
      };
      expect(Object.keys(first)).toEqual(expect.arrayContaining(['text', 'toy']));
      expect(odds(session.now(2000))).toBeCloseTo(Math.sqrt(odds(first)), 6);
      const { rows } = evaluateResults([{ result: first.result, label: 'joy' }], ['fear', 'joy'], {
        modalities: Object.keys(three),
      });
      expect(rows.map(({ name }) => name)).toEqual(['answer', 'text alone', 'toy alone']);
    });

    test('gates of three sum to one; a card names all three', async () => {
      const { gate } = await answer(['text', 'face', 'toy']);
      if (fusion === 'all three') {
        expect(Object.keys(gate!.shares!)).toEqual(['text', 'face', 'toy']);
        expect(Object.values(gate!.shares!).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      } else expect(gate?.shares).toBeUndefined();
      expect(bundleReads(bundle.manifest, three)).toMatch(
        /^Emotion from English text, faces, moods, or several of them\..*`toy\.onnx` reads moods \(anger, fear, joy, neutral\)/,
      );
    });
  },
);

test('text and face are answered as if the third modality were not there', async () => {
  const ofTwo = await openBundle(
    { ...legibleManifest, files: {} } as BundleManifest,
    legibleFiles(legibleManifest),
    { threads: 1 },
  );
  const ofThree = await open('text and face');
  const recognizers = [ofTwo, ofThree].map((bundle) =>
    createRecognizer({ bundle, faces: finder, decode: async (given) => given as never }),
  );
  const items = SETS.filter((sides) => !sides.includes('toy')).map(ofSides);
  const [two, threeSides] = await Promise.all(
    recognizers.map((one) => one.recognize(items, { faces: 'cropped' })),
  );
  expect(threeSides).toEqual(two);
  for (const one of recognizers) await one.dispose();
});
