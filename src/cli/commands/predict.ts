// `mien predict`: emotions of a sentence, a face, a folder of images, a table or lines as they come.
import { existsSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { Option, type Command } from 'commander';
import { MienError } from '../../base/errors.js';
import { sha256 } from '../../base/files.js';
import type { Progress } from '../../base/progress.js';
import type { NamedItem } from '../../recognizer/node/items.js';
import type { RecognizeOptions, Recognizer } from '../../recognizer/types.js';
import { decimal, wholeNumber } from '../arguments.js';
import { interruption } from '../interrupt.js';
import { outputOf, type Output } from '../output.js';
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
  readonly gate?: boolean;
  readonly risk?: number;
  readonly coverage?: number;
  readonly format?: Format;
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

/** Items that are recognised, and written, together. */
const BATCH = 32;

export function definePredict(program: Command): void {
  program
    .command('predict')
    .description(
      'recognise emotion in a text, a face, a folder of images, a table, or lines of standard input',
    )
    .option('--text <text>', 'a sentence')
    .option('--image <path>', 'an image, or a folder of images')
    .option('--input <file>', 'CSV or JSONL, an item a row; - reads lines from standard input')
    .option('--text-column <name>', 'column of texts (default: text)')
    .option('--image-column <name>', 'column of image paths, relative to the file (default: image)')
    .option('--id-column <name>', 'column that names a row (default: id, else its number)')
    .option('--bundle <dir>', 'folder or address of a bundle (default: the bundled model)')
    .option('--cropped', 'images are faces that are cut out already')
    .option('--all-faces', 'read every face of an image (jsonl)')
    .option('--gate', 'give the gate in every dimension (jsonl)')
    .option('--risk <share>', 'say where an answer is too unsure for this share of errors', decimal)
    .option('--coverage <share>', 'give the labels that hold the true one this often', decimal)
    .addOption(
      new Option('--format <kind>', 'how results are printed (default: by --out, else table)').choices([
        ...['table', 'jsonl', 'csv'],
      ]),
    )
    .option('--out <file>', 'write results here, *.csv or *.jsonl; an interrupted run goes on')
    .option('--overwrite', 'replace what --out names')
    .option('--threads <n>', 'threads to compute with (default: all cores)', wholeNumber)
    .option('--json', 'the same as --format jsonl')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

async function run(options: Options, output: Output): Promise<void> {
  const source = await sourceOf(options);
  const format = formatOf(options);
  const [{ loadRecognizer }, { csvHeader, formatRows, answerLabels, renderMany, renderOne }] =
    await Promise.all([import('../../recognizer/node/load.js'), import('../predictions.js')]);
  const progress = await progressOf(output);
  const signal = interruption();
  const { bundle, threads } = options;
  const recognizer = await loadRecognizer({
    ...(bundle === undefined ? {} : { bundle }),
    ...(threads === undefined ? {} : { threads }),
  });
  const settings: RecognizeOptions = {
    faces: options.cropped ? 'cropped' : 'detect',
    ...{ allFaces: options.allFaces === true, gate: options.gate === true, signal },
    ...(options.risk === undefined ? {} : { risk: options.risk }),
    ...(options.coverage === undefined ? {} : { coverage: options.coverage }),
  };
  const labels = answerLabels(recognizer.info);
  try {
    if (options.out !== undefined)
      return await writeAll(recognizer, source, options.out, { options, settings, labels, progress, output });
    const rows: Predicted[] = [];
    if (format === 'csv') process.stdout.write(csvHeader(labels));
    for await (const some of predicted(recognizer, source.items, settings, progress)) {
      if (format === 'table') rows.push(...some);
      else process.stdout.write(formatRows(some, format, labels));
    }
    if (format !== 'table') return;
    output.print(rows.length === 1 ? renderOne(rows[0]!, output.width) : renderMany(rows, output.width));
  } finally {
    progress.end();
    await recognizer.dispose();
  }
}

interface Source {
  readonly items: AsyncIterable<NamedItem> | Iterable<NamedItem>;
  /** What tells these items from others; undefined where that cannot be told. */
  readonly fingerprint: string | undefined;
}

async function sourceOf(options: Options): Promise<Source> {
  const { text, image, input } = options;
  if (input !== undefined && (text !== undefined || image !== undefined))
    throw new MienError('usage', '--input stands alone: a table has its own texts and images', {
      hint: 'Columns are named by --text-column and --image-column.',
    });
  const { itemsOfFile, itemsOfFolder, itemsOfLines } = await import('../../recognizer/node/items.js');
  const columns = { text: options.textColumn, image: options.imageColumn, id: options.idColumn };
  const marked = (path: string): string => {
    const { size, mtimeMs } = statSync(path);
    return `${path} ${size} ${mtimeMs}`;
  };
  if (input === '-') return { items: itemsOfLines(process.stdin, columns), fingerprint: undefined };
  if (input !== undefined) {
    if (!existsSync(input)) throw new MienError('file', 'there is no such file', { file: input });
    return { items: itemsOfFile(input, columns), fingerprint: marked(input) };
  }
  if (image !== undefined && existsSync(image) && statSync(image).isDirectory()) {
    if (text !== undefined) throw new MienError('usage', 'one text does not go with a folder of images');
    return { items: itemsOfFolder(image), fingerprint: marked(image) };
  }
  if (text === undefined && image === undefined)
    throw new MienError('usage', 'nothing to recognise', {
      hint: 'Use --text TEXT, --image FILE, both, or --input FILE.',
    });
  return {
    items: [
      {
        id: image ?? 'text',
        ...(text === undefined ? {} : { text }),
        ...(image === undefined ? {} : { image }),
      },
    ],
    fingerprint: JSON.stringify([text, image]),
  };
}

function formatOf({ format, out, json }: Options): Format {
  const named = out === undefined ? undefined : extname(out).toLowerCase().slice(1);
  if (named !== undefined && named !== 'csv' && named !== 'jsonl')
    throw new MienError('usage', `"${out}" ends neither in .csv nor in .jsonl`, { field: '--out' });
  if (named !== undefined && format !== undefined && format !== named)
    throw new MienError('usage', `${out} is written as ${named}, not as ${format}`, { field: '--format' });
  return named ?? format ?? (json ? 'jsonl' : 'table');
}

/** Results with the items' names, some at a time. */
async function* predicted(
  recognizer: Recognizer,
  items: Source['items'],
  settings: RecognizeOptions,
  progress: Progress,
): AsyncGenerator<Predicted[]> {
  progress.begin('recognise', undefined, 'items');
  const ids: string[] = [];
  async function* noting(): AsyncGenerator<NamedItem> {
    for await (const item of items) {
      ids.push(item.id);
      yield item;
    }
  }
  let some: Predicted[] = [];
  for await (const result of recognizer.stream(noting(), { ...settings, batchSize: BATCH })) {
    some.push({ id: ids.shift()!, result });
    progress.advance();
    if (some.length < BATCH && ids.length > 0) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

interface Writing {
  readonly options: Options;
  readonly settings: RecognizeOptions;
  readonly labels: readonly string[];
  readonly progress: Progress;
  readonly output: Output;
}

async function writeAll(
  recognizer: Recognizer,
  { items, fingerprint }: Source,
  out: string,
  { options, settings, labels, progress, output }: Writing,
): Promise<void> {
  const format = formatOf(options) as 'csv' | 'jsonl';
  const [{ openPredictions }, { csvHeader, formatRows }] = await Promise.all([
    import('../../recognizer/node/predictions.js'),
    import('../predictions.js'),
  ]);
  const { signal: _signal, ...told } = settings;
  const columns = [options.textColumn, options.imageColumn, options.idColumn];
  const file = await openPredictions(out, {
    fingerprint: sha256(JSON.stringify([fingerprint, columns, told, recognizer.info.files])),
    header: format === 'csv' ? csvHeader(labels) : '',
    // Lines that have gone by do not come again.
    overwrite: options.overwrite === true || fingerprint === undefined,
  });
  let total = file.done;
  let failures = 0;
  try {
    progress.skip(file.done);
    for await (const some of predicted(recognizer, after(items, file.done), settings, progress)) {
      await file.append(formatRows(some, format, labels), some.length);
      total += some.length;
      failures += some.filter(({ result }) => result.error).length;
    }
    await file.finish();
  } finally {
    await file.close();
  }
  progress.end();
  const failed = failures > 0 ? `, of which ${failures} could not be recognised (column or key error)` : '';
  output.message(`${out}: ${total} rows${failed}`);
}

/** All items but the first `count`. */
async function* after(items: Source['items'], count: number): AsyncGenerator<NamedItem> {
  let place = 0;
  for await (const item of items) if (place++ >= count) yield item;
}
