// Charts of a bundle's evaluation: corrupted pairs, nominal against measured risk and coverage, groups, explanations.
import type { Interval } from 'mien/parts/evaluate';
import type { CurvePoint, ExplanationFile, ModelEvaluation } from '../model-file.js';
import { lowToHigh, type Panel, panelOf } from './figure.js';
import { color, labelAxis, type ColorName } from './theme.js';

/** One line of a chart, with colour, dashes and shape that distinguish it, also in grey. */
interface Series {
  readonly name: string;
  readonly color: ColorName;
  readonly dash: readonly number[];
  readonly shape: string;
}

const styles: readonly Omit<Series, 'name'>[] = [
  { color: 'accent', dash: [1, 0], shape: 'circle' },
  { color: 'second', dash: [6, 3], shape: 'triangle-up' },
  { color: 'third', dash: [2, 2], shape: 'square' },
  { color: 'fourth', dash: [8, 3, 2, 3], shape: 'diamond' },
];
const seriesOf = (names: readonly string[]): Series[] =>
  names.map((name, i) => ({ name, ...styles[i % styles.length]! }));

/** Colour, shape and dashes by a field, under one legend. */
function channels(field: string, series: readonly Series[], legend: object | null) {
  const domain = series.map(({ name }) => name);
  const channel = (range: readonly unknown[]) => ({
    field,
    type: 'nominal' as const,
    scale: { domain, range },
    legend,
  });
  return {
    color: channel(series.map((one) => color(one.color))),
    shape: channel(series.map(({ shape }) => shape)),
    strokeDash: channel(series.map(({ dash }) => dash)),
  };
}

const line = { type: 'line', strokeWidth: 1.6, point: { filled: true, size: 34, opacity: 1 } } as const;
const quiet = { domain: false, ticks: false, labelPadding: 7 } as const;
const unit = { domain: [0, 1] } as const;
const shares = { values: [0, 0.25, 0.5, 0.75, 1], format: '.2~f', ...quiet } as const;

/** Accuracy, and below it the mean gate, under one corruption of one side of the pairs. */
export function corruptionPanel(
  id: string,
  title: string,
  level: string,
  head: string,
  points: readonly CurvePoint[],
): Panel {
  const names = { fused: head, product: 'product of posteriors', text: 'text alone', face: 'face alone' };
  const keys = Object.keys(names) as (keyof typeof names)[];
  const rows = points.map((point) => ({
    level: point.level,
    ...Object.fromEntries(keys.map((key) => [names[key], point[key]])),
    gate: point.gate,
    pairs: point.n,
  }));
  const most = Math.max(...points.map((point) => point.level));
  const x = (title: string | null) => ({
    field: 'level',
    type: 'quantitative',
    scale: { domain: [0, most], nice: false },
    axis: {
      title,
      titleAnchor: 'end',
      grid: false,
      values: points.map((point) => point.level),
      format: '.2~f',
      labels: title !== null,
      labelOverlap: true,
    },
  });
  const series = seriesOf(keys.map((key) => names[key]));
  const gated = points.some(({ gate }) => gate !== null);
  const accuracies = {
    width: 230,
    height: 130,
    transform: [{ fold: series.map(({ name }) => name), as: ['who', 'accuracy'] }],
    mark: line,
    encoding: {
      x: x(gated ? null : level),
      y: {
        field: 'accuracy',
        type: 'quantitative',
        scale: unit,
        axis: { ...shares, title: 'accuracy' },
      },
      ...channels('who', series, { title: null, columns: 2, symbolSize: 60, symbolStrokeWidth: 0 }),
    },
  };
  const gates = {
    width: 230,
    height: 60,
    mark: { ...line, color: color('ink'), point: { filled: true, size: 34, color: color('ink') } },
    encoding: {
      x: x(level),
      y: {
        field: 'gate',
        type: 'quantitative',
        scale: unit,
        axis: { values: [0, 0.5, 1], format: '.1~f', ...quiet, title: 'mean gate (1: face)' },
      },
    },
  };
  return panelOf(id, title, rows, { spacing: 24, vconcat: gated ? [accuracies, gates] : [accuracies] });
}

/** A requested value and the measured one on test items. */
export interface Kept {
  readonly part: string;
  readonly requested: number;
  readonly measured: number;
}

/** With a dashed line of equality if `diagonal`. */
export function keptPanel(
  id: string,
  title: string,
  kept: readonly Kept[],
  { requested, measured, diagonal = false }: { requested: string; measured: string; diagonal?: boolean },
): Panel {
  const rows = kept.map((one) => ({ part: one.part, [requested]: one.requested, [measured]: one.measured }));
  const places = [...new Set(kept.map((one) => one.requested))].sort((a, b) => a - b);
  const series = seriesOf([...new Set(kept.map(({ part }) => part))]);
  const [x, y] = [
    {
      field: requested,
      type: 'quantitative',
      scale: { zero: false, nice: false, padding: 10 },
      axis: { title: requested, values: places, format: '.2~f', grid: false },
    },
    {
      field: measured,
      type: 'quantitative',
      scale: { zero: false, nice: true },
      axis: { title: measured, tickCount: 5, format: '.2~f', ...quiet },
    },
  ];
  return panelOf(id, title, rows, {
    width: 300,
    height: 170,
    layer: [
      ...(diagonal
        ? [
            {
              data: { values: places.map((place) => ({ [requested]: place, [measured]: place })) },
              mark: { type: 'line', strokeDash: [3, 3], strokeWidth: 1.2, color: color('muted') },
              encoding: { x, y },
            },
          ]
        : []),
      {
        mark: line,
        encoding: {
          x,
          y,
          ...channels('part', series, { title: null, columns: 2, symbolSize: 60, symbolStrokeWidth: 0 }),
        },
      },
    ],
  });
}

/** Accuracy of each group with its interval, and of all. */
export function groupsPanel(
  id: string,
  title: string,
  groups: readonly ModelEvaluation['groups'][number][],
  all: Interval,
): Panel {
  const rows = groups.map(({ group, n, accuracy }) => ({ group, texts: n, ...accuracy }));
  const least = Math.min(0.4, ...groups.map(({ accuracy: { low, mean } }) => low ?? mean));
  return panelOf(id, title, rows, {
    width: 250,
    height: { step: 17 },
    encoding: {
      y: { field: 'group', type: 'nominal', sort: null, axis: { ...labelAxis, grid: true } },
    },
    layer: [
      {
        data: { values: [{ all: all.mean }] },
        mark: { type: 'rule', color: color('muted'), strokeDash: [3, 3] },
        encoding: { x: { field: 'all', type: 'quantitative' }, y: { value: 0 }, y2: { value: 'height' } },
      },
      {
        mark: { type: 'rule', strokeWidth: 1.5, color: color('accent') },
        encoding: lowToHigh,
      },
      {
        mark: { type: 'point', filled: true, size: 50, color: color('accent'), opacity: 1 },
        encoding: {
          x: {
            field: 'mean',
            type: 'quantitative',
            scale: { domain: [least, 1], nice: true, zero: false },
            axis: { title: 'accuracy', format: '.2~f', tickCount: 6 },
          },
        },
      },
    ],
  });
}

/** The probability of the answer as words or cells are deleted, and as they are inserted. */
export function explanationPanel(
  id: string,
  title: string,
  levels: readonly number[],
  orders: ExplanationFile['curves'][number]['orders'],
): Panel {
  const rows = orders.flatMap(({ order, deletion, insertion }) =>
    levels.map((level, i) => ({
      order,
      share: level,
      deletion: deletion[i]!,
      insertion: insertion[i]!,
    })),
  );
  const series = seriesOf(orders.map(({ order }) => order));
  const curve = (field: 'deletion' | 'insertion', name: string, axis: string) => ({
    width: 230,
    height: 110,
    mark: { ...line, point: { filled: true, size: 22, opacity: 1 } },
    encoding: {
      x: {
        field: 'share',
        type: 'quantitative',
        scale: unit,
        axis: { ...shares, title: axis, titleAnchor: 'end', grid: false },
      },
      y: { field, type: 'quantitative', scale: unit, axis: { ...shares, title: name } },
      ...channels('order', series, { title: null, columns: 2, symbolSize: 60, symbolStrokeWidth: 0 }),
    },
  });
  return panelOf(id, title, rows, {
    spacing: 30,
    vconcat: [
      curve('deletion', 'probability of the answer', 'share taken away'),
      curve('insertion', 'probability of the answer', 'share that alone is there'),
    ],
  });
}
