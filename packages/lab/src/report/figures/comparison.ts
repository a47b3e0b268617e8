// Charts of points with intervals: several models, differences between them, runs of several folders.
import type { Interval } from 'mien/parts/evaluate';
import type { ModelComparison, PairedModel } from '../statistics/paired.js';
import { modelTitles } from '../tables.js';
import { type ChartSpec, lineAt, lowToHigh, type Panel, panelOf } from './figure.js';
import { color, labelAxis, type ColorName } from './theme.js';

const points = (share: number | null): number | null => (share === null ? null : 100 * share);

const plainAxis = { ...labelAxis, grid: true } as const;

/** By value of a field: shape, and colours of outline and filling. */
type Markers = Readonly<Record<string, readonly [shape: string, stroke: ColorName, fill: ColorName]>>;

/** Points distinguished by shape, outline and filling, also in grey. */
function markers(field: string, kinds: Markers) {
  const [domain, marks] = [Object.keys(kinds), Object.values(kinds)];
  const channel = (range: string[]) => ({ field, type: 'nominal' as const, scale: { domain, range } });
  return {
    shape: { ...channel(marks.map(([shape]) => shape)), legend: { title: null } },
    stroke: channel(marks.map(([, stroke]) => color(stroke))),
    fill: channel(marks.map(([, , fill]) => color(fill))),
  };
}

/** Rows of a chart, each with its series below one another. */
export const bySeries = (
  row: { readonly field: string; readonly padding: number; readonly grid?: boolean },
  series: ChartSpec,
): ChartSpec => ({
  y: {
    field: row.field,
    type: 'nominal',
    sort: null,
    axis: { ...labelAxis, ...(row.grid && { grid: true }) },
    scale: { paddingInner: row.padding },
  },
  yOffset: series,
});

/** Means with their intervals on one axis; `point` and `line` are marks, `marked` encodes points. */
const meansWithIntervals = (
  axis: ChartSpec,
  { line = {}, point = {}, marked }: { line?: ChartSpec; point?: ChartSpec; marked: ChartSpec },
): ChartSpec[] => [
  {
    transform: [{ filter: 'datum.low !== null' }],
    mark: { type: 'rule', strokeWidth: 1.5, ...line },
    encoding: lowToHigh,
  },
  {
    mark: { type: 'point', size: 55, opacity: 1, ...point },
    encoding: {
      x: {
        field: 'mean',
        type: 'quantitative',
        scale: { zero: false, nice: true },
        axis: { format: '.2f', tickCount: 6, ...axis },
      },
      ...marked,
    },
  },
];

/** What each model gets right on the first pairing, as its additive projection, and with faces of another label. */
export function interactionPanel(id: string, title: string, models: readonly PairedModel[]): Panel {
  const rows = models.flatMap(({ model, first, additive, mismatched }) => {
    const row = (what: string, value: Interval) => ({ model: modelTitles[model], what, ...value });
    return [
      row('as it is', first),
      ...(additive ? [row('additive projection', additive.projection)] : []),
      ...(mismatched ? [row('face of another label', { mean: mismatched.text, low: null, high: null })] : []),
    ];
  });
  const kinds: Markers = {
    'as it is': ['circle', 'accent', 'accent'],
    'additive projection': ['diamond', 'accent', 'surface'],
    'face of another label': ['cross', 'second', 'second'],
  };
  return panelOf(id, title, rows, {
    width: 330,
    height: { step: 11 },
    encoding: bySeries(
      { field: 'model', padding: 0.35 },
      { field: 'what', type: 'nominal', sort: Object.keys(kinds), scale: { paddingOuter: 0.3 } },
    ),
    layer: meansWithIntervals(
      { title: 'share of pairs given the text’s label' },
      { line: { color: color('quiet') }, point: { strokeWidth: 1.6 }, marked: markers('what', kinds) },
    ),
  });
}

/** Differences of the first model to others, in percentage points. */
export function differencePanel(id: string, title: string, comparisons: readonly ModelComparison[]): Panel {
  const rows = comparisons.map(({ other, difference, pValue, adjusted }) => ({
    'compared with': modelTitles[other],
    points: points(difference.mean),
    low: points(difference.low),
    high: points(difference.high),
    p: pValue,
    'p (Holm)': adjusted,
  }));
  return panelOf(id, title, rows, {
    width: 330,
    height: { step: 22 },
    encoding: { y: { field: 'compared with', type: 'nominal', sort: null, axis: plainAxis } },
    layer: [
      lineAt('zero', 0),
      {
        mark: { type: 'rule', strokeWidth: 1.6, color: color('accent') },
        encoding: {
          x: {
            field: 'low',
            type: 'quantitative',
            axis: { title: 'difference in percentage points', tickCount: 7 },
          },
          x2: { field: 'high' },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 60, color: color('accent'), opacity: 1 },
        encoding: { x: { field: 'points', type: 'quantitative' } },
      },
    ],
  });
}

/** An accuracy of one series in one row of a chart. */
export interface AccuracyPoint {
  readonly row: string;
  readonly series: string;
  readonly accuracy: Interval;
}

const SERIES_COLORS = ['accent', 'second', 'third', 'fourth', 'ink', 'quiet'] as const;
const SERIES_SHAPES = ['circle', 'diamond', 'square', 'triangle-up', 'cross', 'triangle-down'] as const;

/** The same rows of several series, such as runs or heads, in this order; `what` they are names their column. */
export function accuraciesPanel(
  id: string,
  title: string,
  what: string,
  values: readonly AccuracyPoint[],
  order: readonly string[] = [...new Set(values.map(({ series }) => series))],
): Panel {
  const rows = values.map(({ row, series, accuracy }) => ({ row, [what]: series, ...accuracy }));
  const range = <T>(all: readonly T[]): T[] => order.map((_one, i) => all[i % all.length]!);
  const series = { field: what, type: 'nominal', sort: order } as const;
  const legend = { title: null, columns: 2 };
  return panelOf(id, title, rows, {
    width: 260,
    height: { step: 14 },
    encoding: {
      ...bySeries({ field: 'row', padding: 0.4, grid: true }, series),
      color: { ...series, scale: { domain: order, range: range(SERIES_COLORS).map(color) }, legend },
    },
    layer: meansWithIntervals(
      { title: 'accuracy' },
      {
        point: { filled: true },
        marked: { shape: { ...series, scale: { domain: order, range: range(SERIES_SHAPES) }, legend } },
      },
    ),
  });
}

/** Precision, recall and F1 of each label. */
export function labelScoresPanel(
  id: string,
  title: string,
  labels: readonly string[],
  scores: readonly { readonly precision: number; readonly recall: number; readonly f1: number }[],
): Panel {
  const rows = labels.flatMap((label, k) =>
    (['precision', 'recall', 'F1'] as const).map((metric) => ({
      label,
      metric,
      value: scores[k]![metric === 'F1' ? 'f1' : metric],
    })),
  );
  return panelOf(id, title, rows, {
    width: 220,
    height: { step: 24 },
    encoding: {
      y: { field: 'label', type: 'nominal', sort: null, axis: plainAxis },
      x: {
        field: 'value',
        type: 'quantitative',
        scale: { domain: [0, 1] },
        axis: { title: null, values: [0, 0.25, 0.5, 0.75, 1], format: '.2~f' },
      },
    },
    layer: [
      {
        mark: { type: 'point', size: 52, strokeWidth: 1.6, opacity: 1 },
        encoding: markers('metric', {
          precision: ['triangle-right', 'second', 'surface'],
          recall: ['triangle-left', 'third', 'surface'],
          F1: ['circle', 'accent', 'accent'],
        }),
      },
    ],
  });
}
