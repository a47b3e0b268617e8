// Reads a results folder back: results.json, the predictions and analyses behind its rows, and which rows belong to
// which features.
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { MienError } from 'mien-engine/base';
import { readText } from 'mien-engine/node';
import { scores } from 'mien/parts';
import type { PredictionRun, RowAnalysis, RowPredictions } from '../experiments/results.js';
import { readAnalysis } from './analysis-file.js';
import { readResults, type ReportedRow, type Results } from './results.js';

/** The rows of one kind of features, by the ids they would have alone. */
export interface System {
  /** What the rows say their features are, for instance `frozen features (pack)`. */
  readonly features: string;
  /** What their ids end in, with the hyphen; empty for the folder's own features. */
  readonly suffix: string;
  row(id: string): ReportedRow | undefined;
  /** Undefined where the folder holds no predictions of the row. */
  predictions(id: string): Promise<RowPredictions | undefined>;
  /** Undefined where the row was not analysed, or the folder was written before there were analyses. */
  analysis(id: string): Promise<RowAnalysis | undefined>;
}

export interface ResultsFolder {
  /** As the user gave it. */
  readonly path: string;
  /** What it goes by on the page. */
  readonly name: string;
  readonly results: Results;
  readonly systems: readonly System[];
}

/** @throws MienError `file` when there is no results.json, `format` when it is not one. */
export async function openResults(path: string): Promise<ResultsFolder> {
  const file = join(path, 'results.json');
  if (!existsSync(file))
    throw new MienError('file', 'this folder holds no results', {
      file: path,
      hint: 'Make some: mien reproduce --out DIR, then mien report DIR.',
    });
  const results = await readResults(file);
  return {
    path,
    name: basename(resolve(path)),
    results,
    systems: systemsOf(results.rows).map((system) => open(path, results, system)),
  };
}

/** Several folders; those of one name go by their paths. */
export async function openAllResults(paths: readonly string[]): Promise<ResultsFolder[]> {
  const folders: ResultsFolder[] = [];
  for (const path of paths) folders.push(await openResults(path));
  return folders.map((folder) =>
    folders.some((other) => other !== folder && other.name === folder.name)
      ? { ...folder, name: folder.path }
      : folder,
  );
}

/**
 * The features that rows of one folder were computed on, in order, with what `putBeside` appended to their ids: the
 * text that makes every id of theirs one of the first features' ids.
 */
export function systemsOf(
  rows: readonly Pick<ReportedRow, 'id' | 'features'>[],
): Pick<System, 'features' | 'suffix'>[] {
  const groups = new Map<string, string[]>();
  for (const { id, features } of rows) groups.set(features, [...(groups.get(features) ?? []), id]);
  const [first = []] = groups.values();
  return [...groups].map(([features, ids], i) => {
    if (i === 0) return { features, suffix: '' };
    const suffixes = first.flatMap((id) => (ids[0]!.startsWith(`${id}-`) ? [ids[0]!.slice(id.length)] : []));
    const fits = (suffix: string): boolean =>
      ids.every((id) => id.endsWith(suffix) && first.includes(id.slice(0, -suffix.length)));
    return { features, suffix: suffixes.find(fits) ?? '' };
  });
}

function open(
  path: string,
  { rows }: Results,
  { features, suffix }: Pick<System, 'features' | 'suffix'>,
): System {
  const own = new Map(rows.flatMap((row) => (row.features === features ? [[row.id, row] as const] : [])));
  const kept = new Map<string, Promise<RowPredictions>>();
  return {
    features,
    suffix,
    row: (id) => own.get(id + suffix),
    predictions: async (id) => {
      const row = own.get(id + suffix);
      const file = join(path, 'predictions', `${id}${suffix}.csv`);
      if (row === undefined || !existsSync(file)) return undefined;
      const found = kept.get(id) ?? readPredictions(file, row);
      kept.set(id, found);
      return found;
    },
    analysis: async (id) => {
      const file = join(path, 'analysis', `${id}${suffix}.safetensors`);
      return own.has(id + suffix) && existsSync(file) ? readAnalysis(file) : undefined;
    },
  };
}

/**
 * The predictions of a row, as `predictionsCsv` wrote them.
 * @throws MienError `file` when it cannot be read, `format` when a line is not as docs/results.md says.
 */
async function readPredictions(
  file: string,
  { id: row, labels }: Pick<ReportedRow, 'id' | 'labels'>,
): Promise<RowPredictions> {
  const [header = [], ...lines] = parse(await readText(file)) as string[][];
  const column = (name: string): number => {
    const at = header.indexOf(name);
    if (at < 0) throw new MienError('format', 'this column is missing', { file, field: name });
    return at;
  };
  const [id, seed, label] = [column('id'), column('seed'), column('label')];
  const [face, pairing] = [header.indexOf('face'), header.indexOf('pairing')];
  const probabilities = labels.map((name) => column(`p_${name}`));
  const runs = new Map<string, string[][]>();
  for (const line of lines) {
    const key = `${line[seed]} ${pairing < 0 ? '' : line[pairing]}`;
    const run = runs.get(key);
    if (run) run.push(line);
    else runs.set(key, [line]);
  }
  const runOf = (of: readonly string[][]): PredictionRun => ({
    seed: Number(of[0]![seed]),
    pairing: pairing < 0 ? null : Number(of[0]![pairing]),
    ids: of.map((line) => line[id]!),
    faceIds: face < 0 ? null : of.map((line) => line[face]!),
    truth: Uint8Array.from(of, (line) => {
      const index = labels.indexOf(line[label]!);
      if (index < 0)
        throw new MienError('format', `"${line[label]}" is not one of the row's labels`, {
          file,
          field: 'label',
        });
      return index;
    }),
    posteriors: scores(
      labels.length,
      Float64Array.from(of.flatMap((line) => probabilities.map((at) => Number(line[at])))),
    ),
  });
  return { row, labels, runs: [...runs.values()].map(runOf) };
}
