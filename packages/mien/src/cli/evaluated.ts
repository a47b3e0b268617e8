// Renders what `mien evaluate` found as tables for people.
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
    ...(ignored > 0 ? [`left out: ${ignored}`] : []),
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
      notes: ['Intervals are Wilson’s at 95 % over items.'],
    },
    layout,
  );
  const [answer] = rows;
  const { labels, perLabel, confusion } = answer!;
  const met = labels.flatMap((_, i) =>
    perLabel[i]!.support > 0 || confusion.some((row) => row[i]! > 0) ? [i] : [],
  );
  const byLabel = renderText(
    {
      title: 'The answer by label (rows: the true label)',
      columns: [
        { header: 'label' },
        ...numeric(['precision', 'recall', 'F1', 'items', ...met.map((i) => `as ${labels[i]!}`)]),
      ],
      groups: [
        {
          rows: met
            .filter((i) => perLabel[i]!.support > 0)
            .map((i) => {
              const { precision, recall, f1, support } = perLabel[i]!;
              return [
                labels[i]!,
                ...[precision, recall, f1].map(share),
                String(support),
                ...met.map((k) => String(confusion[i]![k])),
              ];
            }),
        },
      ],
    },
    layout,
  );
  return [main, '', byLabel, ...(groups.length > 0 ? ['', groupTable(groups, layout)] : [])].join('\n');
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

/** The three blocks of an aligned table: pairs whose labels agree, pairs whose labels contradict, and all. */
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
    ...(oneSided > 0 ? [`read from one side only: ${oneSided}`] : []),
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
    columns: [{ header: '' }, ...numeric(['label of the words', 'label of the picture', 'log-likelihood'])],
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
