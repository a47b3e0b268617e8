// The report's section on other heads: what the file says is what is written, and no more.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseComparison, readComparison, type ComparisonFile } from '../../src/report/comparison-file.js';
import { panelCsv, renderSvg } from '../../src/report/figures/figure.js';
import { renderPage } from '../../src/report/page/page.js';
import { pairingNote } from '../../src/report/tables.js';
import { headsSection } from '../../src/report/sections/heads.js';

const around = (mean: number, by = 0.02) => ({ mean, low: mean - by, high: mean + by });

type Head = ComparisonFile['heads'][number];
const situation = (name: string, of: Head['situations'][number]['of'], mean: number, gates: number[]) => ({
  name,
  of,
  kind: of === null ? ('clean' as const) : ('corrupted' as const),
  accuracy: around(mean),
  gates,
});
const head = (name: string, accuracy: number, interaction: number, gates: readonly number[][]): Head => ({
  head: name,
  parameters: 1234,
  rate: name === 'product' ? null : 1e-3,
  epochs: 3,
  secondsAnEpoch: 1.5,
  situations: [
    situation('clean', null, accuracy, gates[0] ?? []),
    situation('text: words dropped 1', 'text', accuracy - 0.1, gates[1] ?? []),
    situation('face: blur .1', 'face', accuracy - 0.1, gates[2] ?? []),
  ],
  additive:
    name === 'product'
      ? null
      : { accuracy: around(accuracy - interaction), interaction: around(interaction, 0.01) },
  score: around(accuracy - 0.05),
  difference: name === 'gated' ? null : { ...around(-0.01), pValue: 0.4 },
  test: around(accuracy + 0.01),
});
const file = (gates: readonly number[][], interaction = 0): ComparisonFile => ({
  format: 'mien-comparison',
  version: 1,
  command: 'mien compare --text DIR <a>',
  chosen: 'gated',
  seeds: 2,
  pairs: { validation: 1293, test: 3237 },
  heads: [
    head('gated', 0.9, 0, gates),
    head('transformer', 0.88, interaction, []),
    head('product', 0.87, 0, []),
  ],
});
const turning = [
  [0.5, 0.48],
  [0.6, 0.55],
  [0.3, 0.25],
];
const html = (of: ComparisonFile): string =>
  [
    ...renderPage({ title: '', lead: '', sections: [headsSection(of)], footer: '' }, () => '<svg></svg>'),
  ].join('');

test('the section states the conclusion, the interaction and the gate over seeds of the file', () => {
  const page = html(file(turning));
  expect(page).toContain('the gate stays');
  expect(page).toContain('none makes use of seeing both sides at once');
  expect(page).toContain('.480 to .500');
  expect(page).toMatch(/In every one of the 2 corruptions, with every seed/);
  expect(page).toContain(
    'at most to .550 to .600 where the text is bad and to .250 to .300 where the face is',
  );
  expect(page).toContain('product of posteriors');
  expect(page).toContain('&lt;a&gt;');
});

test('the section mentions a gate that turns the wrong way for one seed, and a head that depends on interaction', () => {
  const page = html(
    file(
      [
        [0.5, 0.48],
        [0.6, 0.4],
        [0.3, 0.25],
      ],
      0.03,
    ),
  );
  expect(page).toContain('In 1 of the 2 corruptions every seed’s gate');
  expect(page).toContain('transformer (3.0 (2.0 to 4.0) points)');
  expect(page).toContain('the product of posteriors, a sum of logarithms, has an accuracy of .870');
});

test('charts contain every score and every seed’s gate, and can be rendered', async () => {
  const panels = headsSection(file(turning)).blocks.flatMap((block) =>
    'figure' in block ? block.figure.panels : [],
  );
  expect(panels).toHaveLength(2);
  const [scores, gates] = panels.map((panel) => panelCsv(panel));
  expect(scores).toContain('transformer,0.83,0.81,0.85');
  for (const line of ['clean,seed 0,0.5', 'clean,seed 1,0.48', 'face: blur .1,seed 1,0.25'])
    expect(gates).toContain(line);
  for (const { spec } of panels) expect(await renderSvg(spec)).toMatch(/^<svg/);
});

test('the note on pairing accompanies every table and score', () => {
  const page = html(file(turning));
  const parts = page.split(/<figure id="figure-heads"|<caption>/).slice(1);
  expect(parts).toHaveLength(4);
  for (const part of parts) expect(part).toContain(pairingNote);
});

test('without a gate among the heads the section does not mention one', () => {
  const page = html(file([]));
  expect(page).not.toContain('Over the seeds');
});

test('a file of another form is rejected with its first invalid field', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mien-heads-'));
  try {
    const path = join(folder, 'comparison.json');
    const { heads, ...rest } = file(turning);
    await writeFile(path, JSON.stringify({ ...rest, heads: [{ ...heads[0], parameters: -1 }] }));
    await expect(readComparison(path)).rejects.toThrow(/comparison\.json, heads\.0\.parameters/);
    expect(() => parseComparison({ ...rest, heads, texts: [] })).toThrow(/texts/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
