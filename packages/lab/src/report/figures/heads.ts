// Charts of the comparison of heads: scores with intervals, and the gate by situation over seeds.
import { meanOf } from 'mien/parts';
import { headTitle, type ComparedHeadFile } from '../comparison-file.js';
import { lineAt, type Panel } from './figure.js';
import { color, labelAxis } from './theme.js';

const names = { ...labelAxis, labelLimit: 200 } as const;

/** The score of each head, the gate's as a line to hold it against. */
export function headScorePanel(id: string, name: string, heads: readonly ComparedHeadFile[]): Panel {
  const rows = heads.map(({ head, score }) => ({
    head: headTitle(head),
    score: score.mean,
    low: score.low,
    high: score.high,
  }));
  const gate = heads.find(({ head }) => head === 'gated');
  return {
    id,
    title: name,
    rows,
    spec: {
      width: 330,
      height: { step: 22 },
      data: { values: rows },
      encoding: { y: { field: 'head', type: 'nominal', sort: null, axis: { ...names, grid: true } } },
      layer: [
        ...(gate ? [lineAt('gate', gate.score.mean)] : []),
        {
          transform: [{ filter: 'datum.low !== null' }],
          mark: { type: 'rule', strokeWidth: 1.6, color: color('accent') },
          encoding: {
            x: {
              field: 'low',
              type: 'quantitative',
              scale: { zero: false, nice: true, padding: 8 },
              axis: { title: 'score on validation pairs', format: '.2f', tickCount: 6 },
            },
            x2: { field: 'high' },
          },
        },
        {
          mark: { type: 'point', filled: true, size: 60, color: color('accent'), opacity: 1 },
          encoding: { x: { field: 'score', type: 'quantitative' } },
        },
      ],
    },
  };
}

/** The gate's mean in each situation, a point a seed; the line is the mean of clean pairs. */
export function gateBySituationPanel(
  id: string,
  name: string,
  situations: ComparedHeadFile['situations'],
): Panel {
  const rows = situations.flatMap(({ name: pairs, gates }) =>
    gates.map((gate, seed) => ({ pairs, seed: `seed ${seed}`, gate })),
  );
  const [clean] = situations;
  return {
    id,
    title: name,
    rows,
    spec: {
      width: 330,
      height: { step: 22 },
      data: { values: rows },
      encoding: { y: { field: 'pairs', type: 'nominal', sort: null, axis: { ...names, grid: true } } },
      layer: [
        lineAt('mean', meanOf(clean!.gates)),
        {
          mark: { type: 'point', size: 55, strokeWidth: 1.6, color: color('accent'), opacity: 1 },
          encoding: {
            x: {
              field: 'gate',
              type: 'quantitative',
              scale: { zero: false, nice: true },
              axis: { title: 'mean gate (0: text alone, 1: face alone)', format: '.2f', tickCount: 6 },
            },
            shape: { field: 'seed', type: 'nominal', legend: { title: null } },
          },
        },
      ],
    },
  };
}
