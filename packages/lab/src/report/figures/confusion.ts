// Confusion matrices: shares of each true label, darker for more.
import type { Panel } from './figure.js';
import { color } from './theme.js';

/** `counts[t][p]` sums over `runs`; a cell shows its share of the true label's items. */
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
  return {
    id,
    title,
    rows,
    spec: {
      width: side * labels.length,
      height: (side - 8) * labels.length,
      data: { values: rows },
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
    },
  };
}
