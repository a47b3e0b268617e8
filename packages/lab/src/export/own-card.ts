// The model card of a bundle that was trained on the user's own data.
import type { OwnResult } from '../experiments/own-data.js';
import { type BundleManifest, modalitiesOf, partOf } from 'mien/parts/bundle';
import { fraction, table, withInterval } from './markdown.js';

export interface OwnCardFacts {
  readonly manifest: Omit<BundleManifest, 'files'>;
  readonly rows: OwnResult['rows'];
  readonly counts: Readonly<Record<string, number>>;
  readonly learned: boolean;
}

export function ownCard({ manifest, rows, counts, learned }: OwnCardFacts): string {
  const { labels } = partOf(manifest, modalitiesOf(manifest)[0]!);
  const metrics = ['accuracy', 'precision', 'recall', 'f1'] as const;
  return [
    `# ${manifest.name}`,
    `Labels: ${labels.join(', ')}. Made by \`mien train\`${learned ? ', encoders included' : ' on encoders as published'}.`,
    '## Accuracy',
    table(
      ['model', 'accuracy', 'precision', 'recall', 'F1', 'calibration error'],
      rows.map(({ row }) => [
        row.model,
        ...metrics.map((name) => withInterval(row[name])),
        row.calibration ? fraction(row.calibration.ece) : '–',
      ]),
    ),
    `On ${counts['test']} test rows; means over ${rows[0]!.row.seeds.length} seeds with 95 % intervals over seeds. ` +
      `Trained on ${counts['train']} rows, selected and calibrated on ${counts['validation']}. Text and image of a row belong together: nothing was paired by label.`,
    'A bundle holds the seed that was best on validation.',
    '## Terms',
    ...manifest.terms,
    '',
  ].join('\n\n');
}
