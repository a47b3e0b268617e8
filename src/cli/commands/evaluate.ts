// `mien evaluate`: how a bundle does on somebody's labelled texts and faces.
import { MienError } from '../../base/errors.js';
import type { Command } from 'commander';
import type { Evaluation, EvaluationRow, Judged } from '../../recognizer/evaluation.js';
import type { NamedItem } from '../../recognizer/node/items.js';
import { megapixels } from '../arguments.js';
import { interruption } from '../interrupt.js';
import { outputOf, type Output } from '../output.js';
import { progressOf } from '../progress.js';
import type { RowGroup, TextLayout, TextTable } from '../../report/text-table.js';

interface Options {
  readonly data?: string;
  readonly text?: string;
  readonly image?: string;
  readonly label: string;
  readonly group?: string;
  readonly mapping?: string;
  readonly restrict?: boolean;
  readonly cropped?: boolean;
  readonly bundle?: string;
  readonly maxPixels?: number;
  readonly out?: string;
}

export function defineEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('measure a bundle on labelled texts and faces of your own')
    .option('--data <file>', 'CSV or JSONL, an item a row')
    .option('--text <column>', 'column of texts (default: text, where there is one)')
    .option(
      '--image <column>',
      'column of image paths, relative to the file (default: image, where there is one)',
    )
    .option('--label <column>', 'column of labels', 'label')
    .option('--group <column>', 'column by whose values accuracy is given too')
    .option('--mapping <file>', 'YAML or JSON: your label → the model’s, or null to leave its rows out')
    .option('--restrict', 'only labels that occur can be answered')
    .option('--cropped', 'images are faces that are cut out already')
    .option('--bundle <dir>', 'folder or address of a bundle (default: the bundled model)')
    .option('--max-pixels <MP>', 'size of an image in megapixels (default: 50)', megapixels)
    .option('--out <file>', 'write everything as JSON')
    .option('--json', 'print everything as JSON')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

async function run(options: Options, output: Output): Promise<void> {
  const { data, bundle, maxPixels } = options;
  if (data === undefined) throw new MienError('usage', 'no data: --data names a CSV or JSONL file');
  const [
    { loadRecognizer },
    { itemsOfFile },
    { evaluateResults },
    { readMapping },
    { answerLabels },
    { writeFileAtomic },
  ] = await Promise.all([
    import('../../recognizer/node/load.js'),
    import('../../recognizer/node/items.js'),
    import('../../recognizer/evaluation.js'),
    import('../../recognizer/node/mapping.js'),
    import('../predictions.js'),
    import('../../base/files.js'),
  ]);
  const mapping = options.mapping === undefined ? undefined : await readMapping(options.mapping);
  const progress = await progressOf(output);
  const signal = interruption();
  const recognizer = await loadRecognizer({ bundle, maxPixels });
  const judged: Judged[] = [];
  let ignored = 0;
  try {
    const known: { label: string; group?: string }[] = [];
    async function* labelled(): AsyncGenerator<NamedItem> {
      const columns = { text: options.text, image: options.image };
      for await (const item of itemsOfFile(data!, columns, [options.label, options.group])) {
        const own = item.values[options.label]!;
        if (own === '')
          throw new MienError('data', 'has no label', { file: data!, row: item.row, field: options.label });
        const label = mapping ? mapping(own) : own;
        if (label === null) ignored++;
        else {
          known.push({
            label,
            ...(options.group === undefined ? {} : { group: item.values[options.group]! }),
          });
          yield item;
        }
      }
    }
    progress.begin('recognise', undefined, 'items');
    const faces = options.cropped ? 'cropped' : 'detect';
    for await (const result of recognizer.stream(labelled(), { faces, signal, batchSize: 32 })) {
      judged.push({ result, ...known.shift()! });
      progress.advance();
    }
    progress.end();
    const { restrict = false } = options;
    const labels = new Set([...answerLabels(recognizer.info), ...judged.flatMap(ownLabels)]);
    const evaluation = { ...evaluateResults(judged, [...labels], { restrict }), ignored };
    if (options.out !== undefined)
      await writeFileAtomic(options.out, `${JSON.stringify(evaluation, null, 1)}\n`);
    const { renderText } = await import('../../report/text-table.js');
    output.result(evaluation, () => render(evaluation, output, renderText));
  } finally {
    await recognizer.dispose();
  }
}

/** Labels that one modality knows and the answer does not. */
const ownLabels = ({ result }: Judged): string[] =>
  result.error
    ? []
    : [result.text, result.face].flatMap((one) => (one ? Object.keys(one.probabilities) : []));

function render(
  { items, failures, ignored, rows, groups }: Evaluation & { ignored: number },
  { width, colors }: Output,
  renderText: (table: TextTable, layout: TextLayout) => string,
): string {
  const layout = { width, strong: colors.bold };
  const right = 'right' as const;
  const share = (value: number): string => value.toFixed(3).replace(/^0\./, '.');
  const within = ({ mean, low, high }: EvaluationRow['accuracy']): string =>
    low === null || high === null ? share(mean) : `${share(mean)} [${share(low)}, ${share(high)}]`;
  const reasons = Object.entries(failures).map(([code, count]) => `${count} ${code}`);
  const main = renderText(
    {
      title: `${items} items${reasons.length > 0 ? `, not recognised: ${reasons.join(', ')}` : ''}${ignored > 0 ? `, left out: ${ignored}` : ''}`,
      columns: [
        { header: '' },
        ...['items', 'accuracy', 'mean recall', 'macro F1', 'calibration error'].map((header) => ({
          header,
          align: right,
        })),
      ],
      groups: [
        {
          rows: rows.map(({ name, n, accuracy, meanRecall, f1, calibrationError }) => [
            ...[name, String(n), within(accuracy)],
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
        ...['precision', 'recall', 'F1', 'items', ...met.map((i) => `as ${labels[i]!}`)].map((header) => ({
          header,
          align: right,
        })),
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
  const group: RowGroup = {
    rows: groups.map(({ group: name, n, accuracy }) => [name, String(n), within(accuracy)]),
  };
  const byGroup = renderText(
    {
      title: 'The answer by group',
      columns: [{ header: 'group' }, { header: 'items', align: right }, { header: 'accuracy', align: right }],
      groups: [group],
    },
    layout,
  );
  return [main, '', byLabel, ...(groups.length > 0 ? ['', byGroup] : [])].join('\n');
}
