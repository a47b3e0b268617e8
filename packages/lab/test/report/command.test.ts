// `mien report`: the last results by themselves, folders of an earlier version, and wrong arguments.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { scores, toPosteriors } from 'mien/parts/evaluate';
import type { RowPredictions } from '../../src/experiments/results.js';
import { replaceReport } from '../../src/report/files.js';
import { resultFolder } from '../../src/cli/options.js';
import { runMien, type Ended } from '../../../../test/support/mien.js';
import { example } from './example.js';

const lite = join(import.meta.dirname, '../../../../models/lite');

let folder: string;
const cache = () => ({ XDG_CACHE_HOME: join(folder, 'cache') });
const mien = (...args: string[]): Promise<Ended> => runMien(args, { env: cache() });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-report-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ids: Readonly<Record<string, string>> = {
  'II-text': 'II-text-5',
  'II-face': 'II-face-5-fer2013',
  'II-gated': 'II-gated-fer2013',
  'III-gated': 'III-gated-fer2013',
  'III-product': 'III-product-fer2013',
};

/** Results as earlier versions kept them: without analyses. */
async function keepResults(): Promise<void> {
  const rows = example.rows.flatMap((row) => (row.id in ids ? [{ ...row, id: ids[row.id]! }] : []));
  const predictions = rows.map(({ id, labels, model }): RowPredictions => {
    const stream = randomStream(1, id);
    const paired = model !== 'text' && model !== 'face';
    return {
      row: id,
      labels,
      runs: [0, 1].map((seed) => ({
        seed,
        pairing: paired ? 0 : null,
        ids: Array.from({ length: 25 }, (_, i) => `${i}`),
        faceIds: paired ? Array.from({ length: 25 }, (_, i) => `face ${i}`) : null,
        truth: Array.from({ length: 25 }, (_, i) => i % 5),
        posteriors: toPosteriors(
          scores(
            5,
            Float64Array.from({ length: 125 }, () => stream.normal()),
          ),
        ),
      })),
    };
  });
  await replaceReport(resultFolder(cache()), { ...example, rows }, predictions);
}

test('without results, and for folders without results, it explains how to create them', async () => {
  const none = await mien('report');
  expect(none.code).toBe(2);
  expect(none.stderr).toMatch(/no results to report yet[\s\S]*mien reproduce/);
  const empty = await mien('report', folder);
  expect(empty.code).toBe(1);
  expect(empty.stderr).toMatch(/contains no results/);
});

test('the last results, of an earlier version: the page states what they lack', async () => {
  await keepResults();
  const out = join(folder, 'page.html');
  const { code, stdout, stderr } = await mien('report', '--out', out, '--json');
  expect(stderr).not.toMatch(/mien:/);
  expect(code).toBe(0);
  const { file, charts } = JSON.parse(stdout) as { file: string; charts: string[] };
  expect(file).toBe(out);
  expect(charts).toEqual(
    expect.arrayContaining(['accuracy', 'confusion-text', 'differences', 'risk-coverage', 'labels-fused']),
  );
  const page = await readFile(out, 'utf8');
  expect(page).toContain('were kept without the analyses');
  expect(page).toContain('data:text/csv');
  // The bundled model's evaluation is found by itself.
  if (existsSync(lite)) expect(charts).toContain('corruption-isear-raf-db-blur');
}, 180_000);

test('reports a missing bundle', async () => {
  const { code, stderr } = await mien('report', '--bundle', join(folder, 'none'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/none[\\/]manifest\.json/);
});
