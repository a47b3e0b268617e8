// The section on triples with a voice: what it draws of which rows, what it says in words, and what it leaves out.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import { scores } from 'mien/parts/evaluate';
import type { RowPredictions } from '../../src/experiments/results.js';
import { tripleId, type TripleKind } from '../../src/experiments/triple-parts.js';
import { renderSvg } from '../../src/report/figures/figure.js';
import { rowIds } from '../../src/report/folder.js';
import { renderPage } from '../../src/report/page/page.js';
import { type ReportedRow, toResults } from '../../src/report/results.js';
import { hasTriples, voiceSection } from '../../src/report/sections/voice.js';
import type { ReportContext, Section } from '../../src/report/sections/section.js';
import { example } from './example.js';

const root = join(import.meta.dirname, '../../../..');
const telephone = { as: 'telephone', level: 1 };
const noise = { as: 'background noise', level: 0.5 };

function row(
  kind: TripleKind,
  modalities: readonly Modality[],
  accuracy: number,
  worse?: typeof noise,
): ReportedRow {
  const mean = { mean: accuracy, low: accuracy - 0.01, high: accuracy + 0.01 };
  const [template] = toResults(example).rows as [ReportedRow];
  const model = kind === 'alone' ? (modalities[0] as Modality) : kind === 'product' ? 'product' : 'gated';
  return {
    ...template,
    id: tripleId(5, kind, modalities, worse),
    table: worse ? 'corrupted' : 'triples',
    model,
    variant: kind === 'incomplete' ? 'trained with some missing' : null,
    accuracy: { ...mean, paper: null },
    modalities,
    ...(model === 'gated' && {
      gate: Object.fromEntries(modalities.map((one) => [one, 1 / modalities.length])),
    }),
    ...(worse && { corrupted: { of: 'voice', ...worse } }),
  };
}

const pair: readonly Modality[] = ['text', 'face'];
const rows = [
  row('alone', ['voice'], 0.7),
  ...(['gated', 'product', 'incomplete'] as const).flatMap((kind) => [
    row(kind, pair, 0.8),
    row(kind, MODALITIES, 0.9),
  ]),
  ...[
    { degree: noise, gated: 0.84, product: 0.75 },
    { degree: telephone, gated: 0.77, product: 0.65 },
  ].flatMap(({ degree, gated, product }) => [
    row('alone', ['voice'], 0.4, degree),
    row('gated', MODALITIES, gated, degree),
    row('product', MODALITIES, product, degree),
    row('incomplete', MODALITIES, 0.85, degree),
  ]),
];

const predictions: RowPredictions = {
  row: 'triples-5-alone-voice',
  labels: ['joy', 'sadness'],
  runs: [
    {
      seed: 0,
      pairing: 0,
      ids: ['a', 'b'],
      faceIds: null,
      truth: [0, 1],
      posteriors: scores(2, Float32Array.of(0.9, 0.1, 0.7, 0.3)),
    },
  ],
};

function contextOf(all: readonly ReportedRow[]): ReportContext {
  const results = { ...toResults(example), rows: all };
  const system = {
    features: 'frozen encoders',
    suffix: '',
    key: '',
    title: 'frozen encoders',
    ids: rowIds(results.configuration),
    row: (id: string) => all.find((one) => one.id === id),
    predictions: (id: string) => Promise.resolve(id === predictions.row ? predictions : undefined),
    analysis: () => Promise.resolve(undefined),
  };
  const folder = { path: 'results', name: 'results', results, systems: [system] };
  return { folders: [folder], systems: [system], map: () => Promise.resolve(undefined) };
}

const figure = ({ blocks }: Section, id: string) =>
  blocks.flatMap((block) => ('figure' in block && block.figure.id === id ? [block.figure] : []))[0]!;
const wordsOf = ({ blocks }: Section): string =>
  blocks.flatMap((block) => ('text' in block ? [block.text] : [])).join('\n');

test('says what a bad voice costs each head, and draws all degrees between the clean and the missing voice', async () => {
  const section = await voiceSection(contextOf(rows));
  expect(wordsOf(section)).toContain(
    'the gate is less accurate than on text and face alone at 1 of 2 degrees (at most by 3.0 points, telephone); ' +
      'the gate trained with some missing is less accurate than on text and face alone at 0 of 2 degrees; ' +
      'and the product of posteriors is less accurate than on text and face alone at 2 of 2 degrees (at most by 15.0 points, telephone). ' +
      'The gate gives the voice a share of .333 as recorded, and of .333 to .333 where it is bad.',
  );
  const drawn = figure(section, 'bad-voice').panels[0]!.rows;
  expect([...new Set(drawn.map((one) => one['row']))]).toEqual([
    'as recorded',
    'background noise .5',
    'telephone',
    'left out',
  ]);
  expect(drawn.find((one) => one['row'] === 'telephone' && one['by'] === 'voice alone')).toMatchObject({
    mean: 0.4,
  });
  // Without a voice there is nothing that hears it alone.
  expect(drawn.filter((one) => one['row'] === 'left out').map((one) => one['by'])).not.toContain(
    'voice alone',
  );
});

test('the sentence on the pairing stands beside every figure that depends on it', async () => {
  const section = await voiceSection(contextOf(rows));
  for (const id of ['triples', 'shares', 'bad-voice'])
    expect(figure(section, id).notes!.join()).toMatch(/chosen by the text’s label, in test too/);
  for (const block of section.blocks)
    if ('table' in block)
      expect(block.table.notes!.join()).toMatch(/chosen by the text’s label, in test too/);
  expect(section.blocks.filter((block) => 'table' in block)).toHaveLength(2);
});

test('shows confusions of the voice alone as shares of the true label, and all charts can be drawn', async () => {
  const section = await voiceSection(contextOf(rows));
  expect(figure(section, 'confusion-voice').panels[0]!.rows).toEqual([
    { label: 'joy', predicted: 'joy', share: 1, 'items a run': 1 },
    { label: 'joy', predicted: 'sadness', share: 0, 'items a run': 0 },
    { label: 'sadness', predicted: 'joy', share: 1, 'items a run': 1 },
    { label: 'sadness', predicted: 'sadness', share: 0, 'items a run': 0 },
  ]);
  for (const id of ['triples', 'confusion-voice', 'shares', 'bad-voice'])
    expect(await renderSvg(figure(section, id).panels[0]!.spec)).toMatch(/^<svg/);
});

test('has the anchors that the documentation of the report names', async () => {
  const [line] = /^.*`#voice`.*$/m.exec(await readFile(join(root, 'docs/report.md'), 'utf8'))!;
  const promised = [...line.matchAll(/`#([\w-]+)`/g)].map(([, id]) => id);
  const sections = [await voiceSection(contextOf(rows))];
  const page = [...renderPage({ title: '', lead: '', sections, footer: '' }, () => '')].join('');
  expect(promised).toHaveLength(6);
  for (const id of promised) expect(page).toContain(` id="${id}"`);
});

test('without corrupted voices it says so, and without triples there is no section', async () => {
  const clean = contextOf(rows.filter(({ table }) => table === 'triples'));
  expect(wordsOf(await voiceSection(clean))).toContain('no triples with a voice that was made worse');
  expect(hasTriples(clean)).toBe(true);
  expect(hasTriples(contextOf(toResults(example).rows))).toBe(false);
});
