// Training curves of every head and seed: loss, and macro-F1 on validation.
import type { Training } from '../../experiments/results.js';
import { type Panel, panelOf } from '../figures/figure.js';
import { color } from '../figures/theme.js';
import { modelTitles } from '../tables.js';
import { missingAnalyses, panelId, panelTitle, type ReportContext, type Section } from './section.js';

export async function trainingSection(context: ReportContext): Promise<Section> {
  const panels: Panel[] = [];
  for (const system of context.systems) {
    const { ids } = system;
    for (const id of [ids.text, ids.face, ...ids.pairs[0].heads.map((head) => head.id)]) {
      const row = system.row(id);
      const analysis = await system.analysis(id);
      if (!row || !analysis || analysis.trainings.length === 0) continue;
      panels.push(
        trainingPanel(
          panelId(`training-${row.model}`, system),
          panelTitle(modelTitles[row.model], system, context),
          analysis.seeds,
          analysis.trainings,
        ),
      );
    }
  }
  return {
    id: 'training',
    title: 'Training',
    blocks:
      panels.length === 0
        ? [{ text: missingAnalyses }]
        : [
            {
              figure: {
                id: 'training',
                title: 'Loss and macro-F1 on validation',
                caption:
                  'One line per model seed; the dot is the epoch that was kept, the best on validation. Training stops some epochs ' +
                  'after it. Loss is the mean over an epoch’s steps, while the parameters still move.',
                panels,
              },
            },
          ],
  };
}

function trainingPanel(
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
  return panelOf(id, title, rows, {
    spacing: 26,
    vconcat: [
      curve('loss', 'training loss', 90, false),
      curve('validation macro-F1', 'validation macro-F1', 90, true),
    ],
  });
}
