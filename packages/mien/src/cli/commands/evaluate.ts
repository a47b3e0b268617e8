// `mien evaluate`: how a bundle does on somebody's labelled texts and faces.
import { defined, MienError } from 'mien-engine/base';
import type { Command } from 'commander';
import type { Judged } from '../../recognizer/evaluation.js';
import { labelPrior, megapixels } from '../arguments.js';
import type { LabelPrior } from '../../recognizer/types.js';
import { outputOf, type Output } from '../output.js';
import { measureAligned, recognisedTable } from '../recognised.js';

interface Options {
  readonly data?: string;
  readonly text?: string;
  readonly image?: string;
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
    .option('--label <column>', 'column of labels (default: label)')
    .option('--text-label <column>', 'column of the words’ labels, where words and picture have one each')
    .option('--image-label <column>', 'column of the pictures’ labels')
    .option('--group <column>', 'column by whose values accuracy is given too')
    .option('--mapping <file>', 'YAML or JSON: your label → the model’s, or null to leave its rows out')
    .option(
      '--collapse <file>',
      'YAML or JSON: the model’s label → a group such as positive, or null to leave it out',
    )
    .option('--restrict', 'only labels that occur can be answered')
    .option('--cropped', 'images are faces that are cut out already')
    .option(
      '--prior <kind>',
      'how frequent labels are: training, even, or weights: neutral=3,joy=2',
      labelPrior,
    )
    .option('--bundle <dir>', 'folder or address of a bundle (default: the bundled model)')
    .option('--max-pixels <MP>', 'size of an image in megapixels (default: 50)', megapixels)
    .option('--out <file>', 'write everything as JSON')
    .option('--json', 'print everything as JSON')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

async function run(options: Options, output: Output): Promise<void> {
  const { data, textLabel, imageLabel } = options;
  if (data === undefined) throw new MienError('usage', 'no data: --data names a CSV or JSONL file');
  if ((textLabel === undefined) !== (imageLabel === undefined))
    throw new MienError('usage', '--text-label and --image-label go together');
  const aligned = textLabel !== undefined && imageLabel !== undefined;
  if (aligned)
    for (const [name, given] of Object.entries({
      '--label': options.label,
      '--group': options.group,
      '--restrict': options.restrict,
    }))
      if (given !== undefined)
        throw new MienError('usage', `${name} does not go with --text-label and --image-label`);
  const [{ evaluateResults }, { collapsedResult }, rendering] = await Promise.all([
    import('../../recognizer/evaluation.js'),
    import('../../recognizer/collapse.js'),
    import('../evaluated.js'),
  ]);
  if (aligned) {
    const { aligned: found, ignored } = await measureAligned(
      { ...options, data, textLabel, imageLabel },
      output,
    );
    const evaluation = { ...found, ignored };
    await keep(options, evaluation);
    output.result(evaluation, () => rendering.renderAligned(evaluation, output));
    return;
  }
  const columns = [options.label ?? 'label'];
  const { rows, ignored, labels, collapse } = await recognisedTable({ ...options, data, columns }, output);
  const judged: Judged[] = rows.map(({ result, labels: [label], group }) => ({
    result: collapse ? collapsedResult(result, collapse) : result,
    label: label!,
    ...defined({ group }),
  }));
  const { restrict = false } = options;
  const evaluation = { ...evaluateResults(judged, collapse?.groups ?? labels, { restrict }), ignored };
  await keep(options, evaluation);
  output.result(evaluation, () => rendering.renderEvaluation(evaluation, output));
}

async function keep({ out }: Options, evaluation: unknown): Promise<void> {
  if (out === undefined) return;
  const { writeFileAtomic } = await import('mien-engine/node');
  await writeFileAtomic(out, `${JSON.stringify(evaluation, null, 1)}\n`);
}
