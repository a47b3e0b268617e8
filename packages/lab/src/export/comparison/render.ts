// The comparison as Markdown tables.
import { meanOf } from 'mien/parts/evaluate';
import { fraction, table, withInterval } from '../markdown.js';
import { headTitle, type ComparedHeadFile } from '../../report/comparison-file.js';
import type { ComparisonSummary } from './summary.js';

const signed = (value: number): string => `${value > 0 ? '+' : ''}${(100 * value).toFixed(1)}`;

const difference = ({ difference: of }: ComparedHeadFile): string =>
  of === null
    ? '–'
    : `${signed(of.mean)} [${signed(of.low!)}, ${signed(of.high!)}], p = ${fraction(of.pValue)}`;

/** What heads cost and how good they are; accuracy by situation, with the gate's mean where there is one. */
export function renderComparison({ heads, chosen, pairs }: ComparisonSummary): string {
  const names = heads.map(({ head }) => headTitle(head));
  const costs = table(
    [
      'head',
      'parameters',
      'learning rate',
      'epochs',
      's an epoch',
      'validation, clean',
      'of it without interaction',
      'score',
      'score − gate’s, points',
      'test, clean',
    ],
    heads.map((one, i) => [
      names[i]!,
      one.parameters.toLocaleString('en-US'),
      one.rate === null ? '–' : String(one.rate),
      one.rate === null ? '–' : one.epochs.toFixed(0),
      one.rate === null ? '–' : one.secondsAnEpoch.toFixed(1),
      withInterval(one.situations[0]!.accuracy),
      one.additive === null ? '–' : withInterval(one.additive.accuracy),
      withInterval(one.score),
      difference(one),
      withInterval(one.test),
    ]),
  );
  const situations = table(
    ['validation pairs', ...names],
    heads[0]!.situations.map(({ name }, s) => [
      name,
      ...heads.map(({ situations: own }) => {
        const { accuracy, gates } = own[s]!;
        const mean = fraction(accuracy.mean);
        if (gates.length === 0) return mean;
        return `${mean} / ${fraction(meanOf(gates))}`;
      }),
    ]),
  );
  return [
    `${pairs.validation.toLocaleString('en-US')} validation pairs, ${pairs.test.toLocaleString('en-US')} test pairs.`,
    costs,
    situations,
    `Default by validation: ${chosen}.`,
  ].join('\n\n');
}
