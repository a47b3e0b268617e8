// The timeline as lines of JSONL and of CSV.
import { stringify } from 'csv-stringify/sync';
import type { RecognizerInfo } from '../recognizer/types.js';
import { modelOf, SENSES } from './fuse.js';
import { topOf } from '../recognizer/labels.js';
import type { Said } from './spoken.js';
import type { TimelineRow } from './timeline.js';

export const jsonLine = (row: TimelineRow): string => `${JSON.stringify(row)}\n`;

/** A line of the transcript: the words, when they are said, and their posterior. */
export const transcriptLine = ({ start, end, words = '', probabilities }: Said): string =>
  `${JSON.stringify({ start, end, text: words, label: topOf(probabilities), probabilities })}\n`;

/** Writes rows as lines of CSV, with a column for each label of each part of the bundle and, if asked for, the words. */
export function csvLines(
  info: Pick<RecognizerInfo, 'labels' | 'priors'>,
  { words = false }: { readonly words?: boolean } = {},
): {
  readonly header: string;
  line(row: TimelineRow): string;
} {
  const labels = SENSES.map((sense) => [sense, Object.keys(modelOf(info, sense) ?? {})] as const);
  const all = [...new Set(labels.flatMap(([, names]) => names))].sort();
  const columns = [...labels, ['fused', all] as const];
  const names = columns.flatMap(([part, of]) => of.map((label) => `${part}_${label}`));
  return {
    header: stringify([
      [
        'time',
        'person',
        'x',
        'y',
        'width',
        'height',
        'label',
        'agreement',
        ...names,
        ...(words ? ['words'] : []),
      ],
    ]),
    line: (row) => {
      const { time, person, box, label, agreement } = row;
      const place = box ? [box.x, box.y, box.width, box.height] : ['', '', '', ''];
      const posteriors = columns.flatMap(([part, of]) => of.map((name) => row[part]?.[name] ?? ''));
      return stringify([
        [
          time,
          person ?? '',
          ...place,
          label,
          agreement ?? '',
          ...posteriors,
          ...(words ? [row.words ?? ''] : []),
        ],
      ]);
    },
  };
}
