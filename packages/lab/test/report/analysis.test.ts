// What a results folder keeps beside predictions: analyses of a small experiment, written, read back and resumed.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { argmax } from 'mien/parts/evaluate';
import { putBeside } from '../../src/experiments/beside.js';
import { parseConfig } from '../../src/experiments/config.js';
import { reproduce, type Reproduction } from '../../src/experiments/reproduce.js';
import { writePack } from '../../src/features/pack.js';
import { readAnalysis } from '../../src/report/analysis-file.js';
import { replaceReport, writeReport } from '../../src/report/files.js';
import { openResults, rowIds, systemsOf } from '../../src/report/folder.js';
import { readModelFacts } from '../../src/report/model-file.js';
import { renderPage } from '../../src/report/page/page.js';
import { modelSections, writeHtmlReport } from '../../src/report/report.js';
import { pairedStatistics } from '../../src/report/statistics/paired.js';
import { pairingNote } from '../../src/report/tables.js';
import { madeUpSets } from '../../../../test/support/feature-sets.js';

const config = parseConfig({
  seeds: 2,
  head: { width: 8, lstm: 4 },
  optimizer: { learningRate: 5e-3 },
  epochs: { max: 2, patience: 2 },
  pairing: { testSeeds: 2 },
});

const root = join(import.meta.dirname, '../../../..');

let folder: string;
let pack: string;
let made: Reproduction;
const out = () => join(folder, 'out');
const run = (): Promise<Reproduction> => reproduce({ source: { pack }, config, folder: out(), workers: 2 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-analysis-'));
  pack = join(folder, 'pack.safetensors');
  await writePack(pack, madeUpSets());
  made = await run();
  const learned = {
    ...made,
    results: {
      ...made.results,
      rows: made.results.rows.map((row) => ({ ...row, features: 'learned features' })),
    },
  };
  const both = putBeside(made, [{ name: 'learned', ...learned }]);
  await writeReport(out(), both.results, both.predictions);
});
afterAll(() => rm(folder, { recursive: true }));

const analysed = (id: string) => made.predictions.find(({ row }) => row === id)!;

test('every head of Tables II and III is analysed once, consistently with its row', () => {
  const ids = made.predictions.filter(({ analysis }) => analysis).map(({ row }) => row);
  expect(ids).toEqual(
    expect.arrayContaining([
      'II-text-5',
      'II-text-7',
      'II-face-5-rafdb',
      'II-face-7-both',
      'III-static-gate-fer2013',
    ]),
  );
  expect(ids.filter((id) => id.startsWith('IV'))).toEqual([]);
  for (const { row, labels, runs, analysis } of made.predictions) {
    if (!analysis) continue;
    const n = runs[0]!.ids.length;
    expect(analysis.seeds, row).toEqual(config.seeds);
    expect(analysis.uncalibrated.flat(), row).toHaveLength(runs.length);
    // A temperature changes no prediction of a head; of a product it may.
    if (!row.includes('product'))
      analysis.uncalibrated.flat().forEach((posteriors, i) => {
        expect(posteriors.data).toHaveLength(n * labels.length);
        if (!/II-face-5/.test(row)) expect(argmax(posteriors)).toEqual(argmax(runs[i]!.posteriors));
      });
    expect(analysis.validation.posteriors[0]!.data).toHaveLength(
      analysis.validation.truth.length * labels.length,
    );
    if (analysis.map)
      expect(analysis.map.representation).toHaveLength(analysis.map.positions.length * analysis.map.width);
  }
});

test('gates are in (0, 1); fused heads have additive projections and mismatched pairs', () => {
  const gated = analysed('III-gated-fer2013').analysis!;
  expect(gated.gates).toHaveLength(2);
  for (const gates of gated.gates!.flat())
    for (const gate of Array.from(gates)) expect(gate).toBeGreaterThan(0);
  expect(gated.additive).toHaveLength(2);
  const { mismatched } = gated;
  const { truth } = analysed('III-gated-fer2013').runs[0]!;
  Array.from(mismatched!.faceLabels, (label, i) => expect(label).not.toBe(truth[i]));
  expect(analysed('III-concatenation-fer2013').analysis!.gates).toBeUndefined();
  expect(analysed('III-product-fer2013').analysis!.mismatched).toBeDefined();
  expect(analysed('II-text-5').analysis!.additive).toBeUndefined();
});

test('reading an analysis gives what was written', async () => {
  for (const id of ['III-gated-fer2013', 'II-text-5', 'III-product-both']) {
    const read = await readAnalysis(join(out(), 'analysis', `${id}.safetensors`));
    const { analysis } = analysed(id);
    expect(Object.keys(read).sort()).toEqual(Object.keys(analysis!).sort());
    expect(read.trainings).toEqual(analysis!.trainings);
    expect(read.uncalibrated.length).toBe(analysis!.uncalibrated.length);
    read.validation.posteriors.forEach(({ data }, s) =>
      data.forEach((p, i) => expect(p).toBeCloseTo(analysis!.validation.posteriors[s]!.data[i]!, 6)),
    );
    expect(Array.from(read.map?.positions ?? [])).toEqual(Array.from(analysis!.map?.positions ?? []));
  }
});

test('reading predictions gives what was written, and additional rows are found by their features', async () => {
  const results = await openResults(out());
  expect(results.systems.map(({ suffix }) => suffix)).toEqual(['', '-learned']);
  const [first, learned] = results.systems;
  expect(first!.row('III-gated-fer2013')!.features).not.toBe(learned!.row('III-gated-fer2013')!.features);
  const read = (await learned!.predictions('III-gated-fer2013'))!;
  const { runs } = analysed('III-gated-fer2013');
  expect(read.runs.map(({ seed, pairing }) => [seed, pairing])).toEqual(
    runs.map(({ seed, pairing }) => [seed, pairing]),
  );
  expect(read.runs[1]!.faceIds).toEqual(runs[1]!.faceIds);
  expect([...argmax(read.runs[1]!.posteriors)]).toEqual([...argmax(runs[1]!.posteriors)]);
  expect(await first!.predictions('II-nothing')).toBeUndefined();
});

test('distinguishes a suffix from a variant', () => {
  const ids = ['a', 'a-paired', 'b'];
  const rows = [
    ...ids.map((id) => ({ id, features: 'frozen' })),
    ...ids.map((id) => ({ id: `${id}-my-own`, features: 'mine' })),
  ];
  const both = [
    { features: 'frozen', suffix: '' },
    { features: 'mine', suffix: '-my-own' },
  ];
  expect(systemsOf(rows)).toEqual(both);
  // Rows of a kind that the first features do not have.
  expect(systemsOf([...rows, { id: 'seven-my-own', features: 'mine' }])).toEqual(both);
});

test('paired statistics: intervals contain the mean of the runs, and the gate is compared with all others', async () => {
  const [system] = (await openResults(out())).systems;
  const found = (await pairedStatistics(system!, rowIds(config).pairs[0], 200))!;
  expect(found.models.map(({ model }) => model)).toEqual([
    'text',
    'face',
    'concatenation',
    'gated',
    'gated-no-lstm',
    'static-gate',
    'product',
  ]);
  for (const { model, accuracy, additive, mismatched } of found.models) {
    expect(accuracy.low!).toBeLessThanOrEqual(accuracy.mean);
    expect(accuracy.high!).toBeGreaterThanOrEqual(accuracy.mean);
    expect(additive !== undefined).toBe(!['text', 'face', 'product'].includes(model));
    if (mismatched) expect(mismatched.text + mismatched.face + mismatched.neither).toBeCloseTo(1, 9);
  }
  const row = made.results.rows.find(({ id }) => id === 'III-gated-fer2013')!;
  expect(found.models.find(({ model }) => model === 'gated')!.accuracy.mean).toBeCloseTo(
    row.accuracy.mean,
    9,
  );
  expect(found.comparisons).toHaveLength(6);
});

test('runs of an earlier version are analysed without training; those without parameters are left unchanged', async () => {
  const runs = join(out(), 'runs');
  const names = (await readdir(runs, { recursive: true })).sort();
  const [some, other] = names.filter((name) => /gated-fer2013.*seed-\d$/.test(name));
  const before = (await stat(join(runs, some!, 'result.json'))).mtimeMs;
  await rm(join(runs, some!, 'analysis.safetensors'));
  await rm(join(runs, other!, 'analysis.safetensors'));
  await rm(join(runs, other!, 'head.safetensors'));
  const again = await run();
  expect(await readdir(join(runs, some!))).toContain('analysis.safetensors');
  expect((await stat(join(runs, some!, 'result.json'))).mtimeMs).toBe(before);
  expect(await readdir(join(runs, other!))).not.toContain('analysis.safetensors');
  expect(again.results.rows).toEqual(made.results.rows);
  const { analysis } = again.predictions.find(({ row }) => row === 'III-gated-fer2013')!;
  expect(analysis!.gates).toBeUndefined();
});

test('new results replace the previous ones completely', async () => {
  const kept = join(folder, 'kept');
  await replaceReport(kept, made.results, made.predictions.slice(0, 1));
  await replaceReport(kept, made.results, made.predictions.slice(1, 2));
  expect(await readdir(join(kept, 'predictions'))).toEqual([`${made.predictions[1]!.row}.csv`]);
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('the page makes no external requests, and each chart has a file', async () => {
  const file = join(folder, 'page.html');
  const written = await writeHtmlReport({ folders: [out()], out: file });
  const page = await readFile(file, 'utf8');
  checkPage(page);
  expect(page.match(/<figure /g)!.length).toBeGreaterThan(8);
  const names = await readdir(written.figures);
  expect(names.sort()).toEqual(
    written.charts.flatMap((name) => ['csv', 'png', 'svg'].map((kind) => `${name}.${kind}`)).sort(),
  );
  for (const name of [
    'accuracy-frozen',
    'accuracy-learned',
    'map-fused-frozen',
    'confusion-face-learned',
    'gate-frozen',
  ])
    expect(written.charts).toContain(name);
  // The model's part without its charts, which the tests of the command draw.
  const bundle = join(root, 'models/lite');
  if (!existsSync(bundle)) return;
  const sections = modelSections(
    await readModelFacts({ bundle, comparison: join(root, 'models/comparison.json') }),
  );
  const ofModel = [...renderPage({ title: '', lead: '', sections, footer: '' }, () => '')].join('');
  checkPage(ofModel);
  const anchors = [...anchorsOf(page), ...anchorsOf(ofModel)];
  // The section on voices, which these results do not have, has a test of its own.
  const contents = (await readFile(join(root, 'docs/report.md'), 'utf8')).replace(/^.*`#voice`.*$/m, '');
  const promised = [...contents.matchAll(/`#([\w-]+)`/g)];
  expect(promised.length).toBeGreaterThan(10);
  for (const [, id] of promised) expect(anchors).toContain(id);
  for (const { id } of sections) expect(anchors.filter((other) => other === id)).toHaveLength(1);
  // Some forty charts, on a machine that may do other things.
}, 180_000);

/** What holds of every page and of every part of one. */
function checkPage(page: string): void {
  expect(page).toMatch(/^<!doctype html>/);
  expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
  expect(page).not.toMatch(/url\(|@import|https?:\/\//);
  // Every figure and table with a multimodal accuracy has the sentence beside it.
  const flat = page.replaceAll('&amp;', '&');
  for (const part of flat.split(/<figure |<caption>/).slice(1))
    if (
      /Gated \+ LSTM|label-matched/.test(part.replace(/<script[\s\S]*?<\/script>/g, '')) &&
      !/^id="figure-training"/.test(part)
    )
      expect(part).toContain(pairingNote);
  // Anchors lead to one place each.
  const anchors = anchorsOf(page);
  expect(anchors.filter((id, i) => anchors.indexOf(id) !== i)).toEqual([]);
}

const anchorsOf = (page: string): string[] =>
  [...page.replace(/<svg[\s\S]*?<\/svg>/g, '').matchAll(/ id="([^"]*)"/g)].map(([, id]) => id!);

test('rejects folders without results, and files that are not pages', async () => {
  await expect(writeHtmlReport({ folders: [folder], out: join(folder, 'x.html') })).rejects.toThrow(
    /contains no results[\s\S]*mien reproduce/,
  );
  await expect(writeHtmlReport({ folders: [out()], out: join(folder, 'x.pdf') })).rejects.toMatchObject({
    code: 'usage',
  });
});
