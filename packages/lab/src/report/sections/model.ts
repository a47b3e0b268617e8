// The bundled model: the figures of its card, with the command that computed them.
import type { ModelFacts } from '../model-file.js';
import { pairingNote, share } from '../tables.js';
import { commandNote, formatInterval, type Block, type Section } from './section.js';

/** The origin of a section's numbers. */
export const madeBy = (key: keyof ModelFacts['evaluation']): Block =>
  commandNote(
    `These numbers need the data sets; they stand in the model’s evaluation.json, under <code>evaluation.${key}</code>, and were made with it (docs/models.md has the whole of it) by`,
    'mien export --data DIR --text RUN --face RUN --out BUNDLE',
  );

const right = { align: 'right' } as const;

export function modelSection({ name, evaluation, reference, comparison }: ModelFacts): Section {
  const { tests, robustness } = evaluation;
  const kinds = [...new Set(robustness.map(({ as }) => as))];
  const sets = [...new Set(robustness.map((one) => one.name))];
  return {
    id: 'model',
    title: 'The bundled model',
    blocks: [
      {
        text:
          `This section and those after it, up to ${comparison ? 'the one on other heads' : 'the one on explanations'}, are about the model ${name}, which recognises emotions when mien is used, and not about the heads of ` +
          'the paper’s tables: whole encoders, small weights, one training. Nothing was chosen on test items: only finished models were run on them.',
      },
      {
        table: {
          id: 'model-accuracy',
          title: `Accuracy of ${name}`,
          columns: [
            { header: 'Test items' },
            { header: 'Labels', ...right },
            { header: 'Items', ...right },
            { header: 'Accuracy (95% interval)', ...right },
            { header: 'Mean recall', ...right },
            { header: 'Macro-F1', ...right },
            { header: 'Calibration error', ...right },
            { header: 'Accuracy, float32', ...right },
          ],
          groups: [
            {
              rows: tests.map((test) => {
                const float = reference.tests.find((one) => one.name === test.name);
                return [
                  test.name,
                  String(test.labels.length),
                  test.n.toLocaleString('en-US'),
                  formatInterval(test.accuracy),
                  share(test.meanRecall),
                  share(test.f1),
                  share(test.calibrationError),
                  float ? share(float.accuracy.mean) : '–',
                ];
              }),
            },
          ],
          notes: [
            'Intervals are Wilson’s over test items; they do not cover the variation between trainings. Float32: the same model before its weights were compressed. Alone: the other modality is missing, and the text’s or the face’s own classifier answers among the labels of the pairs.',
            ...(tests.some((test) => test.name.includes('×')) ? [pairingNote] : []),
          ],
        },
      },
      ...(robustness.length === 0
        ? []
        : [
            {
              table: {
                id: 'model-robustness',
                title: 'The same faces, changed',
                columns: [
                  { header: 'Test faces' },
                  { header: 'as published', ...right },
                  ...kinds.map((header) => ({ header, ...right })),
                ],
                groups: [
                  {
                    rows: sets.map((set) => [
                      set,
                      ...[
                        tests.find((test) => test.name === set)?.accuracy.mean,
                        ...kinds.map(
                          (kind) => robustness.find((one) => one.name === set && one.as === kind)?.accuracy,
                        ),
                      ].map((value) => (value === undefined ? '–' : share(value))),
                    ]),
                  },
                ],
                notes: [
                  'Recropped: each face once, at a scale of .8 to 1.25 and shifted by up to a tenth of its side.',
                ],
              },
            },
          ]),
      madeBy('tests'),
    ],
  };
}
