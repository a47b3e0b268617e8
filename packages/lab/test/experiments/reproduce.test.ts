// The whole experiment on made-up features: every row is there and consistent, runs are kept, results repeat.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FACE_LABELS } from 'mien/parts/data';
import { parseConfig } from '../../src/experiments/config.js';
import { experimentData, pair } from '../../src/experiments/data.js';
import { reproduce, type Reproduction } from '../../src/experiments/reproduce.js';
import { writePack } from '../../src/features/pack.js';
import { madeUpSets } from '../../../../test/support/feature-sets.js';

const config = parseConfig({
  seeds: 2,
  head: { width: 16, lstm: 8 },
  optimizer: { learningRate: 3e-3 },
  epochs: { max: 4, patience: 2 },
});

let folder: string;
let pack: string;
let first: Reproduction;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-reproduce-'));
  pack = join(folder, 'pack.safetensors');
  await writePack(pack, madeUpSets(1, { corpora: true }));
  first = await reproduce({ source: { pack }, config, folder: join(folder, 'out'), workers: 2 });
});
afterAll(() => rm(folder, { recursive: true }));

const rowOf = (id: string, { results }: Reproduction = first) => {
  const row = results.rows.find((candidate) => candidate.id === id);
  if (!row) throw new Error(`no row ${id} among ${results.rows.map((candidate) => candidate.id).join(', ')}`);
  return row;
};

test('every row the tables need is there, once', () => {
  const ids = first.results.rows.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const model of ['concatenation', 'gated', 'gated-no-lstm', 'static-gate', 'product'])
    expect(ids).toContain(`III-${model}-fer2013`);
  for (const source of ['fer2013', 'rafdb', 'both'])
    for (const id of [
      `II-face-5-${source}`,
      `II-face-5-${source}-paired`,
      `II-face-7-${source}`,
      `II-gated-${source}`,
      `II-product-${source}`,
    ])
      expect(ids).toContain(id);
  expect(ids).toEqual(
    expect.arrayContaining(['II-text-5', 'II-text-7', 'II-face-7-fer2013-PrivateTest', 'IV-gated-fer2013']),
  );
  const reproduced = first.results.rows.flatMap(({ reproduces }) => reproduces ?? []);
  expect(reproduced.sort()).toEqual(
    [
      'ablation-concatenation',
      'ablation-face',
      'ablation-gated',
      'ablation-text',
      'face',
      'multimodal',
      'text',
    ].sort(),
  );
});

test('where there are texts of all labels, rows over seven labels stand on those texts', () => {
  const rows = first.results.rows.filter(({ table }) => table === 'seven');
  expect(rows.map(({ id }) => id)).toEqual([
    'seven-text-7',
    ...['fer2013', 'rafdb'].flatMap((source) => [
      `seven-face-7-${source}-paired`,
      `seven-gated-${source}`,
      `seven-product-${source}`,
    ]),
  ]);
  for (const { labels, n, reproduces, dataset, model } of rows) {
    expect(labels).toEqual(FACE_LABELS);
    expect([n, reproduces]).toEqual([140, null]);
    if (model !== 'face') expect(dataset).toMatch(/^GoEmotions/);
  }
  const { runs } = first.predictions.find(({ row }) => row === 'seven-gated-rafdb')!;
  expect(new Set(runs[0]!.truth as Uint8Array).size).toBe(7);
  expect(first.results.counts['corpora']!.test).toMatchObject({ neutral: 20, surprise: 20 });
});

test('the texts of all corpora: ISEAR’s are trained on beside the others, which alone are tested', () => {
  const sets = madeUpSets(1, { corpora: true });
  const [isear, all] = [experimentData(sets), experimentData(sets, 'all')];
  const own = isear.texts(FACE_LABELS, 'train');
  const both = all.texts(FACE_LABELS, 'train');
  expect(both.ids.slice(0, own.ids.length)).toEqual(own.ids);
  expect(both.ids.slice(own.ids.length).every((id) => id.startsWith('corpora-'))).toBe(true);
  expect(new Set(both.labels).size).toBe(7);
  expect(all.texts(FACE_LABELS, 'test').ids.every((id) => id.startsWith('corpora-'))).toBe(true);
  // Rows of the table are those of the selection.
  const [row, i] = [both.rows.at(-1)!, both.ids.length - 1];
  const place = sets.corpora!.ids.indexOf(both.ids[i]!);
  const width = 12;
  expect(all.tables.text.data.slice(row * width, (row + 1) * width)).toEqual(
    sets.corpora!.embeddings.data.slice(place * width, (place + 1) * width),
  );
  expect(() => experimentData(madeUpSets(), 'all')).toThrow(/other corpora than ISEAR/);
});

test('two modalities beat one, and what is learned is far above chance', () => {
  const accuracy = (id: string) => rowOf(id).accuracy.mean;
  expect(accuracy('II-text-5')).toBeGreaterThan(0.5);
  expect(accuracy('III-product-fer2013')).toBeGreaterThan(accuracy('II-text-5'));
  expect(accuracy('III-gated-fer2013')).toBeGreaterThan(accuracy('III-text-5'));
});

test('rows stand on the test items of their split and label set', () => {
  // 700 texts in 7 labels, one fifth of them test; 5 labels are shared.
  expect(rowOf('II-text-7').n).toBe(140);
  expect(rowOf('II-text-5').n).toBe(100);
  expect(rowOf('II-gated-both')).toMatchObject({ n: 100, seeds: [0, 1], pairings: [0, 1, 2] });
  expect(rowOf('II-face-7-both').n).toBe(420);
  expect(rowOf('II-face-7-fer2013-PrivateTest').n).toBe(140);
});

test('predictions carry the truth, the pair and a posterior', () => {
  const { runs, labels } = first.predictions.find(({ row }) => row === 'III-gated-rafdb')!;
  expect(runs.map(({ seed, pairing }) => [seed, pairing])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
    [1, 1],
    [1, 2],
  ]);
  for (const { posteriors, faceIds, ids, truth } of runs) {
    expect(ids).toHaveLength(100);
    expect(faceIds!.every((id) => id.startsWith('rafdb'))).toBe(true);
    const sums = Array.from(truth, (_, i) =>
      labels.reduce((sum, _label, k) => sum + posteriors.data[i * labels.length + k]!, 0),
    );
    for (const sum of sums) expect(sum).toBeCloseTo(1, 9);
  }
  // Every model meets the same pairs.
  const product = first.predictions.find(({ row }) => row === 'III-product-rafdb')!;
  expect(product.runs.map(({ faceIds }) => faceIds)).toEqual(runs.map(({ faceIds }) => faceIds));
});

test('a second run trains nothing and says the same', async () => {
  const out = join(folder, 'out', 'runs');
  const times = async () =>
    Promise.all(
      (await readdir(out, { recursive: true }))
        .sort()
        .map(async (name) => [name, (await stat(join(out, name))).mtimeMs]),
    );
  const before = await times();
  const again = await reproduce({ source: { pack }, config, folder: join(folder, 'out'), workers: 1 });
  expect(await times()).toEqual(before);
  expect(again.results.rows).toEqual(first.results.rows);
});

test('no face of a training pair is a test face, and labels agree', () => {
  const data = experimentData(madeUpSets());
  const { labels } = config;
  const texts = data.texts(labels, 'train');
  const faces = data.faces('both', labels, 'train');
  const test = new Set(data.faces('both', labels, 'test').rows);
  const drawn = pair(texts, faces, 0, 3, 'training pairing');
  expect(Array.from(drawn, (position) => faces.labels[position])).toEqual([...texts.labels]);
  expect([...drawn].some((position) => test.has(faces.rows[position]!))).toBe(false);
});

test('stopped in two processes and finished in one, an experiment of one seed has that seed’s predictions', async () => {
  const one = parseConfig({ ...config, seeds: [1] });
  const stop = new AbortController();
  const out = join(folder, 'stopped');
  let done = 0;
  const progress = {
    begin: () => undefined,
    advance: () => {
      if (++done === 3) stop.abort();
    },
    skip: (count: number) => void (done += count),
    message: () => undefined,
    warn: () => undefined,
    end: () => undefined,
  };
  await expect(
    reproduce({ source: { pack }, config: one, folder: out, workers: 2, progress, signal: stop.signal }),
  ).rejects.toMatchObject({ code: 'interrupted' });
  done = 0;
  const resumed = await reproduce({
    source: { pack },
    config: one,
    folder: out,
    workers: 1,
    progress: { ...progress, advance: () => undefined },
  });
  expect(done).toBeGreaterThanOrEqual(3);
  const runs = ({ predictions }: Reproduction) =>
    predictions.map(({ row, runs }) => [row, runs.filter(({ seed }) => seed === 1)]);
  expect(runs(resumed)).toEqual(runs(first));
});
