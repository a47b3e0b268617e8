// `mien evaluate`: how a bundle does on somebody's labelled texts and faces.
import { MienError } from '../../base/errors.js';
import type { Command } from 'commander';
import type { Judged } from '../../recognizer/evaluation.js';
import type { NamedItem } from '../../recognizer/node/items.js';
import { labelPrior, megapixels } from '../arguments.js';
import { interruption } from '../interrupt.js';
import type {
  LabelPrior,
  RecognizeOptions,
  Recognizer,
  RecognizerInfo,
  Result,
} from '../../recognizer/types.js';
import { outputOf, type Output } from '../output.js';
import { progressOf } from '../progress.js';

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
  const { data, bundle, maxPixels, textLabel, imageLabel } = options;
  if (data === undefined) throw new MienError('usage', 'no data: --data names a CSV or JSONL file');
  if ((textLabel === undefined) !== (imageLabel === undefined))
    throw new MienError('usage', '--text-label and --image-label go together');
  const aligned = textLabel !== undefined && imageLabel !== undefined;
  const columns = aligned ? [textLabel, imageLabel] : [options.label ?? 'label'];
  if (aligned)
    for (const [name, given] of Object.entries({
      '--label': options.label,
      '--group': options.group,
      '--restrict': options.restrict,
    }))
      if (given !== undefined)
        throw new MienError('usage', `${name} does not go with --text-label and --image-label`);
  const [
    { loadRecognizer },
    { evaluateResults },
    { evaluateAligned },
    groupings,
    { readMapping },
    rendering,
  ] = await Promise.all([
    import('../../recognizer/node/load.js'),
    import('../../recognizer/evaluation.js'),
    import('../../recognizer/aligned.js'),
    import('../../recognizer/collapse.js'),
    import('../../recognizer/node/mapping.js'),
    import('../evaluated.js'),
  ]);
  const mapping = options.mapping === undefined ? undefined : await readMapping(options.mapping);
  const grouping = options.collapse === undefined ? undefined : await readMapping(options.collapse);
  const recognizer = await loadRecognizer({ bundle, maxPixels });
  try {
    const { collapseOf, collapsedResult } = groupings;
    const labels = allLabels(recognizer.info);
    const collapse =
      grouping && collapseOf(labels, grouping.of, { named: grouping.names, file: options.collapse! });
    const mapped = (label: string): string | null => (mapping ? mapping.of(label) : label);
    const { rows, ignored } = await recognised(recognizer, { ...options, data, columns }, mapped, output);
    if (aligned) {
      const items = rows.map(({ result, labels: [text, image] }) => ({ result, text: text!, image: image! }));
      const all = collapse ?? collapseOf(labels, (label) => label);
      const evaluation = { ...evaluateAligned(items, all), ignored };
      await keep(options, evaluation);
      output.result(evaluation, () => rendering.renderAligned(evaluation, output));
    } else {
      const judged: Judged[] = rows.map(({ result, labels: [label], group }) => ({
        result: collapse ? collapsedResult(result, collapse) : result,
        label: label!,
        ...(group === undefined ? {} : { group }),
      }));
      const { restrict = false } = options;
      const evaluation = { ...evaluateResults(judged, collapse?.groups ?? labels, { restrict }), ignored };
      await keep(options, evaluation);
      output.result(evaluation, () => rendering.renderEvaluation(evaluation, output));
    }
  } finally {
    await recognizer.dispose();
  }
}

async function keep({ out }: Options, evaluation: unknown): Promise<void> {
  if (out === undefined) return;
  const { writeFileAtomic } = await import('../../base/files.js');
  await writeFileAtomic(out, `${JSON.stringify(evaluation, null, 1)}\n`);
}

interface Labelled extends NamedItem {
  /** After the mapping, in the order of the columns. */
  readonly labels: readonly string[];
  readonly group: string | undefined;
}

type RecognisedRow = Pick<Labelled, 'labels' | 'group'> & { readonly result: Result };

/** The results of all rows of the table whose labels are not left out. */
async function recognised(
  recognizer: Recognizer,
  options: Options & { readonly data: string; readonly columns: readonly string[] },
  mapped: (label: string) => string | null,
  output: Output,
): Promise<{ rows: RecognisedRow[]; ignored: number }> {
  const { data, columns, group, prior } = options;
  const [{ itemsOfFile }, { answersOf }] = await Promise.all([
    import('../../recognizer/node/items.js'),
    import('../../recognizer/node/answers.js'),
  ]);
  const progress = await progressOf(output);
  let ignored = 0;
  async function* labelled(): AsyncGenerator<Labelled> {
    const items = itemsOfFile(data, {
      columns: { text: options.text, image: options.image },
      ...{ further: [...columns, group], warn: output.warn },
    });
    for await (const item of items) {
      const labels = columns.map((column) => {
        const own = item.values[column] ?? '';
        if (own === '')
          throw new MienError('data', item.invalid?.message ?? 'has no label', {
            ...{ file: data, row: item.row },
            ...(item.invalid ? {} : { field: column }),
          });
        return mapped(own);
      });
      if (labels.every((label) => label !== null))
        yield { ...item, labels, group: group === undefined ? undefined : item.values[group]! };
      else ignored++;
    }
  }
  progress.begin('recognise', undefined, 'items');
  const rows: RecognisedRow[] = [];
  const settings: RecognizeOptions & { readonly batchSize: number } = {
    ...{ faces: options.cropped ? 'cropped' : 'detect', signal: interruption(), batchSize: 32, prior },
  };
  for await (const { item, result } of answersOf(recognizer, labelled(), settings)) {
    rows.push({ result, labels: item.labels, group: item.group });
    progress.advance();
  }
  progress.end();
  return { rows, ignored };
}

/** Every label that the answer or a modality by itself may give. */
const allLabels = ({ labels: { text = [], face = [], fused = [] } }: RecognizerInfo): string[] =>
  [...new Set([...fused, ...text, ...face])].sort();
