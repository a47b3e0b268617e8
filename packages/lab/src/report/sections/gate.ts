// The gate: the face's share in each pair, by label and seed.
import { quantile } from 'mien/parts/evaluate';
import { bySeries } from '../figures/comparison.js';
import { lowToHigh, type Panel, panelOf } from '../figures/figure.js';
import { color } from '../figures/theme.js';
import { pairingNote } from '../tables.js';
import { missingAnalyses, panelId, panelTitle, type ReportContext, type Section } from './section.js';

export async function gateSection(context: ReportContext): Promise<Section> {
  const panels: Panel[] = [];
  for (const system of context.systems) {
    const { heads, dataset } = system.ids.pairs[0];
    for (const { head, id } of heads.filter(({ head: name }) => name.startsWith('gated'))) {
      const predictions = await system.predictions(id);
      const analysis = await system.analysis(id);
      if (!predictions || !analysis?.gates) continue;
      const title = `${head === 'gated' ? 'gate + LSTM' : 'gate, no LSTM'}, ${dataset}`;
      panels.push(
        gatePanel(
          panelId(head === 'gated' ? 'gate' : 'gate-no-lstm', system),
          panelTitle(title, system, context),
          predictions.labels,
          predictions.runs[0]!.truth,
          analysis.gates,
          analysis.seeds,
        ),
      );
    }
  }
  return {
    id: 'gate',
    title: 'The gate',
    blocks:
      panels.length === 0
        ? [{ text: missingAnalyses }]
        : [
            {
              text:
                'The gate weighs text against face in each of its dimensions, F = g ⊙ H_v + (1 − g) ⊙ H_t. Shown is its mean over ' +
                'dimensions for each test pair. The scales of the two projections are free, so a mean of one half does not ' +
                'mean that both modalities count equally; only differences between labels, and agreement between seeds, can be interpreted.' +
                (context.model
                  ? ' For the bundled model, “When one side is bad” shows whether the gate turns to the better side.'
                  : ''),
            },
            {
              figure: {
                id: 'gate',
                title: 'Mean gate per pair, by label',
                caption:
                  'One bar per model seed, in order, over all test pairs and pairings of a label: the bar contains the middle half of the ' +
                  'pairs, the line nine in ten, the tick is the median.',
                notes: [pairingNote],
                panels,
              },
            },
          ],
  };
}

/** `gates[seed][pairing][pair]`: mean gate of a pair over its dimensions. */
function gatePanel(
  id: string,
  title: string,
  labels: readonly string[],
  truth: ArrayLike<number>,
  gates: readonly (readonly ArrayLike<number>[])[],
  seeds: readonly number[],
): Panel {
  const rows = gates.flatMap((pairings, s) =>
    labels.map((label, k) => {
      const values = pairings.flatMap((pairing) => Array.from(pairing).filter((_gate, i) => truth[i] === k));
      const [low, lower, median, upper, high] = [0.05, 0.25, 0.5, 0.75, 0.95].map((q) => quantile(values, q));
      return {
        label,
        seed: seeds[s]!,
        low: low!,
        lower: lower!,
        median: median!,
        upper: upper!,
        high: high!,
      };
    }),
  );
  const extent = [
    Math.min(0.4, ...rows.map(({ low }) => low)),
    Math.max(0.6, ...rows.map(({ high }) => high)),
  ];
  return panelOf(id, title, rows, {
    width: 300,
    height: { step: 9 },
    encoding: {
      ...bySeries({ field: 'label', padding: 0.3 }, { field: 'seed', type: 'ordinal' }),
      x: {
        type: 'quantitative',
        scale: { domain: extent, nice: true, zero: false },
        axis: { title: 'mean gate of a pair (0: text alone, 1: face alone)', tickCount: 6 },
      },
    },
    layer: [
      {
        mark: { type: 'rule', color: color('quiet') },
        encoding: lowToHigh,
      },
      {
        mark: { type: 'bar', height: 5, color: color('accent'), opacity: 0.8 },
        encoding: { x: { field: 'lower', type: 'quantitative' }, x2: { field: 'upper' } },
      },
      {
        mark: { type: 'tick', thickness: 2, size: 8, color: color('ink') },
        encoding: { x: { field: 'median', type: 'quantitative' } },
      },
      {
        data: { values: [{ half: 0.5 }] },
        mark: { type: 'rule', strokeDash: [2, 3], color: color('muted') },
        encoding: { x: { datum: 0.5 }, y: { value: 0 }, y2: { value: 'height' }, yOffset: { value: 0 } },
      },
    ],
  });
}
