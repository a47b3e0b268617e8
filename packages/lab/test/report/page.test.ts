// Parts of the report by themselves: settings that differ, texts and faces behind ids, tables as HTML, themed charts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadFer2013 } from '../../src/data/fer2013.js';
import { accuracyPanel } from '../../src/report/sections/results.js';
import { inlineSvg, panelCsv, renderSvg, standaloneSvg, toPng } from '../../src/report/figures/figure.js';
import { colors } from '../../src/report/figures/theme.js';
import { renderHtml } from '../../src/report/page/page.js';
import { openLocalData } from '../../src/report/local-data.js';
import { toResults } from '../../src/report/results.js';
import { differences } from '../../src/report/sections/runs.js';
import { writeDataSets } from '../../../../test/support/data-sets.js';
import { example } from './example.js';

test('lists differing settings by path, without common ones', () => {
  const configurations = [
    { seeds: [0, 1], head: { width: 256, lstm: 128 }, split: 'clean' },
    { seeds: [0, 1], head: { width: 512, lstm: 128 }, split: 'paper', extra: true },
  ];
  expect(differences(configurations)).toEqual([
    { path: 'head.width', values: ['256', '512'] },
    { path: 'split', values: ['clean', 'paper'] },
    { path: 'extra', values: [undefined, 'true'] },
  ]);
  expect(differences([configurations[0], configurations[0]])).toEqual([]);
});

test('finds texts and faces by the ids in results; others are undefined', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mien-local-'));
  try {
    await writeDataSets(folder, 1);
    const data = await openLocalData(folder);
    expect(data.text('isear/00001')).toMatch(/^I remember day 0 of anger/);
    const [face] = (await loadFer2013(join(folder, 'fer2013'))).items;
    expect(await data.face(face!.id)).toMatch(/^data:image\/webp;base64,/);
    expect(data.text('isear#1')).toBeUndefined();
    expect(await data.face('fer2013#1')).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an HTML table escapes its cells, and its headings span all columns', () => {
  const html = renderHtml({
    title: 'T < U',
    columns: [{ header: 'model' }, { header: 'n', align: 'right' }],
    groups: [{ heading: 'all', rows: [['a & b', '1']] }],
    notes: ['a note'],
  });
  expect(html).toContain('<caption><span>T &lt; U</span></caption>');
  expect(html).toContain('<th scope="row">a &amp; b</th><td class="right">1</td>');
  expect(html).toContain('colspan="2"');
  expect(html).toContain('<p class="note">a note</p>');
});

test('a chart is themed on the page, has title and background as a file, and its numbers as CSV', async () => {
  const rows = toResults(example).rows.filter(({ table }) => table === 'II');
  const panel = accuracyPanel('accuracy', '', rows);
  const svg = await renderSvg(panel.spec);
  const inline = inlineSvg(svg, 'A "title"');
  expect(inline).toContain('role="img" aria-label="A &quot;title&quot;"');
  expect(inline).toContain('var(--accent)');
  for (const { light } of Object.values(colors)) expect(inline).not.toContain(light);
  expect(inline).not.toMatch(/http/);
  const alone = standaloneSvg(svg, 'a title');
  expect(alone).toContain('<title>a title</title><rect');
  expect((await toPng(alone)).subarray(1, 4).toString()).toBe('PNG');
  const [header, first] = panelCsv(panel).split('\n');
  expect(header).toBe('model,dataset,whose,accuracy,low,high');
  expect(first).toBe('Text only,ISEAR,measured here,0.721,0.7149,0.7271');
});

test('warnings of Vega-Lite are errors', async () => {
  const field = { field: 'a', type: 'nominal' };
  const encoding = { color: { ...field, legend: { title: 'b' } }, shape: { ...field, legend: null } };
  const wrong = { data: { values: [{ a: 1 }] }, mark: 'point', encoding };
  await expect(renderSvg(wrong)).rejects.toThrow(/Vega-Lite/);
});
