// `mien predict`: emotions of a sentence, a face, a folder of images, a table or lines as they come.
import { fstatSync, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Option, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { fileError, sha256 } from 'mien-engine/node';
import type { Progress } from '../../base/progress.js';
import type { NamedItem } from '../../recognizer/node/items.js';
import type { LabelPrior, RecognizeOptions, Recognizer, Result } from '../../recognizer/types.js';
import { decimal, labelPrior, megapixels, wholeNumber } from '../arguments.js';
import { interruption } from '../interrupt.js';
import { outputOf, type Output } from '../output.js';
import type { Explained } from '../explained.js';
import { counted, failureOf, NO_ITEMS, type Outcome } from '../outcome.js';
import type { Format, Predicted } from '../predictions.js';
import { progressOf } from '../progress.js';

interface Options {
  readonly text?: string;
  readonly image?: string;
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

/** Items that are recognised, and written, together. */
const BATCH = 32;
/** With an explanation each takes a hundred times as long. */
const EXPLAINED_BATCH = 4;

export function definePredict(program: Command): void {
  program
    .command('predict')
    .description(
      'recognise emotion in a text, a face, a folder of images, a table, or lines of standard input',
    )
    .option('--text <text>', 'a sentence')
    .option('--image <path>', 'an image, or a folder of images')
    .option(
      '--input <file>',
      'CSV or JSONL, an item a row; - reads such a table, or lines of text, from standard input',
    )
    .option('--text-column <name>', 'column of texts (default: text)')
    .option('--image-column <name>', 'column of image paths, relative to the file (default: image)')
    .option('--id-column <name>', 'column that names a row (default: id, else its number)')
    .option('--bundle <dir>', 'folder or address of a bundle (default: the bundled model)')
    .option('--cropped', 'images are faces that are cut out already')
    .option('--all-faces', 'read every face of an image (jsonl)')
    .option('--no-mirror', 'read each face without its mirror image: in half the time')
    .option('--gate', 'give the gate in every dimension (jsonl)')
    .option('--fine', 'give texts the finer labels too, where the bundle has them')
    .option(
      '--prior <kind>',
      'how frequent labels are: training, even, or weights: neutral=3,joy=2',
      labelPrior,
    )
    .option('--risk <share>', 'say where an answer is too unsure for this share of errors', decimal)
    .option('--coverage <share>', 'give the labels that hold the true one this often', decimal)
    .option(
      '--explain [dir]',
      'say what made each answer; a folder gets a heat map of each face (table, jsonl)',
    )
    .addOption(
      new Option('--format <kind>', 'how results are printed (default: by --out, else table)').choices([
        'table',
        'jsonl',
        'csv',
      ]),
    )
    .option('--out <file>', 'write results here, *.csv or *.jsonl; an interrupted run goes on')
    .option('--overwrite', 'replace what --out names')
    .option('--threads <n>', 'threads to compute with (default: all cores)', wholeNumber)
    .option('--max-pixels <MP>', 'size of an image in megapixels (default: 50)', megapixels)
    .option('--json', 'the same as --format jsonl')
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
    ...(options.fine ? { fine: true } : {}),
    ...(options.mirror ? {} : { mirror: false }),
    ...defined({ prior: options.prior, risk: options.risk, coverage: options.coverage }),
  };
  const labels = answerLabels(recognizer.info);
  const explain = await explainingOf(recognizer, options, settings);
  const work: Work = { recognizer, settings, progress, explain };
  try {
    if (options.out !== undefined)
      return await writeAll(source, options.out, { ...work, options, labels, output });
    const rows: Predicted[] = [];
    let outcome = NO_ITEMS;
    for await (const some of predicted(source.items, work)) {
      if (format === 'table') rows.push(...some);
      else {
        const header = format === 'csv' && outcome.items === 0 ? csvHeader(labels) : '';
        process.stdout.write(header + formatRows(some, format, labels));
      }
      outcome = counted(outcome, some);
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
  /** What tells these items from others; undefined where that cannot be told. */
  readonly fingerprint: string | undefined;
}

async function sourceOf(options: Options, warn: Output['warn']): Promise<Source> {
  const { text, image, input } = options;
  if (input !== undefined && (text !== undefined || image !== undefined))
    throw new MienError('usage', '--input stands alone: a table has its own texts and images', {
      hint: 'Columns are named by --text-column and --image-column.',
    });
  const { itemsOfFile, itemsOfFolder, itemsOfLines } = await import('../../recognizer/node/items.js');
  const columns = { text: options.textColumn, image: options.imageColumn, id: options.idColumn };
  const marked = (path: string, { size, mtimeMs }: Stats): string => `${path} ${size} ${mtimeMs}`;
  if (input === '-') {
    // Node reads a folder there as nothing.
    if (fstatSync(0).isDirectory()) throw new MienError('file', 'standard input is a folder');
    return { items: itemsOfLines(process.stdin, { columns, warn }), fingerprint: undefined };
  }
  if (input !== undefined) {
    const found = await stat(input).catch((cause: unknown) => {
      throw fileError('read', input, cause);
    });
    if (found.isDirectory())
      throw new MienError('file', 'is a folder, a table was expected', {
        file: input,
        hint: 'The images of a folder are read with --image FOLDER.',
      });
    return { items: itemsOfFile(input, { columns, warn }), fingerprint: marked(input, found) };
  }
  // What is not there, or no path at all, is for the item to say.
  const folder = image === undefined ? undefined : await stat(image).catch(() => undefined);
  if (image !== undefined && folder?.isDirectory()) {
    if (text !== undefined) throw new MienError('usage', 'one text does not go with a folder of images');
    return { items: itemsOfFolder(image), fingerprint: marked(image, folder) };
  }
  if (text === undefined && image === undefined)
    throw new MienError('usage', 'nothing to recognise', {
      hint: 'Use --text TEXT, --image FILE, both, or --input FILE.',
    });
  return {
    items: [
      {
        id: image ?? 'text',
        ...defined({ text, image }),
      },
    ],
    fingerprint: JSON.stringify([text, image]),
  };
}

function formatOf({ format, out, json, explain }: Options): Format {
  const named = out === undefined ? undefined : extname(out).toLowerCase().slice(1);
  if (named !== undefined && named !== 'csv' && named !== 'jsonl')
    throw new MienError('usage', `"${out}" ends neither in .csv nor in .jsonl`, { field: '--out' });
  if (named !== undefined && format !== undefined && format !== named)
    throw new MienError('usage', `${out} is written as ${named}, not as ${format}`, { field: '--format' });
  const chosen = named ?? format ?? (json ? 'jsonl' : 'table');
  if (chosen === 'csv' && explain !== undefined)
    throw new MienError('usage', 'CSV has no room for explanations, which have a number for each word', {
      field: '--explain',
      hint: 'Use --format jsonl, or --out FILE.jsonl.',
    });
  return chosen;
}

async function explainingOf(
  recognizer: Recognizer,
  { explain, maxPixels }: Options,
  { faces, prior, signal }: RecognizeOptions,
): Promise<Work['explain']> {
  if (explain === undefined) return undefined;
  const { explainingWith } = await import('../explained.js');
  return explainingWith(recognizer, {
    faces,
    prior,
    signal,
    maxPixels,
    folder: typeof explain === 'string' ? explain : undefined,
  });
}

/** What items go through. */
interface Work {
  readonly recognizer: Recognizer;
  readonly settings: RecognizeOptions;
  readonly progress: Progress;
  readonly explain:
    ((item: NamedItem, result: Result, row: number) => Promise<Explained | undefined>) | undefined;
}

/** Results with the items' names, some at a time; rows are counted after the first `done`. */
async function* predicted(
  items: Source['items'],
  { recognizer, settings, progress, explain }: Work,
  done = 0,
): AsyncGenerator<Predicted[]> {
  const { answersOf } = await import('../../recognizer/node/answers.js');
  progress.begin(explain ? 'recognise and explain' : 'recognise', undefined, 'items');
  const batchSize = explain ? EXPLAINED_BATCH : BATCH;
  let some: Predicted[] = [];
  let row = done;
  for await (const { item, result, last } of answersOf(recognizer, items, { ...settings, batchSize })) {
    const explanation = await explain?.(item, result, ++row);
    some.push({ id: item.id, result, ...defined({ explanation }) });
    progress.advance();
    if (some.length < batchSize && !last) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
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
  const { signal: _signal, ...told } = settings;
  const columns = [options.textColumn, options.imageColumn, options.idColumn];
  // Told only where it is asked for: runs that were begun before it could be go on.
  const asked = [...columns, ...(explain ? [options.explain] : [])];
  const file = await openPredictions(out, {
    fingerprint: sha256(JSON.stringify([fingerprint, asked, told, recognizer.info.files])),
    header: format === 'csv' ? csvHeader(labels) : '',
    // Lines that have gone by do not come again.
    overwrite: options.overwrite === true || fingerprint === undefined,
  });
  let outcome: Outcome = { items: file.done, failed: file.failed };
  try {
    progress.skip(file.done);
    for await (const some of predicted(after(items, file.done), work, file.done)) {
      const before = outcome.failed;
      outcome = counted(outcome, some);
      await file.append(formatRows(some, format, labels), some.length, outcome.failed - before);
    }
    await file.finish();
  } finally {
    await file.close();
  }
  progress.end();
  const failure = failureOf(outcome);
  if (failure) throw failure;
  const { items: rows, failed } = outcome;
  const without = failed > 0 ? `, of which ${failed} could not be recognised (column or key error)` : '';
  output.message(`${out}: ${rows} rows${without}`);
}

/** All items but the first `count`. */
async function* after(items: Source['items'], count: number): AsyncGenerator<NamedItem> {
  let place = 0;
  for await (const item of items) if (place++ >= count) yield item;
}
