// Writes a results folder: results.json, tables.md, predictions per item, confusion matrices and analyses.
import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { MienError } from 'mien-engine/base';
import { fileError, writeFileAtomic } from 'mien-engine/node';
import { argmax, confusionMatrix, type ConfusionMatrix } from 'mien/parts/evaluate';
import type { ExperimentResults, PredictionRun, RowPredictions } from '../experiments/results.js';
import { encodeAnalysis } from './analysis-file.js';
import { toResults, type Results } from './results.js';
import { renderTablesMarkdown } from './tables.js';

/** The content of `confusion/<row>.json`. */
interface ConfusionFile {
  readonly row: string;
  readonly labels: readonly string[];
  /** Number of runs (model seeds × test pairings) summed in `counts`. */
  readonly runs: number;
  readonly counts: ConfusionMatrix;
}

/**
 * Writes all files of a report into `folder`, each atomically, results.json last; returns its content.
 * @throws MienError `file` if the folder cannot be written, `usage` if two rows have the same id
 */
export async function writeReport(
  folder: string,
  experiment: ExperimentResults,
  predictions: Iterable<RowPredictions> | AsyncIterable<RowPredictions>,
): Promise<Results> {
  const results = toResults(experiment);
  for await (const row of predictions) {
    await writeFileAtomic(join(folder, 'predictions', `${row.row}.csv`), predictionsCsv(row));
    const confusion = confusionOf(row);
    await writeFileAtomic(join(folder, 'confusion', `${row.row}.json`), `${JSON.stringify(confusion)}\n`);
    await writeFileAtomic(join(folder, 'confusion', `${row.row}.csv`), confusionCsv(confusion));
    if (row.analysis !== undefined)
      await writeFileAtomic(
        join(folder, 'analysis', `${row.row}.safetensors`),
        encodeAnalysis(row.row, row.labels, row.analysis),
      );
  }
  await writeFileAtomic(join(folder, 'tables.md'), renderTablesMarkdown(results));
  await writeFileAtomic(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

/**
 * As `writeReport`, replacing the previous content of the folder, which is kept until the new one is complete.
 * @throws MienError `file` if the folder cannot be written, `usage` if two rows have the same id
 */
export async function replaceReport(
  folder: string,
  experiment: ExperimentResults,
  predictions: Iterable<RowPredictions> | AsyncIterable<RowPredictions>,
): Promise<Results> {
  const fresh = `${folder}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const results = await writeReport(fresh, experiment, predictions);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
    return results;
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true }).catch(() => undefined);
    throw cause instanceof MienError ? cause : fileError('write', folder, cause);
  }
}

/** The CSV of a row's predictions, one chunk per run; docs/results.md lists the columns. */
function* predictionsCsv({ labels, runs }: RowPredictions): Generator<string> {
  const has = {
    face: runs.some(({ faceIds }) => faceIds !== null),
    voice: runs.some(({ voiceIds }) => voiceIds !== undefined),
  };
  const paired = has.face || has.voice;
  yield stringify([
    [
      'id',
      ...(has.face ? ['face'] : []),
      ...(has.voice ? ['voice'] : []),
      'seed',
      ...(paired ? ['pairing'] : []),
      'label',
      'predicted',
      ...labels.map((label) => `p_${label}`),
    ],
  ]);
  for (const run of runs) yield recordsOf(run, labels, has);
}

/** A field of a CSV; most need no quotes, and a hundred rows have millions of them. */
const field = (text: string): string =>
  /^[\w#./-]*$/.test(text) ? text : stringify([[text]], { eof: false });

/** The lines of a run. */
function recordsOf(
  run: PredictionRun,
  labels: readonly string[],
  has: Readonly<Record<'face' | 'voice', boolean>>,
): string {
  const { classes, data } = run.posteriors;
  const predicted = argmax(run.posteriors);
  const names = labels.map(field);
  const seed = `,${run.seed},${has.face || has.voice ? `${run.pairing ?? ''},` : ''}`;
  let lines = '';
  for (let i = 0; i < run.ids.length; i++) {
    lines += field(run.ids[i]!);
    if (has.face) lines += `,${field(run.faceIds?.[i] ?? '')}`;
    if (has.voice) lines += `,${field(run.voiceIds?.[i] ?? '')}`;
    lines += `${seed}${names[run.truth[i]!]},${names[predicted[i]!]}`;
    for (let k = i * classes; k < (i + 1) * classes; k++) lines += `,${Number(data[k]!.toPrecision(6))}`;
    lines += '\n';
  }
  return lines;
}

/** The confusion matrix of a row, summed over its runs. */
function confusionOf({ row, labels, runs }: RowPredictions): ConfusionFile {
  const counts = labels.map(() => labels.map(() => 0));
  for (const { truth, posteriors } of runs)
    confusionMatrix(truth, argmax(posteriors), labels.length).forEach((line, t) =>
      line.forEach((count, p) => (counts[t]![p]! += count)),
    );
  return { row, labels, runs: runs.length, counts };
}

const confusionCsv = ({ labels, counts }: ConfusionFile): string =>
  stringify([['label', ...labels], ...counts.map((line, t) => [labels[t], ...line])]);
