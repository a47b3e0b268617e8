// Reads results folders: results.json, predictions and analyses of its rows, which rows belong to which features, and
// which rows the report's figures and tests use.
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { MienError } from 'mien-engine/base';
import { readText } from 'mien-engine/node';
import type { Modality } from 'mien/parts/bundle';
import { FACE_LABELS } from 'mien/parts/data';
import { scores } from 'mien/parts/evaluate';
import type { Config } from '../experiments/config.js';
import type { FaceSource } from '../experiments/data.js';
import { FACE_SOURCES } from '../experiments/plan.js';
import type { PredictionRun, RowAnalysis, RowPredictions } from '../experiments/results.js';
import { setTitles } from '../experiments/row-parts.js';
import { tripleId, type TripleKind } from '../experiments/triple-parts.js';
import type { Degree } from '../features/corrupted.js';
import { type HeadName, headNames, modalitiesOf } from '../heads/heads.js';
import { readAnalysis } from './analysis-file.js';
import { readResults, type ReportedRow, type Results } from './results.js';

/** The rows of one kind of features, by their ids without suffix. */
export interface System {
  /** The features as the rows name them, such as `frozen features (pack)`. */
  readonly features: string;
  /** Suffix of their ids, with the hyphen; empty for the folder's main features. */
  readonly suffix: string;
  row(id: string): ReportedRow | undefined;
  /** Undefined if the folder has no predictions of the row. */
  predictions(id: string): Promise<RowPredictions | undefined>;
  /** Undefined if the row was not analysed, or the folder was written before analyses existed. */
  analysis(id: string): Promise<RowAnalysis | undefined>;
}

export interface ResultsFolder {
  /** As specified by the user. */
  readonly path: string;
  /** Its name on the page. */
  readonly name: string;
  readonly results: Results;
  readonly systems: readonly System[];
}

/** @throws MienError `file` if there is no results.json, `format` if it is invalid */
export async function openResults(path: string): Promise<ResultsFolder> {
  const file = join(path, 'results.json');
  if (!existsSync(file))
    throw new MienError('file', 'this folder contains no results', {
      file: path,
      hint: 'Create them: mien reproduce --out DIR, then mien report DIR.',
    });
  const results = await readResults(file);
  return {
    path,
    name: basename(resolve(path)),
    results,
    systems: systemsOf(results.rows).map((system) => open(path, results, system)),
  };
}

/** Opens several folders; those with the same name are named by their paths. */
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
 * The features of the rows of one folder, in order, with the suffix that `putBeside` appended to their ids: all of them end
 * with it, and without it they are ids of the first features, except for rows of kinds that those do not have.
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
    const known = (suffix: string): number =>
      ids.filter((id) => first.includes(id.slice(0, -suffix.length))).length;
    const [suffix = ''] = suffixes
      .filter((one) => ids.every((id) => id.endsWith(one)))
      .sort((a, b) => known(b) - known(a));
    return { features, suffix };
  });
}

function open(
  path: string,
  { rows }: Results,
  { features, suffix }: Pick<System, 'features' | 'suffix'>,
): System {
  const byId = new Map(rows.flatMap((row) => (row.features === features ? [[row.id, row] as const] : [])));
  const kept = new Map<string, Promise<RowPredictions>>();
  return {
    features,
    suffix,
    row: (id) => byId.get(id + suffix),
    predictions: async (id) => {
      const row = byId.get(id + suffix);
      const file = join(path, 'predictions', `${id}${suffix}.csv`);
      if (row === undefined || !existsSync(file)) return undefined;
      const found = kept.get(id) ?? readPredictions(file, row);
      kept.set(id, found);
      return found;
    },
    analysis: async (id) => {
      const file = join(path, 'analysis', `${id}${suffix}.safetensors`);
      return byId.has(id + suffix) && existsSync(file) ? readAnalysis(file) : undefined;
    },
  };
}

/**
 * The predictions of a row, as written by `predictionsCsv`.
 * @throws MienError `file` if it cannot be read, `format` if a line does not have the form in docs/results.md
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
  const [face, voice, pairing] = ['face', 'voice', 'pairing'].map((name) => header.indexOf(name)) as [
    number,
    number,
    number,
  ];
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
    ...(voice < 0 ? {} : { voiceIds: of.map((line) => line[voice]!) }),
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

/** Ids of rows on one kind of pairs, without the suffix of additional features. */
export interface PairedIds {
  readonly source: FaceSource;
  readonly dataset: string;
  readonly text: string;
  /** The face head on the faces of the pairs. */
  readonly face: string;
  readonly product: string;
  readonly heads: readonly { readonly head: HeadName; readonly id: string }[];
  /** The id of a fused head's row. */
  readonly headId: (head: HeadName) => string;
}

export interface RowIds {
  /** On all items of one set, with its own label distribution: text, faces. */
  readonly text: string;
  readonly face: string;
  /** All seven labels of each set. */
  readonly seven: readonly string[];
  /** Main pairs first. */
  readonly pairs: readonly [PairedIds, ...PairedIds[]];
  /** Of a row on triples over the labels of the pairs, or over all seven. */
  readonly triple: (kind: TripleKind, modalities: readonly Modality[], worse?: Degree) => string;
  readonly sevenTriple: (kind: TripleKind, modalities: readonly Modality[]) => string;
}

const fusedHeads = headNames.filter((head) => modalitiesOf(head).length > 1);

/** The ids assigned by `experiments/`; a row may be missing. */
export function rowIds({ labels, pairing }: Pick<Config, 'labels' | 'pairing'>): RowIds {
  const k = labels.length;
  const main = pairing.faces;
  const text = `II-text-${k}`;
  const paired = (source: FaceSource): PairedIds => {
    const headId = (head: HeadName): string => `III-${head}-${source}`;
    return {
      source,
      dataset: `ISEAR × ${setTitles[source]}`,
      text,
      face: `II-face-${k}-${source}-paired`,
      product: `III-product-${source}`,
      heads: fusedHeads.map((head) => ({ head, id: headId(head) })),
      headId,
    };
  };
  return {
    text,
    face: `II-face-${k}-${main}`,
    seven: ['II-text-7', ...FACE_SOURCES.map((source) => `II-face-7-${source}`)],
    pairs: [paired(main), ...FACE_SOURCES.filter((source) => source !== main).map(paired)],
    triple: (kind, modalities, worse) => tripleId(k, kind, modalities, worse),
    sevenTriple: (kind, modalities) => tripleId(FACE_LABELS.length, kind, modalities),
  };
}
