// Comparing fusion heads: what they are asked, that runs are resumed, and which head is chosen.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomStream, type Tensor } from 'mien-engine/base';
import { compareHeads, type Compared, type CompareOptions } from '../../src/export/comparison/compare.js';
import { comparedFeatures, CONDITIONS, type ComparedFeatures } from '../../src/export/comparison/features.js';
import { askedTables, situationsOf } from '../../src/export/comparison/situations.js';
import { summarize } from '../../src/export/comparison/summary.js';
import { corruptedPairs } from '../../src/export/corrupted-pairs.js';
import { SHARED_LABELS } from 'mien/parts/data';
import type { Scores } from 'mien/parts/evaluate';
import { parseConfig } from '../../src/experiments/config.js';
import { validationPairs, type Variation } from '../../src/experiments/run.js';
import { parseComparison } from '../../src/report/comparison-file.js';
import { fakeFaceEncoder, fakeTextEncoder } from '../features/fakes.js';
import { smallProtocol } from '../features/protocols.js';

const labels = [...SHARED_LABELS];
const config = parseConfig({
  seeds: 2,
  head: { width: 8, lstm: 4, attention: { width: 8, heads: 2, layers: 1 } },
  epochs: { max: 2, patience: 2 },
});
const even = ({ shape }: Tensor<'float32'>): Scores => ({
  classes: 5,
  data: new Float64Array(5 * shape[0]!).fill(0.2),
});
const posteriors = { text: even, face: even };

let dir: string;
let features: ComparedFeatures;
let variation: Variation;
let options: CompareOptions;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mien-compare-'));
  features = await comparedFeatures({
    protocol: smallProtocol(),
    labels,
    dir,
    encoders: { text: fakeTextEncoder(), face: fakeFaceEncoder() },
    faces: { train: 6, validation: 3, test: 2, corrupted: 10 },
  });
  variation = corruptedPairs(features.data, labels, features.corrupted, posteriors);
  options = {
    features,
    variation,
    posteriors,
    config,
    key: 'features',
    folder: join(dir, 'runs'),
    heads: ['gated', 'transformer'],
    rates: [1e-3, 1e-2],
  };
});
afterAll(() => rm(dir, { recursive: true }));

test('there are equally many faces of each label and set, and states and embeddings are of the same items', () => {
  const { data } = features;
  for (const source of ['fer2013', 'rafdb'] as const)
    for (const [split, most] of [
      ['train', 6],
      ['validation', 3],
      ['test', 2],
    ] as const)
      for (const label of labels) {
        const { rows } = data.faces(source, [label], split);
        expect(rows.length).toBeLessThanOrEqual(most);
        expect(rows.length).toBeGreaterThan(0);
      }
  for (const modality of ['text', 'face'] as const)
    expect(data.states[modality].places.shape[0]).toBe(data.tables[modality].shape[0]);
});

test('each situation replaces only its side, by the corrupted version of the same item', () => {
  const { data } = features;
  const chosen = {
    texts: data.texts(labels, 'validation'),
    faces: data.faces('both', labels, 'validation'),
  };
  const pairs = validationPairs(config, chosen.texts, chosen.faces);
  const situations = situationsOf(features, variation, chosen, pairs);
  expect(situations.map(({ kind }) => kind)).toEqual([
    'clean',
    ...CONDITIONS.map(() => 'corrupted'),
    'missing',
    'missing',
  ]);
  const { tables, states } = askedTables(features, variation);
  const [clean, ...others] = situations;
  for (const { kind, of, items } of others) {
    const other = of === 'text' ? 'face' : 'text';
    expect(items[other]).toEqual(clean!.items[other]);
    const rows = items[of!];
    if (kind === 'missing') {
      expect(new Set(rows)).toEqual(new Set([variation.tables[of!]!.shape[0]! - 1]));
      expect([...states[of!].places.data.subarray(rows[0]! * states[of!].places.shape[1]!)][1]).toBe(-1n);
    } else expect(Math.min(...rows)).toBeGreaterThanOrEqual(variation.tables[of!]!.shape[0]!);
    expect(Math.max(...rows)).toBeLessThan(tables[of!].shape[0]!);
    expect(states[of!].places.shape[0]).toBe(tables[of!].shape[0]);
  }
  // The first text condition's first row is the corrupted form of the first validation text.
  const first = features.conditions[0]!;
  const position = pairs.texts.findIndex((place) => chosen.texts.rows[place] === first.rows.from[0]);
  const width = tables.text.shape[1]!;
  const row = others[0]!.items.text[position]!;
  expect(tables.text.data.subarray(row * width, (row + 1) * width)).toEqual(
    first.rows.embeddings.data.subarray(0, width),
  );
});

test('every head has the same budget and situations, and a second run reads the results of the first', async () => {
  const compared = await compareHeads(options);
  expect(compared.heads.map(({ head }) => head)).toEqual(['gated', 'transformer', 'product']);
  const names = compared.situations.map(({ name }) => name);
  for (const { head, runs, tried } of compared.heads.slice(0, 2)) {
    expect(tried.map(({ rate }) => rate)).toEqual([1e-3, 1e-2]);
    expect(runs.map(({ seed }) => seed)).toEqual([0, 1]);
    expect(new Set(runs.map(({ rate }) => rate)).size).toBe(1);
    for (const { answers, additive, test: tested } of runs) {
      expect(Object.keys(answers)).toEqual(names);
      expect(additive).toHaveLength(compared.validation.faces.length);
      for (const { hits, gate } of Object.values(answers)) {
        expect(hits).toHaveLength(compared.validation.faces.length);
        expect(gate === undefined).toBe(head !== 'gated');
      }
      expect(tested.hits).toHaveLength(compared.test.writers.length);
    }
  }
  const files = await readdir(join(dir, 'runs', 'asked'));
  expect(files).toHaveLength(6);
  expect(await compareHeads(options)).toEqual(compared);
  const file = { format: 'mien-comparison', version: 1, command: 'mien compare', ...summarize(compared, 50) };
  expect(parseComparison(JSON.parse(JSON.stringify(file))).heads).toHaveLength(3);
});

describe('the choice', () => {
  /** Heads that are right about so many of 400 pairs, in every situation. */
  const made = (rights: Readonly<Record<string, number>>): Compared => {
    const units = Array.from({ length: 400 }, (_, i) => `${i}`);
    const draw = randomStream(0, 'luck');
    const luck = units.map(() => draw.uniform());
    const answer = (right: number) => ({ hits: luck.map((value) => Number(value < right)) });
    return {
      situations: [
        { name: 'clean', kind: 'clean', of: null },
        { name: 'worse', kind: 'corrupted', of: 'text' },
        { name: 'no face', kind: 'missing', of: 'face' },
      ],
      heads: Object.entries(rights).map(([head, right]) => ({
        head: head as 'gated',
        parameters: 1,
        tried: [],
        runs: [0, 1].map((seed) => ({
          seed,
          rate: 1e-4,
          epochs: 3,
          secondsAnEpoch: 1,
          test: answer(right),
          answers: {
            clean: { ...answer(right), ...(head === 'gated' ? { gate: 0.5 + seed / 10 } : {}) },
            worse: answer(right),
            'no face': answer(right),
          },
          ...(head === 'product' ? {} : { additive: answer(right - 0.1).hits }),
        })),
      })),
      validation: { writers: units, faces: units },
      test: { writers: units, faces: units },
    };
  };
  test.each([
    [{ gated: 0.8, transformer: 0.8 }, 'gated'],
    [{ gated: 0.8, transformer: 0.802 }, 'gated'],
    [{ gated: 0.8, transformer: 0.9, 'low-rank': 0.88 }, 'transformer'],
    [{ gated: 0.8, transformer: 0.6, product: 0.95 }, 'gated'],
  ])('of %j is %s', (rights, chosen) => {
    const summary = summarize(made(rights), 300);
    expect(summary.chosen).toBe(chosen);
    for (const { head, score, test: tested, difference, additive, situations } of summary.heads) {
      expect(score.mean).toBeCloseTo(tested.mean, 9);
      expect(Math.abs(score.mean - rights[head as 'gated'])).toBeLessThan(0.06);
      expect(difference === null).toBe(head === 'gated');
      expect(additive === null).toBe(head === 'product');
      if (additive) expect(additive.interaction.mean).toBeCloseTo(score.mean - additive.accuracy.mean, 9);
      if (additive) {
        expect(additive.interaction.low).toBeGreaterThan(0);
        expect(additive.accuracy.high! - additive.accuracy.low!).toBeCloseTo(score.high! - score.low!, 1);
      }
      expect(situations[0]!.gates).toEqual(head === 'gated' ? [0.5, 0.6] : []);
    }
  });
});
