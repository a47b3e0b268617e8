// Renders the results of `mien evaluate` as tables.
import type { GroupAccuracy, Interval } from '../evaluate/intervals.js';
import type { AlignedEvaluation, EitherRow } from '../recognizer/aligned.js';
import type { Evaluation } from '../recognizer/evaluation.js';
import { renderText, type TextLayout, type TextTable } from './text-table.js';
import type { Output } from './output.js';

const right = 'right' as const;
const share = (value: number): string => value.toFixed(3).replace(/^(-?)0\./, '$1.');
const within = ({ mean, low, high }: Interval): string =>
  low === null || high === null ? share(mean) : `${share(mean)} [${share(low)}, ${share(high)}]`;
const numeric = (headers: readonly string[]) => headers.map((header) => ({ header, align: right }));
const layoutOf = ({ width, colors }: Output): TextLayout => ({ width, strong: colors.bold });

function countsTitle(
  items: number,
  failures: Evaluation['failures'],
  ignored: number,
  ...further: readonly string[]
): string {
  const reasons = Object.entries(failures).map(([code, count]) => `${count} ${code}`);
  return [
    `${items} items`,
    ...(reasons.length > 0 ? [`not recognised: ${reasons.join(', ')}`] : []),
    ...(ignored > 0 ? [`excluded: ${ignored}`] : []),
    ...further,
  ].join(', ');
}

export function renderEvaluation(
  { items, failures, ignored, rows, groups }: Evaluation & { ignored: number },
  output: Output,
): string {
  const layout = layoutOf(output);
  const main = renderText(
    {
      title: countsTitle(items, failures, ignored),
      columns: [
        { header: '' },
        ...numeric(['items', 'accuracy', 'mean recall', 'macro F1', 'calibration error']),
      ],
      groups: [
        {
          rows: rows.map(({ name, n, accuracy, meanRecall, f1, calibrationError }) => [
            name,
            String(n),
            within(accuracy),
            ...[meanRecall, f1, calibrationError].map(share),
          ]),
        },
      ],
      notes: ['Intervals are Wilson’s 95 % intervals over items.'],
    },
    layout,
  );
  const tables = [
    main,
    ...rows.slice(0, 1).map((answer) => labelTable(answer, layout)),
    ...(groups.length > 0 ? [groupTable(groups, layout)] : []),
  ];
  return tables.join('\n\n');
}

/** Metrics and confusion counts by label, without labels that occur in neither. */
function labelTable({ labels, perLabel, confusion }: Evaluation['rows'][number], layout: TextLayout): string {
  const byLabel = labels.map((label, i) => ({
    label,
    score: perLabel[i]!,
    counts: confusion[i]!,
    predicted: confusion.reduce((sum, row) => sum + row[i]!, 0),
  }));
  const isShown = byLabel.map(({ score, predicted }) => score.support > 0 || predicted > 0);
  const shown = <T>(values: readonly T[]): T[] => values.filter((_, i) => isShown[i]);
  return renderText(
    {
      title: 'The answer by label (rows: the true label)',
      columns: [
        { header: 'label' },
        ...numeric(['precision', 'recall', 'F1', 'items', ...shown(labels).map((label) => `as ${label}`)]),
      ],
      groups: [
        {
          rows: byLabel
            .filter(({ score }) => score.support > 0)
            .map(({ label, score: { precision, recall, f1, support }, counts }) => [
              label,
              ...[precision, recall, f1].map(share),
              String(support),
              ...shown(counts).map(String),
            ]),
        },
      ],
    },
    layout,
  );
}

function groupTable(groups: readonly GroupAccuracy[], layout: TextLayout): string {
  const rows = groups.map(({ group: name, n, accuracy }) => [name, String(n), within(accuracy)]);
  return renderText(
    {
      title: 'The answer by group',
      columns: [{ header: 'group' }, ...numeric(['items', 'accuracy'])],
      groups: [{ rows }],
    },
    layout,
  );
}

/** Three tables of pairs: those whose labels agree, those whose labels contradict each other, and all. */
export function renderAligned(
  {
    groups,
    items,
    failures,
    oneSided,
    ignored,
    agreeing,
    contradicting,
    all,
  }: AlignedEvaluation & {
    ignored: number;
  },
  output: Output,
): string {
  const layout = layoutOf(output);
  const title = countsTitle(
    items,
    failures,
    ignored,
    ...(oneSided > 0 ? [`only one side readable: ${oneSided}`] : []),
  );
  const agree: TextTable = {
    title: `${title}\nLabels agree: ${agreeing.n} pairs of ${groups.join(', ')}`,
    columns: [{ header: '' }, ...numeric(['accuracy', 'mean recall', 'AUC', 'log-likelihood'])],
    groups: [
      {
        rows: agreeing.rows.map(({ name, accuracy, meanRecall, auc, logLikelihood }) => [
          name,
          within(accuracy),
          share(meanRecall),
          within(auc),
          share(logLikelihood),
        ]),
      },
      {
        rows: agreeing.differences.map(({ to, accuracy, auc }) => [
          `answer − ${to}`,
          within(accuracy),
          '',
          within(auc),
          '',
        ]),
      },
    ],
    notes: ['Intervals are percentiles over 2,000 resamples of pairs; differences are paired.'],
  };
  const either = (name: string, n: number, rows: readonly EitherRow[]): TextTable => ({
    title: `${name}: ${n} pairs`,
    columns: [
      { header: '' },
      ...numeric(['gives the text’s label', 'gives the image’s label', 'log-likelihood']),
    ],
    groups: [
      {
        rows: rows.map(({ name, textAccuracy, imageAccuracy, logLikelihood }) => [
          name,
          within(textAccuracy),
          within(imageAccuracy),
          within(logLikelihood),
        ]),
      },
    ],
    notes: ['Log-likelihood: mean over both labels of a pair, in nats.'],
  });
  return [
    agree,
    ...(contradicting.n > 0 ? [either('Labels contradict', contradicting.n, contradicting.rows)] : []),
    either('All', all.n, all.rows),
  ]
    .map((table) => renderText(table, layout))
    .join('\n\n');
}
