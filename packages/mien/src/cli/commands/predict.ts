// `mien predict`: recognises emotion in a sentence, a face, a folder of images, a table or lines of standard input.
import { fstatSync, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Option, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { fileError, sha256 } from 'mien-engine/node';
import type { Progress } from '../../base/progress.js';
import type { NamedItem } from '../../recognizer/node/items.js';
import type { LabelPrior, RecognizeOptions, Recognizer } from '../../recognizer/types.js';
import { decimal, parsePrior, megapixels, positiveInteger } from '../arguments.js';
import { interruption } from '../run.js';
import { outputOf, type Output } from '../output.js';
import type { ExplainRow } from '../explanations.js';
import { counted, failureOf, NO_ITEMS, type Outcome } from '../outcome.js';
import type { Format, Predicted } from '../predictions.js';
import { progressOf } from '../progress.js';

interface Options {
  readonly text?: string;
  readonly image?: string;
  readonly audio?: string;
  readonly input?: string;
  readonly textColumn?: string;
  readonly imageColumn?: string;
  readonly idColumn?: string;
  readonly bundle?: string;
  readonly cropped?: boolean;
  readonly allFaces?: boolean;
  readonly mirror: boolean;
  readonly gate?: boolean;
  readonly fine?: boolean;
  readonly prior?: LabelPrior;
  readonly risk?: number;
  readonly coverage?: number;
  readonly explain?: boolean | string;
  readonly format?: Format;
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly threads?: number;
  readonly maxPixels?: number;
  readonly json?: boolean;
}

/** Items that are recognised and written together. */
const BATCH = 32;
/** Smaller with explanations, which take a hundred times as long. */
const EXPLAINED_BATCH = 4;

export function definePredict(program: Command): void {
  program
    .command('predict')
    .description(
      'recognise emotion in a text, a face, a folder of images, a table, or lines of standard input',
    )
    .option('--text <text>', 'a sentence')
    .option('--image <path>', 'an image, or a folder of images')
    .option('--audio <path>', 'a recording of a voice, if the bundle reads voices')
    .option(
      '--input <file>',
      'CSV or JSONL, one item per row; - reads such a table, or lines of text, from standard input',
    )
    .option('--text-column <name>', 'column of texts (default: text)')
    .option('--image-column <name>', 'column of image paths, relative to the file (default: image)')
    .option('--id-column <name>', 'column of row names (default: id, else the row number)')
    .option('--bundle <dir>', 'folder or URL of a bundle (default: the bundled model)')
    .option('--cropped', 'images are already cropped faces')
    .option('--all-faces', 'recognise every face of an image (jsonl)')
    .option('--no-mirror', 'do not average each face with its mirror image; takes half the time')
    .option('--gate', 'include the gate in every dimension (jsonl)')
    .option('--fine', 'include finer labels of texts, if the bundle has them')
    .option('--prior <kind>', 'label prior: training, even, or weights such as neutral=3,joy=2', parsePrior)
    .option('--risk <share>', 'mark answers too uncertain for this error rate', decimal)
    .option('--coverage <share>', 'include a set of labels with this probability of the true one', decimal)
    .option('--explain [dir]', 'explain each answer; writes heat maps of faces to a folder (table, jsonl)')
    .addOption(
      new Option('--format <kind>', 'output format (default: by --out, else table)').choices([
        'table',
        'jsonl',
        'csv',
      ]),
    )
    .option('--out <file>', 'write results to a *.csv or *.jsonl file; resumes an interrupted run')
    .option('--overwrite', 'replace an existing --out file')
    .option('--threads <n>', 'inference threads (default: all cores)', positiveInteger)
    .option('--max-pixels <MP>', 'largest image in megapixels (default: 50)', megapixels)
    .option('--json', 'same as --format jsonl')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

async function run(options: Options, output: Output): Promise<void> {
  const source = await sourceOf(options, output.warn);
  const format = formatOf(options);
  const [{ loadRecognizer }, { csvHeader, formatRows, answerLabels, renderMany, renderOne }] =
    await Promise.all([import('../../recognizer/node/load.js'), import('../predictions.js')]);
  const progress = await progressOf(output);
  const signal = interruption();
  const { bundle, threads, maxPixels } = options;
  const recognizer = await loadRecognizer({ bundle, threads, maxPixels });
  const settings: RecognizeOptions = {
    faces: options.cropped ? 'cropped' : 'detect',
    allFaces: options.allFaces === true,
    gate: options.gate === true,
    signal,
    ...defined({
      fine: options.fine || undefined,
      mirror: options.mirror ? undefined : false,
      prior: options.prior,
      risk: options.risk,
      coverage: options.coverage,
    }),
  };
  const labels = answerLabels(recognizer.info);
  const explain = await explainerOf(recognizer, options, settings);
  const work: Work = { recognizer, settings, progress, explain };
  try {
    if (options.out !== undefined)
      return await writeAll(source, options.out, { ...work, options, labels, output });
    const rows: Predicted[] = [];
    let outcome = NO_ITEMS;
    for await (const batch of predicted(source.items, work)) {
      if (format === 'table') rows.push(...batch);
      else {
        const header = format === 'csv' && outcome.items === 0 ? csvHeader(labels) : '';
        process.stdout.write(header + formatRows(batch, format, labels));
      }
      outcome = counted(outcome, batch);
    }
    progress.end();
    if (format === 'csv' && outcome.items === 0) process.stdout.write(csvHeader(labels));
    if (rows.length > 1) output.print(renderMany(rows, output.width));
    else
      for (const { result, explanation } of rows)
        if (!result.error) output.print(renderOne(result, explanation, output.width));
    conclude(outcome, output);
  } finally {
    progress.end();
    await recognizer.dispose();
  }
}

/** @throws MienError `data` when no item was recognised. */
function conclude(outcome: Outcome, output: Output): void {
  const failure = failureOf(outcome);
  if (failure) throw failure;
  const { items, failed } = outcome;
  if (failed > 0) output.warn(`${failed} of ${items} items could not be recognised`);
}

interface Source {
  readonly items: AsyncIterable<NamedItem> | Iterable<NamedItem>;
  /** Identifies these items, for resuming; undefined for standard input. */
  readonly fingerprint: string | undefined;
}

async function sourceOf(options: Options, warn: Output['warn']): Promise<Source> {
  const { text, image, audio, input } = options;
  if (input !== undefined && (text !== undefined || image !== undefined || audio !== undefined))
    throw new MienError('usage', '--input cannot be combined with --text, --image or --audio', {
      hint: 'Select columns of the table with --text-column and --image-column.',
    });
  const { itemsOfFile, itemsOfFolder, itemsOfLines } = await import('../../recognizer/node/items.js');
  const columns = { text: options.textColumn, image: options.imageColumn, id: options.idColumn };
  const fingerprintOf = (path: string, { size, mtimeMs }: Stats): string => `${path} ${size} ${mtimeMs}`;
  if (input === '-') {
    // Node would read a folder as empty input.
    if (fstatSync(0).isDirectory()) throw new MienError('file', 'standard input is a folder');
    return { items: itemsOfLines(process.stdin, { columns, warn }), fingerprint: undefined };
  }
  if (input !== undefined) {
    const stats = await stat(input).catch((cause: unknown) => {
      throw fileError('read', input, cause);
    });
    if (stats.isDirectory())
      throw new MienError('file', 'is a folder, not a table', {
        file: input,
        hint: 'Use --image FOLDER to read the images of a folder.',
      });
    return { items: itemsOfFile(input, { columns, warn }), fingerprint: fingerprintOf(input, stats) };
  }
  // A missing image, or a value that is not a path, becomes the item's error.
  const folder = image === undefined ? undefined : await stat(image).catch(() => undefined);
  if (image !== undefined && folder?.isDirectory()) {
    if (text !== undefined || audio !== undefined)
      throw new MienError('usage', '--text and --audio cannot be combined with a folder of images');
    return { items: itemsOfFolder(image), fingerprint: fingerprintOf(image, folder) };
  }
  if (text === undefined && image === undefined && audio === undefined)
    throw new MienError('usage', 'nothing to recognise', {
      hint: 'Use --text TEXT, --image FILE, --audio FILE, several of them, or --input FILE.',
    });
  return {
    items: [{ id: image ?? audio ?? 'text', ...defined({ text, image, audio }) }],
    fingerprint: JSON.stringify([text, image, ...(audio === undefined ? [] : [audio])]),
  };
}

function formatOf({ format, out, json, explain }: Options): Format {
  const extension = out === undefined ? undefined : extname(out).toLowerCase().slice(1);
  if (extension !== undefined && extension !== 'csv' && extension !== 'jsonl')
    throw new MienError('usage', `"${out}" ends neither in .csv nor in .jsonl`, { field: '--out' });
  if (extension !== undefined && format !== undefined && format !== extension)
    throw new MienError('usage', `${out} is written as ${extension}, not as ${format}`, {
      field: '--format',
    });
  const chosen = extension ?? format ?? (json ? 'jsonl' : 'table');
  if (chosen === 'csv' && explain !== undefined)
    throw new MienError('usage', 'CSV cannot contain explanations, which have a number for each word', {
      field: '--explain',
      hint: 'Use --format jsonl, or --out FILE.jsonl.',
    });
  return chosen;
}

async function explainerOf(
  recognizer: Recognizer,
  { explain, maxPixels }: Options,
  { faces, prior, signal }: RecognizeOptions,
): Promise<ExplainRow | undefined> {
  if (explain === undefined) return undefined;
  const { createRowExplainer: createExplainer } = await import('../explanations.js');
  return createExplainer(recognizer, {
    faces,
    prior,
    signal,
    maxPixels,
    folder: typeof explain === 'string' ? explain : undefined,
  });
}

interface Work {
  readonly recognizer: Recognizer;
  readonly settings: RecognizeOptions;
  readonly progress: Progress;
  readonly explain: ExplainRow | undefined;
}

/** Predictions in batches; `done` is the number of rows before the first item. */
async function* predicted(
  items: Source['items'],
  { recognizer, settings, progress, explain }: Work,
  done = 0,
): AsyncGenerator<Predicted[]> {
  const { answersOf } = await import('../../recognizer/node/answers.js');
  progress.begin(explain ? 'recognise and explain' : 'recognise', undefined, 'items');
  const batchSize = explain ? EXPLAINED_BATCH : BATCH;
  let batch: Predicted[] = [];
  let row = done;
  for await (const { item, result, last } of answersOf(recognizer, items, { ...settings, batchSize })) {
    const explanation = await explain?.(item, result, ++row);
    batch.push({ id: item.id, result, ...defined({ explanation }) });
    progress.advance();
    if (batch.length < batchSize && !last) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

interface Writing extends Work {
  readonly options: Options;
  readonly labels: readonly string[];
  readonly output: Output;
}

async function writeAll(
  { items, fingerprint }: Source,
  out: string,
  { options, labels, output, ...work }: Writing,
): Promise<void> {
  const { recognizer, settings, progress, explain } = work;
  const format = formatOf(options) as 'csv' | 'jsonl';
  const [{ openPredictions }, { csvHeader, formatRows }] = await Promise.all([
    import('../../recognizer/node/predictions.js'),
    import('../predictions.js'),
  ]);
  const { signal: _signal, ...recognition } = settings;
  const columns = [options.textColumn, options.imageColumn, options.idColumn];
  // Included only if requested, so that runs begun by versions without --explain can be resumed.
  const request = [...columns, ...(explain ? [options.explain] : [])];
  const file = await openPredictions(out, {
    fingerprint: sha256(JSON.stringify([fingerprint, request, recognition, recognizer.info.files])),
    header: format === 'csv' ? csvHeader(labels) : '',
    // Standard input cannot be resumed.
    overwrite: options.overwrite === true || fingerprint === undefined,
  });
  let outcome: Outcome = { items: file.done, failed: file.failed };
  try {
    progress.skip(file.done);
    for await (const batch of predicted(after(items, file.done), work, file.done)) {
      const { failed } = outcome;
      outcome = counted(outcome, batch);
      await file.append(formatRows(batch, format, labels), batch.length, outcome.failed - failed);
    }
    await file.finish();
  } finally {
    await file.close();
  }
  progress.end();
  const failure = failureOf(outcome);
  if (failure) throw failure;
  const { items: rows, failed } = outcome;
  const failures = failed > 0 ? `, ${failed} of them not recognised (see column or key error)` : '';
  output.message(`${out}: ${rows} rows${failures}`);
}

/** All items but the first `count`. */
async function* after(items: Source['items'], count: number): AsyncGenerator<NamedItem> {
  let index = 0;
  for await (const item of items) if (index++ >= count) yield item;
}
