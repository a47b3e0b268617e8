// From posteriors to one answer: over which labels it is, what is warned of.
import { describe, expect, test } from 'vitest';
import { float32 } from 'mien-engine/base';
import type { BundleManifest } from '../../src/bundle/manifest.js';
import { FACE_LABELS, isFaceLabel, TEXT_LABELS } from '../../src/data/labels.js';
import { answerItems } from '../../src/recognizer/answer.js';
import { restricted, topOf } from '../../src/recognizer/labels.js';
import type { Probabilities, Recognition } from '../../src/recognizer/types.js';
import { openDecisionOf } from '../../../../test/support/bundle.js';

const total = (p: Probabilities): number => Object.values(p).reduce((a, b) => a + b, 0);

/** A bundle without fusion whose texts and faces know these labels. */
const manifestOf = (texts: readonly string[], faces: readonly string[]): BundleManifest => {
  const part = (labels: readonly string[]) => ({
    labels,
    temperature: 1,
    prior: labels.map(() => 1 / labels.length),
  });
  return { text: part(texts), face: part(faces) } as unknown as BundleManifest;
};
/** The answer to a text and a face, each with a logit of 6 for its label. */
async function answerTo(manifest: BundleManifest, said: string, shown: string): Promise<Recognition> {
  const side = ({ labels }: { readonly labels: readonly string[] }, label: string) => ({
    embedding: float32([1, 1], [0]),
    logits: float32(
      [1, labels.length],
      labels.map((one) => (one === label ? 6 : 0)),
    ),
  });
  const decision = await openDecisionOf(manifest);
  const prepared = {
    units: {
      text: [{ ids: new Int32Array(), read: 1 }],
      face: [{ image: { width: 1, height: 1, data: new Uint8Array(3) }, place: null }],
    },
    warnings: [],
  };
  const [result] = await answerItems({ manifest, decision }, [{ prepared, rows: { text: 0, face: 0 } }], {
    text: side(manifest.text!, said),
    face: side(manifest.face!, shown),
  });
  await decision.dispose();
  return result as Recognition;
}
const NINE = [...FACE_LABELS, 'guilt', 'shame'].sort();

describe('the answer to a text with a face', () => {
  test('is over the shared labels only', async () => {
    for (const texts of [TEXT_LABELS, NINE])
      for (const shown of FACE_LABELS) {
        const { probabilities } = await answerTo(manifestOf(texts, FACE_LABELS), 'joy', shown);
        expect(Object.keys(probabilities)).toEqual(texts.filter((label) => isFaceLabel(label)));
        expect(total(probabilities)).toBeCloseTo(1, 9);
      }
    expect((await answerTo(manifestOf(NINE, FACE_LABELS), 'neutral', 'neutral')).label).toBe('neutral');
  });

  test('has a warning if words and face contradict each other; neutral ones never do', async () => {
    const warned = async (texts: readonly string[], said: string, shown: string): Promise<boolean> => {
      const { warnings } = await answerTo(manifestOf(texts, FACE_LABELS), said, shown);
      return warnings.some(({ code }) => code === 'modalities-disagree');
    };
    expect(await warned(NINE, 'joy', 'anger')).toBe(true);
    expect(await warned(NINE, 'joy', 'joy')).toBe(false);
    expect(await warned(NINE, 'joy', 'neutral')).toBe(false);
    expect(await warned(NINE, 'neutral', 'anger')).toBe(false);
    // A surprised face contradicts words that could have told of surprise.
    expect(await warned(NINE, 'anger', 'surprise')).toBe(true);
    expect(await warned(NINE, 'surprise', 'joy')).toBe(true);
    expect(await warned(TEXT_LABELS, 'anger', 'surprise')).toBe(false);
    expect(await warned(TEXT_LABELS, 'anger', 'neutral')).toBe(false);
  });
});

test('restricting keeps ratios, and is uniform if nothing is left', () => {
  expect(restricted({ joy: 0.2, shame: 0.6, fear: 0.2 }, ['fear', 'joy'])).toEqual({ fear: 0.5, joy: 0.5 });
  expect(restricted({ joy: 0, shame: 1, fear: 0 }, ['fear', 'joy'])).toEqual({ fear: 0.5, joy: 0.5 });
});

test('of equal labels the first is the most probable', () => {
  expect(topOf({ anger: 0.5, joy: 0.5 })).toBe('anger');
});
