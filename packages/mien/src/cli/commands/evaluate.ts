// `mien evaluate`: metrics of a bundle on a labelled table.
import { defined, MienError } from 'mien-engine/base';
import type { Command } from 'commander';
import type { Judged } from '../../recognizer/evaluation.js';
import { parsePrior, megapixels, wholeNumber } from '../arguments.js';
import type { LabelPrior } from '../../recognizer/types.js';
import { outputOf, type Output } from '../output.js';
import { measureAligned, recognisedTable } from '../labelled-table.js';

interface Options {
  readonly data?: string;
  readonly text?: string;
  readonly image?: string;
  readonly audio?: string;
  readonly label?: string;
  readonly textLabel?: string;
  readonly imageLabel?: string;
  readonly group?: string;
  readonly mapping?: string;
  readonly collapse?: string;
  readonly restrict?: boolean;
  readonly cropped?: boolean;
  readonly prior?: LabelPrior;
  readonly bundle?: string;
  readonly processes?: number;
  readonly maxPixels?: number;
  readonly out?: string;
}

export function defineEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('evaluate a bundle on your own labelled texts, faces and voices')
    .option('--data <file>', 'CSV or JSONL, one item per row')
    .option('--text <column>', 'column of texts (default: text, if present)')
    .option('--image <column>', 'column of image paths, relative to the file (default: image, if present)')
    .option(
      '--audio <column>',
      'column of paths of recordings, relative to the file (default: audio, if present)',
    )
    .option('--label <column>', 'column of labels (default: label)')
    .option('--text-label <column>', 'column of text labels, if texts and images are labelled separately')
    .option('--image-label <column>', 'column of image labels')
    .option('--group <column>', 'also report accuracy by the values of this column')
    .option('--mapping <file>', 'YAML or JSON: your label → the model’s, or null to exclude its rows')
    .option(
      '--collapse <file>',
      'YAML or JSON: the model’s label → a group such as positive, or null to exclude it',
    )
    .option('--restrict', 'restrict answers to labels that occur')
    .option('--cropped', 'images are already cropped faces')
    .option('--prior <kind>', 'label prior: training, even, or weights such as neutral=3,joy=2', parsePrior)
    .option('--bundle <dir>', 'folder or URL of a bundle (default: the bundled model)')
    .option(
      '--processes <n>',
      'inference processes; 0 is this process (default for large tables: one per core, at most 8)',
      wholeNumber,
    )
    .option('--max-pixels <MP>', 'largest image in megapixels (default: 50)', megapixels)
    .option('--out <file>', 'write the evaluation as JSON')
    .option('--json', 'print the evaluation as JSON')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

async function run(options: Options, output: Output): Promise<void> {
  const { data, textLabel, imageLabel } = options;
  if (data === undefined) throw new MienError('usage', 'no data: pass a CSV or JSONL file with --data');
  if ((textLabel === undefined) !== (imageLabel === undefined))
    throw new MienError('usage', '--text-label and --image-label must be used together');
  const isAligned = textLabel !== undefined && imageLabel !== undefined;
  if (isAligned)
    for (const [name, value] of Object.entries({
      '--label': options.label,
      '--group': options.group,
      '--restrict': options.restrict,
    }))
      if (value !== undefined)
        throw new MienError('usage', `${name} cannot be combined with --text-label and --image-label`);
  const [{ evaluateResults }, { collapsedResult }, rendering] = await Promise.all([
    import('../../recognizer/evaluation.js'),
    import('../../recognizer/collapse.js'),
    import('../evaluation-tables.js'),
  ]);
  if (isAligned) {
    const { aligned, ignored } = await measureAligned({ ...options, data, textLabel, imageLabel }, output);
    const evaluation = { ...aligned, ignored };
    await write(options, evaluation);
    output.result(evaluation, () => rendering.renderAligned(evaluation, output));
    return;
  }
  const columns = [options.label ?? 'label'];
  const { rows, ignored, labels, collapse } = await recognisedTable({ ...options, data, columns }, output);
  const judged: Judged[] = rows.map(({ result, labels: [label = ''], group }) => ({
    result: collapse ? collapsedResult(result, collapse) : result,
    label,
    ...defined({ group }),
  }));
  const { restrict = false } = options;
  const evaluation = { ...evaluateResults(judged, collapse?.groups ?? labels, { restrict }), ignored };
  await write(options, evaluation);
  output.result(evaluation, () => rendering.renderEvaluation(evaluation, output));
}

async function write({ out }: Options, evaluation: unknown): Promise<void> {
  if (out === undefined) return;
  const { writeFileAtomic } = await import('mien-engine/node');
  await writeFileAtomic(out, `${JSON.stringify(evaluation, null, 1)}\n`);
}
