// The origin of the numbers: data after cleaning, encoders, terms of use, settings, environment.
import { stringify } from 'yaml';
import { escapeXml } from '../figures/figure.js';
import type { TextTable } from 'mien/parts/cli';
import type { Block, ReportContext, Section } from './section.js';

const total = (counts: Readonly<Record<string, number>>): string =>
  Object.values(counts)
    .reduce((sum, count) => sum + count, 0)
    .toLocaleString('en-US');

export function provenanceSection({ folders }: ReportContext): Section {
  const blocks = folders.flatMap(
    ({ name: folder, results: { counts, configuration, environment } }, f): Block[] => {
      const sets: TextTable = {
        id: folders.length > 1 ? `data-${f + 1}` : 'data',
        title: folders.length > 1 ? `Data of ${folder}` : 'Data',
        columns: [
          { header: 'Set' },
          { header: 'Training', align: 'right' },
          { header: 'Validation', align: 'right' },
          { header: 'Test', align: 'right' },
          { header: 'Dropped', align: 'right' },
          { header: 'Encoder' },
          { header: 'Terms of use' },
        ],
        groups: [
          {
            rows: Object.entries(counts).map(
              ([name, { train, validation, test, dropped, encoder, terms }]) => [
                name,
                total(train),
                total(validation),
                total(test),
                total(dropped),
                `${encoder.id}, ${encoder.dtype}, revision ${encoder.revision.slice(0, 12)}, sha256 ${encoder.sha256.slice(0, 12)}`,
                terms,
              ],
            ),
          },
        ],
        notes: [
          'Items after cleaning; validation is a part of the training split. Dropped: for any reason, where the features say.',
        ],
      };
      const { mien, node, onnxruntime, platform, cpu, cores } = environment;
      return [
        { table: sets },
        {
          text: `Computed by mien ${mien} on Node ${node} with ONNX Runtime ${onnxruntime}, ${platform}, ${cpu}, ${cores} cores.`,
        },
        {
          html: `<details><summary>Settings${folders.length > 1 ? ` of ${escapeXml(folder)}` : ''}</summary><pre tabindex="0">${escapeXml(stringify(configuration))}</pre></details>`,
        },
      ];
    },
  );
  return { id: 'provenance', title: 'Data, encoders, settings', blocks };
}
