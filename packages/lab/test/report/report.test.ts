// Tables at terminal width and as Markdown, results.json and its validation, prediction and confusion files.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderText, wrap } from 'mien/parts/cli';
import { scores } from 'mien/parts/evaluate';
import type { RowPredictions } from '../../src/experiments/results.js';
import { formatQuantity } from '../../src/report/cost-table.js';
import { formatMetric, pairingNote, renderTables, renderTablesMarkdown } from '../../src/report/tables.js';
import { writeReport } from '../../src/report/files.js';
import { parseResults, readResults, toResults } from '../../src/report/results.js';
import { example } from './example.js';

const results = toResults(example);
const flat = (text: string): string => text.replace(/\s+/g, ' ');

test.each([100, 90, 120])('tables fit into %i columns and lose no word', (width) => {
  const text = renderTables(results, { width });
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
  expect(text).not.toContain('…');
  expect(text).toMatch(/Text only +\.721 ±\.006 +\.61 +\.711 ±\.006 +\.60 +\.701 ±\.006 +\.59/);
  expect(text).toMatch(/Gated, no LSTM \(ours\) +\.850 ±\.006 +–/);
});

test('every table with multimodal rows, and no other, explains label-matched pairs', () => {
  expect(flat(renderTables(results)).split(pairingNote)).toHaveLength(4);
  const unimodal = { rows: results.rows.filter(({ model }) => model === 'text'), costs: [] };
  expect(flat(renderTables(unimodal))).not.toContain(pairingNote);
});

test('Table IV cites systems that were not measured, with limitations', () => {
  const text = renderTables({ rows: results.rows.filter(({ table }) => table === 'IV'), costs: [] });
  expect(text).toMatch(/As cited, not measured here\n +Wafa et al\. 2025 +\.78 +– +Large multimodal network/);
  expect(text).toMatch(/El Maazouzi & Retbi 2025 +\.74/);
});

test('tables without rows are omitted', () => {
  expect(renderTables({ rows: [], costs: [] })).toBe('');
});

test('Markdown has a cell for every column in every line', () => {
  for (const table of renderTablesMarkdown(results).split('### ').slice(1)) {
    const lines = table.split('\n').filter((line) => line.startsWith('|'));
    const cells = lines.map((line) => line.split(/(?<!\\)\|/).length);
    expect(new Set(cells).size).toBe(1);
    expect(lines.length).toBeGreaterThan(3);
  }
});

test('formats metrics and quantities', () => {
  expect(formatMetric({ mean: 1, low: null, high: null, paper: null })).toBe('1.000');
  expect(formatMetric({ mean: 0.7214, low: 0.7153, high: 0.7275, paper: 0.6 })).toBe('.721 ±.006');
  expect(formatMetric({ mean: NaN, low: null, high: null, paper: null })).toBe('–');
  const quantities = { 0: '0', 640: '640', 999.6: '1.00 k', 22_713_216: '22.7 M', 99_960_000: '100 M' };
  for (const [value, text] of Object.entries(quantities)) expect(formatQuantity(Number(value))).toBe(text);
  expect(formatQuantity(1.2e9, 'B')).toBe('1.20 GB');
});

test('wrapping keeps every character and the width', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z/-]{1,30}$/), { minLength: 1 }),
      fc.integer({ min: 6, max: 40 }),
      (words, width) => {
        const lines = wrap(words.join(' '), width, '  ').split('\n');
        expect(lines.every((line) => line.length <= width)).toBe(true);
        expect(lines.join('').replace(/\s/g, '')).toBe(words.join(''));
      },
    ),
  );
});

test('a table without groups is not indented', () => {
  const table = {
    columns: [{ header: 'set' }, { header: 'n', align: 'right' as const }],
    groups: [{ rows: [['isear', '7,666']] }],
  };
  expect(renderText(table)).toBe('set        n\n─────  ─────\nisear  7,666');
});

test('results survive a JSON round trip, and invalid fields are reported', () => {
  const json = JSON.parse(JSON.stringify(results)) as Record<string, unknown>;
  expect(parseResults(json)).toEqual(results);
  expect(results.rows[0]!.accuracy).toMatchObject({ mean: 0.721, paper: 0.61 });
  expect(results.rows[2]!.accuracy.paper).toBeNull();
  const broken = structuredClone(json) as { rows: { n: unknown }[] };
  broken.rows[1]!.n = 'many';
  expect(() => parseResults(broken, 'results.json')).toThrow(/^results.json, rows.1.n: /);
  expect(() => parseResults({ ...json, version: 2 })).toThrow(/version/);
  const twice = { ...example, rows: [example.rows[0]!, example.rows[0]!] };
  expect(() => toResults(twice)).toThrow(/II-text: two rows have this id/);
});

const predictions: RowPredictions[] = [
  {
    row: 'II-gated',
    labels: ['anger', 'joy'],
    runs: [0, 1].map((seed) => ({
      seed,
      pairing: 7,
      ids: ['isear/00001', 'with, comma'],
      faceIds: ['f1', 'f2'],
      truth: [0, 1],
      posteriors: scores(2, Float64Array.of(0.75, 0.25, 1 - 1e-9 * (seed + 1), 1e-9 * (seed + 1))),
    })),
  },
  {
    row: 'II-text',
    labels: ['anger', 'joy'],
    runs: [
      {
        seed: 0,
        pairing: null,
        ids: ['t'],
        faceIds: null,
        truth: [1],
        posteriors: scores(2, Float64Array.of(0.25, 0.75)),
      },
    ],
  },
];

test('a results folder contains results, tables, predictions with probabilities and confusion matrices', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mien-report-'));
  try {
    await writeReport(folder, example, predictions);
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(
      ['confusion', 'predictions', 'results.json', 'tables.md']
        .concat(['II-gated.csv', 'II-text.csv'].map((name) => join('predictions', name)))
        .concat(
          ['II-gated.csv', 'II-gated.json', 'II-text.csv', 'II-text.json'].map((n) => join('confusion', n)),
        )
        .sort(),
    );
    expect(await readResults(join(folder, 'results.json'))).toEqual(results);
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
    const records = parse(await read('predictions/II-gated.csv'), { columns: true });
    expect(records).toHaveLength(4);
    expect(records[3]).toEqual({
      id: 'with, comma',
      face: 'f2',
      seed: '1',
      pairing: '7',
      label: 'joy',
      predicted: 'anger',
      p_anger: '1',
      p_joy: '2e-9',
    });
    expect((await read('predictions/II-text.csv')).split('\n')[0]).toBe(
      'id,seed,label,predicted,p_anger,p_joy',
    );
    expect(JSON.parse(await read('confusion/II-gated.json'))).toEqual({
      row: 'II-gated',
      labels: ['anger', 'joy'],
      runs: 2,
      counts: [
        [2, 0],
        [2, 0],
      ],
    });
    expect(await read('confusion/II-gated.csv')).toBe('label,anger,joy\nanger,2,0\njoy,2,0\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});
