// Training curves: loss, and macro-F1 on validation, of every seed of a head.
import type { Training } from '../../experiments/results.js';
import type { Panel } from './figure.js';
import { color } from './theme.js';

export function trainingPanel(
  id: string,
  title: string,
  seeds: readonly number[],
  trainings: readonly Training[],
): Panel {
  const rows = trainings.flatMap(({ history, bestEpoch }, s) =>
    history.map(({ epoch, loss, accuracy, validation }) => ({
      seed: seeds[s]!,
      epoch,
      loss,
      'training accuracy': accuracy,
      'validation macro-F1': validation,
      kept: epoch === bestEpoch ? 1 : 0,
    })),
  );
  const curve = (field: string, name: string, height: number, last: boolean) =>
    ({
      width: 190,
      height,
      encoding: {
        x: {
          field: 'epoch',
          type: 'quantitative',
          axis: {
            title: last ? 'epoch' : null,
            labels: last,
            grid: false,
            tickMinStep: 1,
            tickCount: 5,
            titleAnchor: 'end',
          },
        },
        y: {
          field,
          type: 'quantitative',
          scale: { zero: false, nice: true },
          axis: { title: name, tickCount: 4, domain: false, ticks: false },
        },
        detail: { field: 'seed' },
      },
      layer: [
        { mark: { type: 'line', strokeWidth: 1.2, opacity: 0.75, color: color('accent') } },
        {
          transform: [{ filter: 'datum.kept === 1' }],
          mark: { type: 'point', filled: true, size: 36, color: color('second'), opacity: 1 },
        },
      ],
    }) as const;
  return {
    id,
    title,
    rows,
    spec: {
      data: { values: rows },
      spacing: 26,
      vconcat: [
        curve('loss', 'training loss', 90, false),
        curve('validation macro-F1', 'validation macro-F1', 90, true),
      ],
    },
  };
}
