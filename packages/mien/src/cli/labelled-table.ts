// Recognises the rows of a labelled table, for evaluation.
import { stat } from 'node:fs/promises';
import { defined, MienError } from 'mien-engine/base';
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
import { interruption } from './run.js';
import type { Output } from './output.js';
import { isLarge, processesOf } from './processes.js';
import { progressOf } from './progress.js';

export interface LabelledTableOptions {
  /** A CSV or JSONL file. */
  readonly data: string;
  /** Names of columns. */
  readonly text?: string | undefined;
  readonly image?: string | undefined;
  readonly audio?: string | undefined;
  readonly group?: string | undefined;
  /** A file that maps the table's labels to the model's. */
  readonly mapping?: string | undefined;
  /** A file that maps the model's labels to groups. */
  readonly collapse?: string | undefined;
  readonly cropped?: boolean | undefined;
  readonly prior?: LabelPrior | undefined;
  /** Folder or URL of a bundle; by default the bundled model. */
  readonly bundle?: string | undefined;
  /** Child processes that compute; by default as many as for other tables. */
  readonly processes?: number | undefined;
  readonly maxPixels?: number | undefined;
}

export interface RecognisedTable {
  readonly rows: readonly RecognisedRow[];
  /** Number of rows that the mapping excludes. */
  readonly ignored: number;
  /** All labels of the model. */
  readonly labels: readonly string[];
  /** The groups of labels, if requested. */
  readonly collapse: Collapse | undefined;
}

/**
 * Runs a bundle on a table with labels in `columns`.
 * @throws MienError as reading the table, the bundle and the mappings does.
 */
export async function recognisedTable(
  options: LabelledTableOptions & { readonly columns: readonly string[] },
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
  // Reading the table reports a missing file.
  const { size } = await stat(options.data).catch(() => ({ size: 0 }));
  const processes = processesOf(options, isLarge(size));
  const recognizer = await loadRecognizer({ bundle, processes, maxPixels });
  try {
    const labels = allLabels(recognizer.info);
    const collapse =
      grouping &&
      collapseOf(labels, grouping.of, { named: grouping.names, ...defined({ file: options.collapse }) });
    const mapLabel = (label: string): string | null => (mapping ? mapping.of(label) : label);
    return { ...(await recognisedRows(recognizer, options, mapLabel, output)), labels, collapse };
  } finally {
    await recognizer.dispose();
  }
}

/** Evaluates a bundle on pairs with separate labels of text and image. @throws MienError as `recognisedTable` does. */
export async function measureAligned(
  options: LabelledTableOptions & {
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
  const items = rows.map(({ result, labels: [text = '', image = ''] }) => ({ result, text, image }));
  return { aligned: evaluateAligned(items, collapse ?? collapseOf(labels, (label) => label)), ignored };
}

interface Labelled extends NamedItem {
  /** After the mapping, in the order of the columns. */
  readonly labels: readonly string[];
  readonly group: string | undefined;
}

type RecognisedRow = Pick<Labelled, 'labels' | 'group'> & { readonly result: Result };

/** The results of all rows that the mapping does not exclude. */
async function recognisedRows(
  recognizer: Recognizer,
  options: LabelledTableOptions & { readonly columns: readonly string[] },
  mapLabel: (label: string) => string | null,
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
      columns: { text: options.text, image: options.image, audio: options.audio },
      further: [...columns, group],
      warn: output.warn,
    });
    for await (const item of items) {
      const labels = columns.map((column) => {
        const label = item.values[column] ?? '';
        if (label === '')
          throw new MienError('data', item.invalid?.message ?? 'has no label', {
            file: data,
            row: item.row,
            ...defined({ field: item.invalid ? undefined : column }),
          });
        return mapLabel(label);
      });
      if (labels.every((label) => label !== null))
        yield { ...item, labels, group: group === undefined ? undefined : item.values[group] };
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

/** All labels of answers and of single modalities. */
const allLabels = ({ labels: { fine: _fine, ...all } }: RecognizerInfo): string[] =>
  [...new Set(Object.values(all).flat())].sort();
