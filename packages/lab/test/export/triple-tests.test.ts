// Triples are matched by the clip's label, and each set of modalities is judged by what these say alone or together.
import { expect, test } from 'vitest';
import { float32 } from 'mien-engine/base';
import { BUNDLE_FORMAT, type OpenBundle } from 'mien/parts/bundle';
import { tripleTests } from '../../src/export/triple-tests.js';
import { overSpeakers } from '../../src/export/voice-tests.js';
import type { SpeechItem } from '../../src/data/speech.js';
import { openDecisionOf } from '../../../../test/support/bundle.js';

const LABELS = ['anger', 'joy', 'neutral'];
const part = { model: '', width: 1, labels: LABELS, temperature: 1, prior: [1 / 3, 1 / 3, 1 / 3] };
const parts = {
  text: { ...part, tokenizer: '', maxTokens: 8 },
  face: { ...part, size: 32 },
  voice: { ...part, sampleRate: 16_000 as const },
};

/** Items whose logits say their label, or the next one, this surely. */
function said<Item extends { readonly label: string }>(items: readonly Item[], sure: number, next = 0) {
  const rows = items.flatMap(({ label }) =>
    LABELS.map((_, k) => (k === (LABELS.indexOf(label) + next) % 3 ? sure : 0)),
  );
  return {
    items,
    logits: float32([items.length, 3], rows),
    embedding: float32([items.length, 1], new Float32Array(items.length)),
  };
}
const labelled = (...labels: string[]) => labels.map((label) => ({ label }));
const clip = (speaker: string, label: string): SpeechItem =>
  ({ corpus: 'ravdess', speaker, label, id: speaker + label }) as SpeechItem;

test('every set of three modalities, the interval over speakers', async () => {
  const decision = await openDecisionOf(parts);
  const manifest = { format: BUNDLE_FORMAT, name: 'made', decision: '', terms: [], files: {}, ...parts };
  const bundle = { manifest, decision } as unknown as OpenBundle;
  const clips = ['01', '02', '03', '04'].flatMap((speaker) => [
    clip(speaker, 'anger'),
    clip(speaker, 'joy'),
    clip(speaker, 'neutral'),
  ]);
  const texts = said(labelled('anger', 'anger', 'joy', 'joy'), 1);
  const faces = said(labelled('joy', 'neutral', 'anger'), 2);
  // The voice is as sure of another label as the text is of its own.
  const found = await tripleTests(bundle, 'made', texts, faces, said(clips, 1.5, 1));
  await decision.dispose();
  expect(found.map(({ by, as, n, accuracy }) => [by.join('+'), as, n, accuracy.mean])).toEqual([
    ['text', 'alone', 8, 1],
    ['face', 'alone', 8, 1],
    // Among anger and joy: of anger it says joy, of joy it says neutral, which is not among them.
    ['voice', 'alone', 8, expect.any(Number)],
    ['text+face', 'product', 8, 1],
    ['text+face', 'answer', 8, 1],
    ['text+voice', 'product', 8, 0.5],
    ['text+voice', 'answer', 8, 0.5],
    ['face+voice', 'product', 8, 1],
    ['face+voice', 'answer', 8, 1],
    ['text+face+voice', 'product', 8, 1],
    ['text+face+voice', 'answer', 8, 1],
  ]);
  expect(found.every(({ labels }) => String(labels) === 'anger,joy')).toBe(true);
  expect(await tripleTests(bundle, 'made', said([], 1), faces, said(clips, 1))).toEqual([]);
});

test('an interval over speakers needs four of them, and is about the mean over clips', () => {
  const speakers = ['a', 'a', 'b', 'c', 'd'];
  const { mean, low, high } = overSpeakers([1, 1, 0, 1, 0], speakers);
  expect(mean).toBeCloseTo(0.6, 12);
  // Means of speakers 1, 0, 1, 0: deviation √(1/3), half a width of 3.182446 · √(1/12).
  expect(low).toBe(0);
  expect(high).toBe(1);
  const narrow = overSpeakers([1, 0.9, 0.9, 0.8, 1], speakers);
  // .95, .9, .8, 1: mean .9125, deviation .0853913, half a width of .135876.
  expect(narrow.mean).toBeCloseTo(0.92, 12);
  expect(narrow.low).toBeCloseTo(0.92 - 0.135876, 4);
  expect(overSpeakers([1, 0, 1], ['a', 'b', 'c'])).toMatchObject({ low: null, high: null });
});
