// Results on pairs that people made themselves, in a bundle's evaluation and card: words and picture have a label each,
// and neither was chosen to match the other.
import type { Interval } from 'mien/parts/evaluate';
import { fraction, table, withInterval } from './markdown.js';

/** Results on a table of such pairs, which the floors above measure. */
export interface AlignedTest {
  /** `MVSA-Single, dev half` */
  readonly name: string;
  /** What the labels were grouped into, for instance positive and negative. */
  readonly groups: readonly string[];
  readonly items: number;
  /** Pairs of which one side could not be read; they are in no row. */
  readonly oneSided: number;
  /** Pairs whose two labels are the same. */
  readonly agreeing: {
    readonly n: number;
    readonly rows: readonly {
      readonly name: string;
      readonly accuracy: Interval;
      readonly meanRecall: number;
      readonly auc: Interval;
      readonly logLikelihood: number;
    }[];
    /** The answer less each other way. */
    readonly differences: readonly {
      readonly to: string;
      readonly accuracy: Interval;
      readonly auc: Interval;
    }[];
  };
  /** Pairs whose two labels differ: the mean log-likelihood of both labels. */
  readonly contradicting: {
    readonly n: number;
    readonly rows: readonly { readonly name: string; readonly logLikelihood: Interval }[];
  };
}

/** `−.012`, `+.034` */
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${fraction(Math.abs(value))}`;
const difference = ({ mean, low, high }: Interval): string =>
  low === null || high === null ? signed(mean) : `${signed(mean)} [${signed(low)}, ${signed(high)}]`;

/** The card's section. */
export function alignedSection(aligned: AlignedTest | undefined): string[] {
  if (!aligned) return [];
  const { name, groups, agreeing, contradicting } = aligned;
  const rows = agreeing.rows.map((row) => {
    const to = agreeing.differences.find((one) => one.to === row.name);
    const either = contradicting.rows.find((one) => one.name === row.name);
    return [
      row.name === 'answer' ? 'words and face' : row.name,
      withInterval(row.accuracy),
      fraction(row.meanRecall),
      withInterval(row.auc),
      to ? difference(to.accuracy) : '',
      either ? withInterval(either.logLikelihood) : '–',
    ];
  });
  return [
    '### Words and face, from pairs that nobody matched',
    `${name}: posts with their picture, each judged by itself as ${groups.join(' or ')}. ${agreeing.n} pairs of which both judgements are the same, and ${contradicting.n} of which they contradict each other. The picture’s label is not the face’s, and the face need not be the author’s.`,
    table(
      [
        'decided by',
        'accuracy',
        'mean recall',
        'area under ROC',
        'answer − this, accuracy',
        'log-likelihood of both labels, where they contradict',
      ],
      rows,
    ),
    'How often words and face are taken to contradict each other was estimated on these pairs, by the likelihood of their labels; nothing else was chosen by them. Intervals are percentiles over resampled pairs, at 95 %.',
  ];
}
