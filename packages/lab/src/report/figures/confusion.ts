// Confusion matrices over all runs of a row.
import { argmax, confusionMatrix } from 'mien/parts/evaluate';
import type { RowPredictions } from '../../experiments/results.js';
import { type Panel, panelOf } from './figure.js';
import { color } from './theme.js';

/** Confusion counts summed over all runs. */
export function confusionCounts({ labels, runs }: RowPredictions): number[][] {
  const counts = labels.map(() => labels.map(() => 0));
  for (const { truth, posteriors } of runs)
    confusionMatrix(truth, argmax(posteriors), labels.length).forEach((line, t) =>
      line.forEach((count, p) => (counts[t]![p]! += count)),
    );
  return counts;
}

/** `counts[t][p]` is a sum over `runs`; a cell shows the share of the true label's items. */
export function confusionPanel(
  id: string,
  title: string,
  labels: readonly string[],
  counts: readonly (readonly number[])[],
  runs: number,
): Panel {
  const rows = counts.flatMap((line, t) => {
    const total = line.reduce((sum, count) => sum + count, 0);
    return line.map((count, p) => ({
      label: labels[t]!,
      predicted: labels[p]!,
      share: total === 0 ? 0 : count / total,
      'items a run': count / runs,
    }));
  });
  const axis = { domain: false, ticks: false, labelPadding: 6, labelColor: color('ink') } as const;
  const side = labels.length > 5 ? 40 : 46;
  return panelOf(id, title, rows, {
    width: side * labels.length,
    height: (side - 8) * labels.length,
    encoding: {
      x: {
        field: 'predicted',
        type: 'nominal',
        sort: null,
        axis: {
          ...axis,
          title: 'predicted',
          orient: 'top',
          labelAngle: labels.length > 5 ? -40 : 0,
          labelFontSize: 10.5,
        },
        scale: { paddingInner: 0.04, paddingOuter: 0 },
      },
      y: {
        field: 'label',
        type: 'nominal',
        sort: null,
        axis: {
          ...axis,
          title: 'true',
          titleAngle: 0,
          titleAnchor: 'start',
          titleY: -8,
          titleX: -8,
          titleAlign: 'right',
        },
        scale: { paddingInner: 0.04, paddingOuter: 0 },
      },
    },
    layer: [
      { mark: { type: 'rect', color: color('rule'), opacity: 0.35 } },
      {
        mark: { type: 'rect', color: color('accent') },
        encoding: {
          opacity: {
            field: 'share',
            type: 'quantitative',
            scale: { domain: [0, 1], range: [0, 1] },
            legend: null,
          },
        },
      },
      {
        mark: { type: 'text', fontSize: 11 },
        encoding: {
          text: { field: 'share', type: 'quantitative', format: '.2f' },
          color: {
            condition: { test: 'datum.share > 0.5', value: color('surface') },
            value: color('ink'),
          },
        },
      },
    ],
  });
}
