// The bundled model on pairs that are not matched by label: posts whose text and image were labelled separately.
import type { ModelFacts } from '../model-file.js';
import { share } from '../tables.js';
import { commandNote, formatInterval, type Section } from './section.js';

const right = { align: 'right' } as const;

/** The compared models, as named in the table. */
const titles: Readonly<Record<string, string>> = { answer: 'words and face' };

type WithAligned = ModelFacts & {
  readonly evaluation: { readonly aligned: NonNullable<ModelFacts['evaluation']['aligned']> };
};

/** Whether the model was evaluated on such pairs. */
export const hasAligned = (facts: ModelFacts): facts is WithAligned => facts.evaluation.aligned !== undefined;

export function alignedReport({ name, evaluation: { aligned } }: WithAligned): Section {
  const { agreeing, contradicting, groups } = aligned;
  const differenceTo = (way: string, of: 'accuracy' | 'auc'): string => {
    const found = agreeing.differences.find(({ to }) => to === way);
    return found ? formatInterval(found[of]) : '–';
  };
  return {
    id: 'aligned',
    title: 'Pairs that nobody matched',
    blocks: [
      {
        text:
          `Everywhere else in this report the face of a pair was chosen by the text’s label. Here it was not: ${aligned.name} consists of posts with their picture, ` +
          `whose words and picture were judged separately as ${groups.join(' or ')}. The picture’s label is not the face’s, and the face need not be the author’s. ` +
          `Both judgements are the same in ${agreeing.n.toLocaleString('en-US')} pairs and contradict each other in ${contradicting.n.toLocaleString('en-US')}.`,
      },
      {
        table: {
          id: 'aligned',
          title: `${name} on pairs whose two judgements are the same`,
          columns: [
            { header: 'Decided by' },
            { header: 'Accuracy (95% interval)', ...right },
            { header: 'Mean recall', ...right },
            { header: 'Area under ROC', ...right },
            { header: 'Answer − this: accuracy', ...right },
            { header: 'Area under ROC', ...right },
          ],
          groups: [
            {
              rows: agreeing.rows.map((row) => [
                titles[row.name] ?? row.name,
                formatInterval(row.accuracy),
                share(row.meanRecall),
                formatInterval(row.auc),
                differenceTo(row.name, 'accuracy'),
                differenceTo(row.name, 'auc'),
              ]),
            },
          ],
          notes: [
            'The product is that of the two posteriors. Intervals are percentiles over resampled pairs; differences are paired.',
          ],
        },
      },
      {
        table: {
          id: 'aligned-contradicting',
          title: 'Where words and picture contradict each other',
          columns: [{ header: 'Decided by' }, { header: 'Mean log-likelihood of both labels', ...right }],
          groups: [
            {
              rows: contradicting.rows.map((row) => [
                titles[row.name] ?? row.name,
                formatInterval(row.logLikelihood),
              ]),
            },
          ],
          notes: [
            'No answer can agree with both labels; the best one gives probability to both. The assumed frequency of contradictions was estimated on these pairs, by their total likelihood.',
          ],
        },
      },
      commandNote(
        'These numbers need the pairs; they are in the model’s evaluation.json, under <code>evaluation.aligned</code>, and were made by',
        'mien export … --pairs FILE --mapping configs/polar-pairs.yaml --collapse configs/polarity.yaml',
      ),
    ],
  };
}
