// How training went: curves of every head and seed.
import type { Panel } from '../figures/figure.js';
import { trainingPanel } from '../figures/training.js';
import { modelTitles } from '../tables.js';
import { missingAnalyses, panelId, panelTitle, type ReportContext, type Section } from './section.js';

export async function trainingSection(context: ReportContext): Promise<Section> {
  const panels: Panel[] = [];
  for (const system of context.systems) {
    const { ids } = system;
    for (const id of [ids.text, ids.face, ...ids.pairs[0]!.heads.map((head) => head.id)]) {
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
                  'One line a model seed; the dot is the epoch that was kept, the best on validation. Training stops some epochs ' +
                  'after it. Loss is the mean over an epoch’s steps, while the parameters still move.',
                panels,
              },
            },
          ],
  };
}
