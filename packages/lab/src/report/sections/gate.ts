// What the gate does: how much each pair takes from the face, by label and seed.
import { gatePanel } from '../figures/gate.js';
import type { Panel } from '../figures/figure.js';
import { pairingNote } from '../tables.js';
import { missingAnalyses, panelId, panelTitle, type ReportContext, type Section } from './section.js';

export async function gateSection(context: ReportContext): Promise<Section> {
  const panels: Panel[] = [];
  for (const system of context.systems) {
    const { heads, dataset } = system.ids.pairs[0]!;
    for (const { head, id } of heads.filter(({ head: name }) => name.startsWith('gated'))) {
      const predictions = await system.predictions(id);
      const analysis = await system.analysis(id);
      if (!predictions || !analysis?.gates) continue;
      const title = `${head === 'gated' ? 'gate + LSTM' : 'gate, no LSTM'}, ${dataset}`;
      panels.push(
        gatePanel(
          panelId(head === 'gated' ? 'gate' : 'gate-no-lstm', system),
          panelTitle(title, system, context),
          predictions.labels,
          predictions.runs[0]!.truth,
          analysis.gates,
          analysis.seeds,
        ),
      );
    }
  }
  return {
    id: 'gate',
    title: 'The gate',
    blocks:
      panels.length === 0
        ? [{ text: missingAnalyses }]
        : [
            {
              text:
                'The gate weighs text against face in each of its dimensions, F = g ⊙ H_v + (1 − g) ⊙ H_t. Shown is its mean over ' +
                'dimensions for each test pair. The scales of the two projections are free, so that a mean of one half does not ' +
                'say that both modalities count the same; what can be read is how it differs between labels and agrees between seeds.' +
                (context.model
                  ? ' Whether a gate turns to the better side when one is bad is shown of the bundled model, under “When one side is bad”.'
                  : ''),
            },
            {
              figure: {
                id: 'gate',
                title: 'Mean gate per pair, by label',
                caption:
                  'One bar a model seed, in order, over all test pairs and pairings of a label: the bar holds the middle half of the ' +
                  'pairs, the line nine in ten, the tick is the median.',
                notes: [pairingNote],
                panels,
              },
            },
          ],
  };
}
