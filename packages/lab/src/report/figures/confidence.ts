// Charts of calibration (reliability diagrams) and of selective prediction (risk over coverage).
import type { ReliabilityBin, RiskCoverage } from 'mien/parts/evaluate';
import { type Panel, panelOf } from './figure.js';
import { color } from './theme.js';

/** Reliability of one test set before and after temperature. */
export function reliabilityPanel(
  id: string,
  title: string,
  bins: { readonly before: readonly ReliabilityBin[]; readonly after: readonly ReliabilityBin[] },
): Panel {
  const rows = (['before', 'after'] as const).flatMap((when) =>
    bins[when].map(({ low, high, count, confidence, accuracy }) => ({
      temperature: when,
      low,
      high,
      items: count,
      confidence,
      accuracy,
    })),
  );
  const axis = { values: [0, 0.25, 0.5, 0.75, 1], format: '.2~f', domain: false, ticks: false } as const;
  const both = { domain: ['before', 'after'] } as const;
  return panelOf(id, title, rows, {
    width: 190,
    height: 190,
    layer: [
      {
        data: { values: [{ from: 0, to: 1 }] },
        mark: { type: 'rule', strokeDash: [3, 3], color: color('quiet') },
        encoding: {
          x: { field: 'from', type: 'quantitative' },
          y: { field: 'from', type: 'quantitative' },
          x2: { field: 'to' },
          y2: { field: 'to' },
        },
      },
      {
        mark: { type: 'line', point: { filled: false, strokeWidth: 1.5 }, strokeWidth: 1.2 },
        encoding: {
          x: {
            field: 'confidence',
            type: 'quantitative',
            scale: { domain: [0, 1] },
            axis: { ...axis, title: 'confidence', grid: false },
          },
          y: {
            field: 'accuracy',
            type: 'quantitative',
            scale: { domain: [0, 1] },
            axis: { ...axis, title: 'accuracy' },
          },
          color: {
            field: 'temperature',
            type: 'nominal',
            scale: { ...both, range: [color('second'), color('accent')] },
            legend: { title: 'temperature' },
          },
          shape: {
            field: 'temperature',
            type: 'nominal',
            scale: { ...both, range: ['triangle-up', 'circle'] },
            legend: { title: 'temperature' },
          },
          strokeDash: {
            field: 'temperature',
            type: 'nominal',
            scale: {
              ...both,
              range: [
                [4, 3],
                [1, 0],
              ],
            },
            legend: { title: 'temperature' },
          },
        },
      },
    ],
  });
}

/** Number of points on the curve. */
const STEPS = 100;

export function riskPanel(
  id: string,
  title: string,
  curves: readonly { readonly model: string; readonly curve: RiskCoverage }[],
): Panel {
  const rows = curves.flatMap(({ model, curve: { risk } }) =>
    // The first few items are not informative: a single error among them is a spike.
    Array.from({ length: STEPS }, (_, i) => (i + 1) / STEPS)
      .filter((coverage) => coverage >= 0.05)
      .map((coverage) => ({
        model,
        coverage,
        'error rate': risk[Math.max(0, Math.round(coverage * risk.length) - 1)]!,
      })),
  );
  const domain = curves.map(({ model }) => model);
  return panelOf(id, title, rows, {
    width: 380,
    height: 210,
    mark: { type: 'line', strokeWidth: 1.8 },
    encoding: {
      x: {
        field: 'coverage',
        type: 'quantitative',
        scale: { domain: [0, 1] },
        axis: {
          title: 'share of items answered, the most confident first',
          format: '.0%',
          values: [0, 0.2, 0.4, 0.6, 0.8, 1],
          grid: false,
        },
      },
      y: {
        field: 'error rate',
        type: 'quantitative',
        axis: { title: 'error rate of the answers', domain: false, ticks: false, tickCount: 5 },
      },
      color: {
        field: 'model',
        type: 'nominal',
        scale: {
          domain,
          range: [color('sadness'), color('second'), color('third'), color('ink'), color('fourth')],
        },
        legend: { title: null, columns: 2, symbolSize: 260, symbolStrokeWidth: 2 },
      },
      strokeDash: {
        field: 'model',
        type: 'nominal',
        scale: {
          domain,
          range: [
            [1, 0],
            [6, 3],
            [2, 2],
            [1, 0],
            [8, 3, 2, 3],
          ],
        },
      },
    },
  });
}
