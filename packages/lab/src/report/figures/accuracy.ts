// Accuracy bars as the paper draws them, its own beside ours.
import type { ReportedRow } from '../results.js';
import { modelTitles } from '../tables.js';
import type { Panel } from './figure.js';
import { color } from './theme.js';

/** Rows in the order of the bars. */
export function accuracyPanel(id: string, title: string, rows: readonly ReportedRow[]): Panel {
  const bars = rows.flatMap(({ model, dataset, accuracy: { mean, low, high, paper } }) => [
    { model: modelTitles[model], dataset, whose: 'measured here', accuracy: mean, low, high },
    ...(paper === null
      ? []
      : [{ model: modelTitles[model], dataset, whose: 'the paper', accuracy: paper, low: null, high: null }]),
  ]);
  const place = {
    x: {
      field: 'model',
      type: 'nominal',
      sort: null,
      axis: {
        title: null,
        labelAngle: 0,
        ticks: false,
        labelExpr: "split(replace(datum.label, ' ', '|'), '|')",
        labelPadding: 6,
      },
    },
    xOffset: { field: 'whose', sort: ['measured here', 'the paper'], scale: { paddingInner: 0.08 } },
  } as const;
  // Layers share one axis only where all of them say the same of it.
  const axis = {
    title: 'Accuracy',
    values: [0, 0.2, 0.4, 0.6, 0.8, 1],
    format: '.1f',
    labelOverlap: false,
    domain: false,
    ticks: false,
  };
  return {
    id,
    title,
    rows: bars,
    spec: {
      width: 300,
      height: 200,
      data: { values: bars },
      encoding: place,
      layer: [
        {
          mark: { type: 'bar', strokeWidth: 1 },
          encoding: {
            y: {
              field: 'accuracy',
              type: 'quantitative',
              scale: { domain: [0, 1] },
              axis,
            },
            color: {
              field: 'whose',
              type: 'nominal',
              scale: { domain: ['measured here', 'the paper'], range: [color('accent'), color('surface')] },
              legend: { title: null, symbolStrokeColor: color('accent'), symbolType: 'square' },
            },
            stroke: { value: color('accent') },
          },
        },
        {
          transform: [{ filter: 'datum.low !== null' }],
          mark: { type: 'rule', color: color('ink'), strokeWidth: 1.5 },
          encoding: { y: { field: 'low', type: 'quantitative', axis }, y2: { field: 'high' } },
        },
        {
          transform: [{ calculate: 'datum.high === null ? datum.accuracy : datum.high', as: 'top' }],
          mark: { type: 'text', dy: -7, fontSize: 10.5, color: color('ink') },
          encoding: {
            y: { field: 'top', type: 'quantitative', axis },
            text: { field: 'accuracy', format: '.2f' },
          },
        },
      ],
    },
  };
}
