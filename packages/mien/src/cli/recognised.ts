// The rows of somebody's labelled table with what a recogniser says of them.
import { MienError } from 'mien-engine/base';
import type { AlignedEvaluation } from '../recognizer/aligned.js';
import type { Collapse } from '../recognizer/collapse.js';
import type { NamedItem } from '../recognizer/node/items.js';
import type {
  LabelPrior,
  RecognizeOptions,
  Recognizer,
  RecognizerInfo,
  Result,
} from '../recognizer/types.js';
import { interruption } from './interrupt.js';
import type { Output } from './output.js';
import { progressOf } from './progress.js';

export interface TableOptions {
  /** The table, CSV or JSONL. */
  readonly data: string;
  /** Columns of texts and of images. */
  readonly text?: string | undefined;
  readonly image?: string | undefined;
  readonly group?: string | undefined;
  /** A file that says which of the table's labels stands for which of the model's. */
  readonly mapping?: string | undefined;
  /** A file that says which group each of the model's labels belongs to. */
  readonly collapse?: string | undefined;
  readonly cropped?: boolean | undefined;
  readonly prior?: LabelPrior | undefined;
  /** Folder or address of a bundle; without it the bundled model. */
  readonly bundle?: string | undefined;
  readonly maxPixels?: number | undefined;
}

export interface RecognisedTable {
  readonly rows: readonly RecognisedRow[];
  /** Rows that the mapping leaves out. */
  readonly ignored: number;
  /** Every label that the model may give. */
  readonly labels: readonly string[];
  /** The groups of labels, where they were asked for. */
  readonly collapse: Collapse | undefined;
}

/**
 * Runs a bundle over a table whose `columns` hold labels.
 * @throws MienError as reading the table, the bundle and the mappings does.
 */
export async function recognisedTable(
  options: TableOptions & { readonly columns: readonly string[] },
  output: Output,
): Promise<RecognisedTable> {
  const [{ loadRecognizer }, { collapseOf }, { readMapping }] = await Promise.all([
    import('../recognizer/node/load.js'),
    import('../recognizer/collapse.js'),
    import('../recognizer/node/mapping.js'),
  ]);
  const { bundle, maxPixels } = options;
  const mapping = options.mapping === undefined ? undefined : await readMapping(options.mapping);
  const grouping = options.collapse === undefined ? undefined : await readMapping(options.collapse);
  const recognizer = await loadRecognizer({ bundle, maxPixels });
  try {
    const labels = everyLabel(recognizer.info);
    const collapse =
      grouping && collapseOf(labels, grouping.of, { named: grouping.names, file: options.collapse! });
    const mapped = (label: string): string | null => (mapping ? mapping.of(label) : label);
    return { ...(await recognisedRows(recognizer, options, mapped, output)), labels, collapse };
  } finally {
    await recognizer.dispose();
  }
}

/** What a bundle does on pairs whose words and picture have a label each. @throws MienError as `recognisedTable` does. */
export async function measureAligned(
  options: TableOptions & {
    readonly textLabel?: string | undefined;
    readonly imageLabel?: string | undefined;
  },
  output: Output,
): Promise<{ aligned: AlignedEvaluation; ignored: number }> {
  const [{ evaluateAligned }, { collapseOf }] = await Promise.all([
    import('../recognizer/aligned.js'),
    import('../recognizer/collapse.js'),
  ]);
  const columns = [options.textLabel ?? 'text_label', options.imageLabel ?? 'image_label'];
  const { rows, ignored, labels, collapse } = await recognisedTable({ ...options, columns }, output);
  const items = rows.map(({ result, labels: [text, image] }) => ({ result, text: text!, image: image! }));
  return { aligned: evaluateAligned(items, collapse ?? collapseOf(labels, (label) => label)), ignored };
}

interface Labelled extends NamedItem {
  /** After the mapping, in the order of the columns. */
  readonly labels: readonly string[];
  readonly group: string | undefined;
}

type RecognisedRow = Pick<Labelled, 'labels' | 'group'> & { readonly result: Result };

/** The results of all rows of the table whose labels are not left out. */
async function recognisedRows(
  recognizer: Recognizer,
  options: TableOptions & { readonly columns: readonly string[] },
  mapped: (label: string) => string | null,
  output: Output,
): Promise<Pick<RecognisedTable, 'rows' | 'ignored'>> {
  const { data, columns, group, prior } = options;
  const [{ itemsOfFile }, { answersOf }] = await Promise.all([
    import('../recognizer/node/items.js'),
    import('../recognizer/node/answers.js'),
  ]);
  const progress = await progressOf(output);
  let ignored = 0;
  async function* labelled(): AsyncGenerator<Labelled> {
    const items = itemsOfFile(data, {
      columns: { text: options.text, image: options.image },
      further: [...columns, group],
      warn: output.warn,
    });
    for await (const item of items) {
      const labels = columns.map((column) => {
        const own = item.values[column] ?? '';
        if (own === '')
          throw new MienError('data', item.invalid?.message ?? 'has no label', {
            file: data,
            row: item.row,
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
    faces: options.cropped ? 'cropped' : 'detect',
    signal: interruption(),
    batchSize: 32,
    prior,
  };
  for await (const { item, result } of answersOf(recognizer, labelled(), settings)) {
    rows.push({ result, labels: item.labels, group: item.group });
    progress.advance();
  }
  progress.end();
  return { rows, ignored };
}

/** Every label that the answer or a modality by itself may give. */
const everyLabel = ({ labels: { text = [], face = [], fused = [] } }: RecognizerInfo): string[] =>
  [...new Set([...fused, ...text, ...face])].sort();
