// What corpora are evidence of: offsets, targets and weights by hand; a prior that is found again; scores by corpus.
import { expect, test } from 'vitest';
import { evidenceTargets, itemWeights, labelShares, offsetsOf } from '../../src/learn/evidence.js';
import { corpusScores, fitBias, fitCorpusTemperature } from '../../src/learn/text-validation.js';
import { randomStream } from 'mien-engine/base';

// Labels 0, 1 and 2; corpus 0 can give 0 and 1, corpus 1 all three.
const corpora = [
  { name: 'a', evidence: [1, 1, 0], repeat: 1, score: 1 },
  { name: 'b', evidence: [1, 1, 1], repeat: 1, score: 1 },
];
const items = { labels: [[0], [0], [0], [1], [2], [0, 1]], corpus: [0, 0, 0, 0, 1, 1] };

test('label frequencies are counted by corpus, items with several labels in shares', () => {
  const shares = labelShares(items, 2, 3);
  expect([...shares[0]!]).toEqual([0.75, 0.25, 0]);
  expect([...shares[1]!]).toEqual([0.25, 0.25, 0.5]);
});

test('a label that a corpus cannot give is excluded from its softmax; the others are offset by their frequency', () => {
  const offsets = offsetsOf([1, 1, 0], [0.75, 0.25, 0], 1);
  expect(offsets[0]! - offsets[1]!).toBeCloseTo(Math.log(3), 6);
  expect(Math.exp(offsets[2]!)).toBe(0);
  expect([...offsetsOf([1, 1, 0], [0.75, 0.25, 0], 0).subarray(0, 2)]).toEqual([0, 0]);
  // A label that does not occur: the mean of the others, less what its evidence lacks.
  const against = offsetsOf([1, 1, 0.5], [0.75, 0.25, 0], 1);
  expect(against[2]! - (against[0]! + against[1]!) / 2).toBeCloseTo(Math.log(0.5), 6);
});

test('targets share the labels of an item, and smoothing stays within what the corpus can give', () => {
  const target = evidenceTargets(items, corpora, 0.2);
  const rounded = (item: number): number[] => [...target(item)].map((p) => Number(p.toFixed(4)));
  expect(rounded(0)).toEqual([0.9, 0.1, 0]);
  expect(rounded(4)).toEqual([0.0667, 0.0667, 0.8667]);
  expect(rounded(5)).toEqual([0.4667, 0.4667, 0.0667]);
});

test('a teacher’s posteriors have the offsets of the corpus, so that its own logits meet them', () => {
  const draw = randomStream(5, 'taught');
  const evidence = Float64Array.from({ length: 18 }, () => draw.normal());
  const softmax = (logits: readonly number[]): number[] => {
    const odds = logits.map(Math.exp);
    const total = odds.reduce((sum, one) => sum + one, 0);
    return odds.map((one) => one / total);
  };
  const rowOf = (item: number): number[] => [...evidence.subarray(3 * item, 3 * item + 3)];
  const posteriors = Float32Array.from(items.labels.flatMap((_, item) => softmax(rowOf(item))));
  const offsets = labelShares(items, 2, 3).map((shares, i) => offsetsOf(corpora[i]!.evidence, shares, 1));
  const taught = evidenceTargets(items, corpora, 0, { teacher: { posteriors, share: 1 }, offsets });
  items.corpus.forEach((corpus, item) => {
    const student = softmax(rowOf(item).map((logit, label) => logit + offsets[corpus]![label]!));
    [...taught(item)].forEach((aim, label) => expect(aim).toBeCloseTo(student[label]!, 5));
  });
  const half = evidenceTargets(items, corpora, 0, { teacher: { posteriors, share: 0.5 }, offsets });
  expect(half(4)[2]).toBeCloseTo(0.5 + taught(4)[2]! / 2, 5);
});

test('rare labels weigh more within their corpus, whose mean weight stays one', () => {
  const weights = itemWeights(items, labelShares(items, 2, 3), 1, () => 1);
  expect(weights[3]! / weights[0]!).toBeCloseTo(3, 6);
  expect(weights.subarray(0, 4).reduce((a, b) => a + b)).toBeCloseTo(4, 5);
  expect(itemWeights(items, labelShares(items, 2, 3), 0, (i) => i)[5]).toBe(5);
});

test('the prior removed from logits is recovered from items that have it', () => {
  const draw = randomStream(3, 'prior');
  const prior = [0.7, 0.2, 0.1];
  const labels: number[][] = [];
  const logits: number[] = [];
  for (let i = 0; i < 6000; i++) {
    const at = draw.uniform();
    const label = at < prior[0]! ? 0 : at < prior[0]! + prior[1]! ? 1 : 2;
    labels.push([label]);
    // Evidence of the label as under equal frequencies: normal scores, the true one higher by its variance.
    for (let c = 0; c < 3; c++) logits.push(draw.normal() + (c === label ? 1 : 0));
  }
  const one = { labels, corpus: labels.map(() => 1) };
  const bias = fitBias(logits, one, corpora);
  expect(bias[0]! - bias[1]!).toBeCloseTo(Math.log(3.5), 0);
  expect(bias[0]! - bias[2]!).toBeCloseTo(Math.log(7), 0);
  const [, before] = corpusScores(logits, one, corpora);
  const [none, after] = corpusScores(logits, one, corpora, bias);
  expect(none).toBeUndefined();
  expect(after!.accuracy).toBeGreaterThan(before!.accuracy + 0.05);
});

test('each corpus is judged on the labels that it can give', () => {
  const logits = [1, 0, 9, 0, 1, 9, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 1, 0];
  const [a, b] = corpusScores(logits, items, corpora);
  expect(a).toMatchObject({ items: 4, accuracy: 0.75 });
  expect(b).toMatchObject({ items: 2, accuracy: 1, f1: 1 });
});

test('the temperature by which logits were scaled is recovered', () => {
  const draw = randomStream(4, 'temperature');
  const labels: number[][] = [];
  const logits: number[] = [];
  for (let i = 0; i < 4000; i++) {
    const own = [draw.normal(), draw.normal(), draw.normal()];
    const odds = own.map(Math.exp);
    let at = draw.uniform() * odds.reduce((a, b) => a + b);
    labels.push([odds.findIndex((one) => (at -= one) < 0)]);
    logits.push(...own.map((z) => 2 * z));
  }
  const all = { labels, corpus: labels.map(() => 1) };
  expect(fitCorpusTemperature(logits, all, corpora)).toBeCloseTo(2, 0);
});
