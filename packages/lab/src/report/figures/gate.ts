// What the gate takes from the face, by label and seed.
import { quantile } from 'mien/parts';
import type { Panel } from './figure.js';
import { color, labelAxis } from './theme.js';

/** `gates[seed][pairing][pair]`: mean gate of a pair over its dimensions. */
export function gatePanel(
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
  return {
    id,
    title,
    rows,
    spec: {
      width: 300,
      height: { step: 9 },
      data: { values: rows },
      encoding: {
        y: {
          field: 'label',
          type: 'nominal',
          sort: null,
          axis: labelAxis,
          scale: { paddingInner: 0.3 },
        },
        yOffset: { field: 'seed', type: 'ordinal' },
        x: {
          type: 'quantitative',
          scale: { domain: extent, nice: true, zero: false },
          axis: { title: 'mean gate of a pair (0: text alone, 1: face alone)', tickCount: 6 },
        },
      },
      layer: [
        {
          mark: { type: 'rule', color: color('quiet') },
          encoding: { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } },
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
    },
  };
}
