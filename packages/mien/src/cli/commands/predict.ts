// `mien predict`: recognises emotion in a sentence, a face, a folder of images, a table or lines of standard input.
import { Option, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import type { LabelPrior, RecognizeOptions, Recognizer } from '../../recognizer/types.js';
import { decimal, parsePrior, megapixels, positiveInteger, wholeNumber } from '../arguments.js';
import { interruption } from '../run.js';
import { outputOf, type Output } from '../output.js';
import type { ExplainRow } from '../explanations.js';
import { counted, failureOf, NO_ITEMS, type Outcome } from '../outcome.js';
import { predicted, type Work } from '../predict-items.js';
import { folderOf, formatOf, type OutputOptions, writeParts, writeRows } from '../predict-output.js';
import { predictSource } from '../predict-source.js';
import { processesOf } from '../processes.js';
import type { Predicted } from '../predictions.js';
import { progressOf } from '../progress.js';

interface Options extends OutputOptions {
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
  readonly processes?: number;
  readonly threads?: number;
  readonly maxPixels?: number;
}

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
    .option(
      '--processes <n>',
      'inference processes; 0 is this process (default for large tables and folders: one per core, at most 8)',
      wholeNumber,
    )
    .option(
      '--threads <n>',
      'threads per process (default: the cores divided among processes)',
      positiveInteger,
    )
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
  const source = await predictSource(options, output.warn);
  const format = formatOf(options);
  const [{ loadRecognizer }, { csvHeader, formatRows, predictedLabels, renderMany, renderOne }] =
    await Promise.all([import('../../recognizer/node/load.js'), import('../predictions.js')]);
  const progress = await progressOf(output);
  const signal = interruption();
  const { bundle, threads, maxPixels } = options;
  // Explanations are computed one by one; with shares, whoever starts the command decides how many processes there are.
  const isAlone =
    options.explain !== undefined || options.shard !== undefined || options.shards !== undefined;
  const processes = processesOf(options, source.isMany && !isAlone);
  const recognizer = await loadRecognizer({ bundle, processes, threads, maxPixels });
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
      return await writeRows(source, options.out, { ...work, options, labels, output });
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
  } catch (error) {
    throw error instanceof MienError && error.code === 'crashed' ? resumable(error) : error;
  } finally {
    progress.end();
    await recognizer.dispose();
  }
}

const resumable = (error: MienError): MienError =>
  new MienError('crashed', error.message, {
    cause: error,
    hint: 'Run the same command again: results that were written are kept. Fewer --processes take less memory.',
  });

/** @throws MienError `data` when no item was recognised. */
function conclude(outcome: Outcome, output: Output): void {
  const failure = failureOf(outcome);
  if (failure) throw failure;
  const { items, failed } = outcome;
  if (failed > 0) output.warn(`${failed} of ${items} items could not be recognised`);
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
