// Label sets and abstention: by the certainty data of the deciding model, rejected without such data.
import { expect, test } from 'vitest';
import { checkCertainty, certaintyOf, knowsCertainty } from '../../src/recognizer/certainty.js';
import { checkManifest, type BundleManifest } from '../../src/bundle/manifest.js';
import { legibleManifest } from '../../../../test/support/bundle.js';

const certainty = {
  items: 100,
  sets: [
    { coverage: 0.5, posterior: 0.6 },
    { coverage: 0.9, posterior: 0.2 },
  ],
  answers: [
    { confidence: 0.1, answered: 1, risk: 0.4 },
    { confidence: 0.7, answered: 0.5, risk: 0.1 },
  ],
};
const { text, face, fusion } = legibleManifest;
const manifest = {
  ...legibleManifest,
  text: { ...text!, certainty },
  face: { ...face!, certainty },
  fusion: { ...fusion!, certainty },
  files: {},
} as BundleManifest;

const decided = {
  label: 'fear',
  probabilities: { anger: 0.25, disgust: 0.01, fear: 0.65, joy: 0.08, sadness: 0.01 },
};

test('a set contains the labels that are probable enough', () => {
  expect(certaintyOf(manifest, decided, ['text', 'face'], { coverage: 0.9 })).toEqual({
    set: ['anger', 'fear'],
  });
  expect(certaintyOf(manifest, decided, ['text', 'face'], { coverage: 0.5 })).toEqual({ set: ['fear'] });
  // Beyond what validation knew every label may be it.
  expect(certaintyOf(manifest, decided, ['text', 'face'], { coverage: 0.95 }).set).toHaveLength(5);
});

test('a result below the confidence for the risk is abstained from', () => {
  expect(certaintyOf(manifest, decided, ['text', 'face'], { risk: 0.1 })).toEqual({ abstained: true });
  expect(certaintyOf(manifest, decided, ['text', 'face'], { risk: 0.5 })).toEqual({ abstained: false });
  expect(certaintyOf(manifest, decided, ['text', 'face'], { risk: 0.01 })).toEqual({ abstained: true });
  expect(certaintyOf(manifest, decided, ['text', 'face'], {})).toEqual({});
});

test('values out of range, and bundles without certainty data, are rejected', () => {
  expect(knowsCertainty(manifest)).toBe(true);
  expect(() => checkCertainty(manifest, { coverage: 0.9, risk: 0.1 })).not.toThrow();
  for (const coverage of [0, 0.3, 1, Number.NaN])
    expect(() => checkCertainty(manifest, { coverage })).toThrow(/coverage/);
  for (const risk of [0, 1, -1, Number.NaN]) expect(() => checkCertainty(manifest, { risk })).toThrow(/risk/);
  const old = { ...legibleManifest, files: {} } as BundleManifest;
  expect(knowsCertainty(old)).toBe(false);
  expect(() => checkCertainty(old, {})).not.toThrow();
  expect(() => checkCertainty(old, { risk: 0.1 })).toThrow(/legible has no certainty data/);
});

test('a manifest keeps certainty data, and reports what is invalid in it', () => {
  expect(checkManifest(JSON.parse(JSON.stringify(manifest)), 'manifest.json')).toEqual(manifest);
  const broken = { ...manifest, text: { ...text!, certainty: { ...certainty, sets: [] } } };
  expect(() => checkManifest(broken, 'manifest.json')).toThrow(/manifest\.json/);
});
