// `mien predict`: recognises emotion in a sentence, a face, a folder of images, a table or lines of standard input.
import { fstatSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Option, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { sha256 } from 'mien-engine/node';
import type { Progress } from '../../base/progress.js';
import type { ItemOptions, NamedItem } from '../../recognizer/node/items.js';
import type { TableFile } from '../../recognizer/node/tables.js';
import type { LabelPrior, RecognizeOptions, Recognizer } from '../../recognizer/types.js';
import { decimal, parsePrior, megapixels, positiveInteger } from '../arguments.js';
import { interruption } from '../run.js';
import { outputOf, type Output } from '../output.js';
import type { ExplainRow } from '../explanations.js';
import { counted, failureOf, NO_ITEMS, type Outcome } from '../outcome.js';
import type { FileFormat, Format, Predicted } from '../predictions.js';
import { progressOf } from '../progress.js';
import { partOf } from '../shard.js';

interface Options {
  readonly text?: string;
  readonly image?: string;
  readonly audio?: string;
  readonly input?: string;
  readonly textColumn?: string;
  readonly imageColumn?: string;
  readonly audioColumn?: string;
  readonly idColumn?: string;
  readonly bundle?: string;
  readonly cropped?: boolean;
  readonly allFaces?: boolean;
  readonly mirror: boolean;
  readonly gate?: boolean;
  readonly fine?: boolean;
  readonly transcribe?: boolean;
  readonly prior?: LabelPrior;
  readonly risk?: number;
  readonly coverage?: number;
  readonly explain?: boolean | string;
  readonly format?: Format;
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly shard?: string;
  readonly shards?: string;
  readonly rowsPerPart: number;
  readonly threads?: number;
  readonly maxPixels?: number;
  readonly json?: boolean;
}

/** Items that are recognised and written together. */
const BATCH = 32;
/** Smaller with explanations, which take a hundred times as long. */
const EXPLAINED_BATCH = 4;

export function definePredict(program: Command): void {
  const predict = program
    .command('predict')
    .description(
      'recognise emotion in a text, a face, a folder of images, a table, or lines of standard input',
    )
    .option('--text <text>', 'a sentence')
    .option('--image <path>', 'an image, or a folder of images')
    .option('--audio <path>', 'a recording of a voice, if the bundle reads voices')
    .option(
      '--input <file>',
      "CSV, JSONL or Parquet, one item per row; also a folder of tables or a pattern such as 'posts/*.parquet'; " +
        '- reads a table, or lines of text, from standard input',
    )
    .option('--text-column <name>', 'column of texts (default: text)')
    .option('--image-column <name>', 'column of image paths, relative to the file (default: image)')
    .option('--audio-column <name>', 'column of paths of recordings, relative to the file (default: audio)')
    .option('--id-column <name>', 'column of row names (default: id, else the row number)')
    .option('--bundle <dir>', 'folder or URL of a bundle (default: the bundled model)')
    .option('--cropped', 'images are already cropped faces')
    .option('--all-faces', 'recognise every face of an image (jsonl)')
    .option('--no-mirror', 'do not average each face with its mirror image; takes half the time')
    .option('--gate', 'include the gate in every dimension (jsonl)')
    .option('--fine', 'include finer labels of texts, if the bundle has them')
    .option('--transcribe', 'use what is said in recordings as their text, if the bundle has files for words')
    .option('--prior <kind>', 'label prior: training, even, or weights such as neutral=3,joy=2', parsePrior)
    .option('--risk <share>', 'mark answers too uncertain for this error rate', decimal)
    .option('--coverage <share>', 'include a set of labels with this probability of the true one', decimal)
    .option('--explain [dir]', 'explain each answer; writes heat maps of faces to a folder (table, jsonl)')
    .addOption(
      new Option('--format <kind>', 'output format (default: by --out, else table)').choices([
        'table',
        'jsonl',
        'csv',
        'parquet',
      ]),
    )
    .option(
      '--out <path>',
      'write results to a *.csv, *.jsonl or *.parquet file, or to a folder of parts; resumes an interrupted run',
    )
    .option('--overwrite', 'replace existing results')
    .option('--shard <i/n>', 'compute only share i of n, from 0 (folder of parts)')
    .option('--shards <n>', 'compute the share given by the index of a Kubernetes, Slurm or AWS Batch array')
    .option('--rows-per-part <n>', 'rows of a part', positiveInteger, 10_000)
    .option('--threads <n>', 'inference threads (default: all cores)', positiveInteger)
    .option('--max-pixels <MP>', 'largest image in megapixels (default: 50)', megapixels)
    .option('--json', 'same as --format jsonl')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
  predict
    .command('merge')
    .description('join the parts of a folder of results into one file')
    .argument('<dir>', 'folder of parts')
    .argument('<file>', 'file of the same format')
    .option('--overwrite', 'replace an existing file')
    .option('--json', 'print the result as JSON')
    .action((dir: string, file: string, _options: unknown, command: Command) => {
      // The parent command takes options that it has as well.
      const { overwrite = false } = command.optsWithGlobals<{ overwrite?: boolean }>();
      return merge(dir, file, overwrite, outputOf(command));
    });
}

async function merge(dir: string, out: string, overwrite: boolean, output: Output): Promise<void> {
  const { joinParts } = await import('../predict-parts.js');
  const rows = await joinParts(dir, out, overwrite);
  output.result({ out, rows }, () => `${out}: ${rows} rows`);
}

async function run(options: Options, output: Output): Promise<void> {
  const source = await sourceOf(options, output.warn);
  const format = formatOf(options);
  const [{ loadRecognizer }, { csvHeader, formatRows, predictedLabels, renderMany, renderOne }] =
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
      transcribe: options.transcribe || undefined,
      mirror: options.mirror ? undefined : false,
      prior: options.prior,
      risk: options.risk,
      coverage: options.coverage,
    }),
  };
  const labels = predictedLabels(recognizer.info);
  const explain = await explainerOf(recognizer, options, settings);
  const work: Work = { recognizer, settings, progress, explain };
  progress.begin(explain ? 'recognise and explain' : 'recognise', undefined, 'items');
  try {
    const folder = await folderOf(options);
    if (folder !== undefined) return await writeParts(source, folder, { ...work, options, labels, output });
    if (options.out !== undefined)
      return await writeAll(source, options.out, { ...work, options, labels, output });
    const rows: Predicted[] = [];
    let outcome = NO_ITEMS;
    for await (const batch of predicted(source.items, work)) {
      if (format === 'table') rows.push(...batch);
      else {
        const header = format === 'csv' && outcome.items === 0 ? csvHeader(labels) : '';
        process.stdout.write(header + formatRows(batch, format as 'csv' | 'jsonl', labels));
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
  /** The tables that the items are of, and how they are read. */
  readonly tables?: readonly TableFile[];
  readonly reading?: ItemOptions;
}

async function sourceOf(options: Options, warn: Output['warn']): Promise<Source> {
  const { text, image, audio, input } = options;
  if (input !== undefined && (text !== undefined || image !== undefined || audio !== undefined))
    throw new MienError('usage', '--input cannot be combined with --text, --image or --audio', {
      hint: 'Select columns of the table with --text-column, --image-column and --audio-column.',
    });
  const { itemsOfFolder, itemsOfLines } = await import('../../recognizer/node/items.js');
  const reading = {
    columns: {
      text: options.textColumn,
      image: options.imageColumn,
      audio: options.audioColumn,
      id: options.idColumn,
    },
    warn,
  };
  if (input === '-') {
    // Node would read a folder as empty input.
    if (fstatSync(0).isDirectory()) throw new MienError('file', 'standard input is a folder');
    return { items: itemsOfLines(process.stdin, reading), fingerprint: undefined };
  }
  if (input !== undefined) {
    const { itemsOfTables, tablesOf } = await import('../../recognizer/node/tables.js');
    const tables = await tablesOf(input);
    const fingerprint = tables.map(({ path, bytes, modified }) => `${path} ${bytes} ${modified}`).join('\n');
    return { items: itemsOfTables(tables, reading), fingerprint, tables, reading };
  }
  // A missing image, or a value that is not a path, becomes the item's error.
  const folder = image === undefined ? undefined : await stat(image).catch(() => undefined);
  if (image !== undefined && folder?.isDirectory()) {
    if (text !== undefined || audio !== undefined)
      throw new MienError('usage', '--text and --audio cannot be combined with a folder of images');
    return { items: itemsOfFolder(image), fingerprint: `${image} ${folder.size} ${folder.mtimeMs}` };
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

const FILE_FORMATS: readonly string[] = ['csv', 'jsonl', 'parquet'] satisfies FileFormat[];

function formatOf({ format, out, json, explain, input }: Options): Format {
  const extension = extname(out ?? '')
    .toLowerCase()
    .slice(1);
  if (extension && format !== undefined && format !== extension)
    throw new MienError('usage', `${out} is written as ${extension}, not as ${format}`, {
      field: '--format',
    });
  const asInput = extname(input ?? '').toLowerCase() === '.parquet' ? 'parquet' : 'csv';
  const instead = out === undefined ? 'table' : asInput;
  const chosen = (extension || format || (json ? 'jsonl' : instead)) as Format;
  if (out !== undefined && !FILE_FORMATS.includes(chosen))
    throw new MienError('usage', `"${out}" ends neither in .csv nor in .jsonl nor in .parquet`, {
      field: '--out',
    });
  if (chosen === 'parquet' && out === undefined)
    throw new MienError('usage', 'Parquet is not written to standard output', {
      field: '--format',
      hint: 'Use --out FILE.parquet, or --out FOLDER.',
    });
  if ((chosen === 'csv' || chosen === 'parquet') && explain !== undefined)
    throw new MienError(
      'usage',
      `${chosen === 'csv' ? 'CSV' : 'Parquet'} cannot contain explanations, which have a number for each word`,
      {
        field: '--explain',
        hint: 'Use --format jsonl, or --out FILE.jsonl.',
      },
    );
  return chosen;
}

/** The folder of parts to write, or undefined where one file is written row by row. */
async function folderOf({ out, shard, shards }: Options): Promise<string | undefined> {
  if (out === undefined || !(await isFolder(out))) {
    if (shard !== undefined || shards !== undefined)
      throw new MienError('usage', 'a share of the items is written to a folder of parts', {
        field: shard === undefined ? '--shards' : '--shard',
        hint: 'Use --out FOLDER; `mien predict merge FOLDER FILE` joins the parts afterwards.',
      });
    return out && extname(out).toLowerCase() === '.parquet' ? `${out}.parts` : undefined;
  }
  return out;
}

/** Whether results go to a folder: one that exists, or a name that is not a file's. */
const isFolder = async (out: string): Promise<boolean> =>
  extname(out) === '' ||
  /[\\/]$/.test(out) ||
  ((await stat(out).catch(() => undefined))?.isDirectory() ?? false);

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
  const { audioColumn: audio } = options;
  const columns = [options.textColumn, options.imageColumn, options.idColumn, ...(audio ? [{ audio }] : [])];
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

/** Writes parts to a folder; those of one Parquet file are joined at the end. */
async function writeParts(
  { tables, reading = {} }: Source,
  dir: string,
  { options, labels, output, ...work }: Writing,
): Promise<void> {
  const { recognizer, settings, progress } = work;
  const { explain, out = dir, overwrite = false, rowsPerPart } = options;
  if (!tables)
    throw new MienError('usage', 'a folder of parts is written for tables only', {
      field: '--out',
      hint: 'Use --input FILE, or write one file: --out FILE.csv.',
    });
  if (explain !== undefined)
    throw new MienError('usage', 'explanations are not written to a folder of parts', {
      field: '--explain',
      hint: 'Use --out FILE.jsonl.',
    });
  const [{ joinParts, predictParts }, { refuseExisting }] = await Promise.all([
    import('../predict-parts.js'),
    import('../../recognizer/node/predictions.js'),
  ]);
  if (out !== dir && !overwrite) await refuseExisting(out);
  const shard = out === dir ? partOf(options) : undefined;
  const { signal: _signal, ...recognition } = settings;
  const outcome = await predictParts({
    tables,
    dir,
    format: formatOf(options) as FileFormat,
    labels,
    request: [reading.columns, recognition, recognizer.info.files],
    rowsPerPart,
    shard,
    overwrite,
    items: reading,
    predict: (items) => predicted(items, work),
    progress,
  });
  progress.end();
  const failure = failureOf(outcome);
  if (failure) throw failure;
  if (out !== dir) {
    await joinParts(dir, out, overwrite);
    await rm(dir, { recursive: true });
  }
  const { items, failed } = outcome;
  const failures = failed > 0 ? `, ${failed} of them not recognised (see column or key error)` : '';
  const part = shard ? ` as share ${shard.index} of ${shard.of}` : '';
  output.message(
    items === 0 ? `${out}: nothing to do, all there` : `${out}: ${items} rows${part}${failures}`,
  );
}

/** All items but the first `count`. */
async function* after(items: Source['items'], count: number): AsyncGenerator<NamedItem> {
  let index = 0;
  for await (const item of items) if (index++ >= count) yield item;
}
