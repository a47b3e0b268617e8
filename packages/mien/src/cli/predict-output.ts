// Where the results of `mien predict` go: to standard output, a file, or a folder of parts.
import { rm, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { MienError } from 'mien-engine/base';
import { sha256 } from 'mien-engine/node';
import type { NamedItem } from '../recognizer/node/items.js';
import { counted, failureOf, type Outcome } from './outcome.js';
import type { Output } from './output.js';
import { predicted, type Work } from './predict-items.js';
import type { PredictSource, SourceOptions } from './predict-source.js';
import type { FileFormat, Format } from './predictions.js';
import { type JobShare, jobShareOf } from './shard.js';

export interface OutputOptions extends SourceOptions {
  readonly explain?: boolean | string;
  readonly format?: Format;
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly shard?: string;
  readonly shards?: string;
  readonly rowsPerPart: number;
  readonly json?: boolean;
}

const FILE_FORMATS: readonly string[] = ['csv', 'jsonl', 'parquet'] satisfies FileFormat[];

/** @throws MienError `usage` if the format contradicts the name of the file, or cannot contain what is requested */
export function formatOf({ format, out, json, explain, input }: OutputOptions): Format {
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
export async function folderOf({ out, shard, shards }: OutputOptions): Promise<string | undefined> {
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

interface Writing extends Work {
  readonly options: OutputOptions;
  readonly labels: readonly string[];
  readonly output: Output;
}

/** Writes one CSV or JSONL file, row by row; resumes an interrupted run. */
export async function writeRows(
  { items, fingerprint }: PredictSource,
  out: string,
  { options, labels, output, ...work }: Writing,
): Promise<void> {
  const { recognizer, settings, progress, explain } = work;
  const format = formatOf(options) as 'csv' | 'jsonl';
  const [{ openPredictions }, { csvHeader, formatRows }] = await Promise.all([
    import('../recognizer/node/predictions.js'),
    import('./predictions.js'),
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
  output.message(`${out}: ${rowsOf(outcome)}`);
}

/** Writes parts to a folder; those of one Parquet file are joined at the end. */
export async function writeParts(
  { tables, reading = {} }: PredictSource,
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
  const [{ joinParts, predictToFolder }, { refuseExisting }] = await Promise.all([
    import('./predict-parts.js'),
    import('../recognizer/node/predictions.js'),
  ]);
  if (out !== dir && !overwrite) await refuseExisting(out);
  const shard = out === dir ? jobShareOf(options) : undefined;
  const { signal: _signal, ...recognition } = settings;
  const outcome = await predictToFolder({
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
  const rows = rowsOf(outcome, shard);
  if (out !== dir) {
    await joinParts(dir, out, overwrite);
    await rm(dir, { recursive: true });
  }
  output.message(outcome.items === 0 ? `${out}: nothing to do, all there` : `${out}: ${rows}`);
}

/** The number of rows, and of those without an answer. @throws MienError `data` if no row has one */
function rowsOf(outcome: Outcome, shard?: JobShare): string {
  const failure = failureOf(outcome);
  if (failure) throw failure;
  const { items, failed } = outcome;
  const part = shard ? ` as share ${shard.index} of ${shard.of}` : '';
  const failures = failed > 0 ? `, ${failed} of them not recognised (see column or key error)` : '';
  return `${items} rows${part}${failures}`;
}

/** All items but the first `count`. */
async function* after(items: PredictSource['items'], count: number): AsyncGenerator<NamedItem> {
  let index = 0;
  for await (const item of items) if (index++ >= count) yield item;
}
