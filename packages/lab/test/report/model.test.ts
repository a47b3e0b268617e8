// The report's sections on a bundle: what its evaluation says is what is drawn, and what is wrong in it is named.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type CurvePoint,
  type ExplanationFile,
  type ModelFacts,
  parseExplanation,
  readExplanation,
  readModelFacts,
} from '../../src/report/model-file.js';
import { panelCsv } from '../../src/report/figures/figure.js';
import { renderPage } from '../../src/report/page/page.js';
import { modelSections } from '../../src/report/report.js';
import { groupCurves, marginOf, turns } from '../../src/report/sections/corruption.js';

const models = join(import.meta.dirname, '../../../../models');
const bundle = join(models, 'lite');
const kept = join(models, 'explanation.json');

const point = (of: 'text' | 'face' | null, level: number, gate: number | null): CurvePoint => ({
  name: 'ISEAR × RAF-DB',
  of,
  as: of && (of === 'text' ? 'words dropped' : 'blur'),
  level,
  gate,
  n: 400,
  fused: 0.8,
  product: 0.75,
  text: 0.5,
  face: 0.85,
});

test('curves start with the clean pairs and are ordered by level', () => {
  const [text, face, ...none] = groupCurves([
    point(null, 0, 0.5),
    point('text', 1, 0.7),
    point('text', 0.5, 0.6),
    point('face', 0.1, 0.3),
    { ...point(null, 0, 0.9), name: 'ISEAR × FER2013' },
  ]);
  expect(none).toEqual([]);
  expect(text!.points.map(({ level, gate }) => [level, gate])).toEqual([
    [0, 0.5],
    [0.5, 0.6],
    [1, 0.7],
  ]);
  expect([face!.of, face!.as, face!.points.length]).toEqual(['face', 'blur', 2]);
  expect(marginOf(point('text', 1, 0.7))).toBeCloseTo(-0.05, 12);
});

test('a gate turns if at every level it gives the unchanged side more weight', () => {
  const curve = (of: 'text' | 'face', ...gates: (number | null)[]): boolean =>
    turns(groupCurves([point(null, 0, 0.5), ...gates.map((gate, i) => point(of, i + 1, gate))])[0]!);
  expect([curve('text', 0.6, 0.55), curve('text', 0.6, 0.4), curve('text', 0.5)]).toEqual([
    true,
    false,
    false,
  ]);
  expect([curve('face', 0.4), curve('face', 0.6), curve('face', null)]).toEqual([true, false, false]);
});

const explanation: ExplanationFile = {
  format: 'mien-explanation',
  version: 1,
  command: 'node bench/explanation.ts <a>',
  bundle: { name: 'lite', models: { 'text.onnx': '0'.repeat(64) } },
  split: 'validation',
  seed: 0,
  levels: [0.5, 0.9],
  curves: [
    {
      of: 'text',
      on: 'ISEAR',
      gone: 'words left out',
      items: 7,
      orders: [
        { order: 'attributions', deletion: [0.3, 0.1], insertion: [0.7, 0.9] },
        { order: 'random', deletion: [0.6, 0.2], insertion: [0.4, 0.8] },
      ],
      gains: [
        {
          over: 'random',
          deletion: { mean: 0.2, low: 0.1, high: 0.3 },
          insertion: { mean: 0.2, low: -0.1, high: 0.4 },
        },
      ],
    },
  ],
  completeness: [{ of: 'text', on: 'ISEAR', items: 7, median: 0.001, largest: 0.02, above: 1 }],
};

/** The page with empty charts: drawing them is another test's. */
const render = (facts: ModelFacts): string =>
  [
    ...renderPage({ title: '', lead: '', sections: modelSections(facts), footer: '' }, () => '<svg></svg>'),
  ].join('');

describe.skipIf(!existsSync(bundle))('the bundled model', () => {
  test('every point of its corruption curves is in a chart’s CSV, and sections state their origin', async () => {
    const facts = await readModelFacts({ bundle });
    const csv = modelSections(facts)
      .flatMap(({ blocks }) => blocks)
      .flatMap((block) => ('figure' in block ? block.figure.panels : []))
      .map((panel) => panelCsv(panel))
      .join('\n');
    const short = (value: number): string => String(Number(value.toPrecision(6)));
    for (const { level, fused, product, text, face, gate, n } of facts.evaluation.corruption)
      expect(csv).toContain([level, ...[fused, product, text, face, gate!].map(short), n].join(','));
    const html = render(facts);
    expect(html.match(/mien export --data DIR/g)!.length).toBeGreaterThan(3);
    expect(html).toContain('bench/explanation.ts BUNDLE --out FILE');
    expect(html).toContain('FER2013');
  });

  test('explanations of other weights are marked, and comparisons without a significant difference are listed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mien-model-'));
    try {
      const file = join(folder, 'explanation.json');
      await writeFile(file, JSON.stringify(explanation));
      const facts = await readModelFacts({ bundle, explanation: file });
      expect(facts.sameModels).toBe(false);
      const html = render(facts);
      expect(html).toContain('other weights');
      expect(html).toContain('in 1 of 2 comparisons; not shown for ISEAR, words left out, insertion');
      expect(html).toContain('in 1 of 7 explanations');
      expect(html).toContain('.200 (−.100 to .400)');
      expect(html).toContain('node bench/explanation.ts &lt;a&gt;');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.skipIf(!existsSync(kept))(
    'what is kept of its explanations is what docs/explanation.md says',
    async () => {
      const { curves, completeness, levels } = await readExplanation(kept);
      expect(curves.map(({ on, gone }) => `${on}, ${gone}`)).toEqual([
        'ISEAR, words left out',
        'RAF-DB, cells out of focus',
        'RAF-DB, cells of the mean colour',
        'FER2013, cells out of focus',
        'FER2013, cells of the mean colour',
      ]);
      const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / levels.length;
      for (const { on, orders, gains } of curves) {
        const [own, ...others] = orders;
        expect(own!.order).toBe('attributions');
        expect(gains.map(({ over }) => over)).toEqual(others.map(({ order }) => order));
        gains.forEach(({ deletion, insertion }, i) => {
          expect(deletion.mean).toBeCloseTo(mean(others[i]!.deletion) - mean(own!.deletion), 4);
          expect(insertion.mean).toBeCloseTo(mean(own!.insertion) - mean(others[i]!.insertion), 4);
          for (const { low } of [deletion, insertion]) expect(low, on).toBeGreaterThan(0);
        });
      }
      for (const { above, largest } of completeness) expect([above, largest < 0.01]).toEqual([0, true]);
    },
  );
});

test('reports a curve that lacks a level, and a missing field', () => {
  expect(parseExplanation(JSON.parse(JSON.stringify(explanation)))).toEqual(explanation);
  expect(() => parseExplanation({ ...explanation, levels: [0.5] }, 'e.json')).toThrow(
    /^e.json, curves of ISEAR/,
  );
  expect(() => parseExplanation({ ...explanation, text: 'of an item' })).toThrow(/text/);
  expect(() => parseExplanation({ ...explanation, version: 2 })).toThrow(/version/);
});

test('rejects a bundle without an evaluation, and one of another form', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mien-model-'));
  try {
    await writeFile(join(folder, 'manifest.json'), JSON.stringify({ name: 'own', files: {} }));
    await expect(readModelFacts({ bundle: folder })).rejects.toThrow(
      /evaluation.json.*no evaluation[\s\S]*mien export/,
    );
    const evaluation = { tests: [{ name: 'ISEAR' }] };
    await writeFile(join(folder, 'evaluation.json'), JSON.stringify({ evaluation, reference: evaluation }));
    await expect(readModelFacts({ bundle: folder })).rejects.toThrow(/evaluation\.tests\.0\.labels/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
