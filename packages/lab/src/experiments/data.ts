// Feature sets as experiments use them: one table a modality, and the items of each label set and split as rows of it.
import { defined, memoized, MienError, stackRows, type Tensor } from 'mien-engine/base';
import { pairModalities, type Partner } from '../data/pairing.js';
import type { Degree } from '../features/corrupted.js';
import type { StateTable } from '../features/store.js';
import type { FeatureSet, FeatureSets, Fer2013FeatureSet, Split } from '../features/sets.js';
import type { Items } from '../train/head-graph.js';

/** Whose texts: ISEAR's; or those of all corpora, of which ISEAR's are no test. */
export type TextSource = 'isear' | 'all';

/** Whose faces. */
export type FaceSource = 'fer2013' | 'rafdb' | 'both';

/** Some items of one modality. */
export interface Selection {
  /** Rows in the modality's table. */
  readonly rows: Int32Array;
  /** Indices into the label set that was asked for. */
  readonly labels: Uint8Array;
  readonly ids: readonly string[];
}

/** Test voices made worse to one degree, whose embeddings stand below the clean ones in the table. */
interface CorruptedVoices extends Degree {
  /** Their rows in the table, by the rows of the clean ones. */
  readonly rowsOf: (rows: Int32Array) => Int32Array;
}

export interface ExperimentData {
  readonly sets: FeatureSets;
  /** Whose texts are selected. */
  readonly source: TextSource;
  /**
   * Embeddings of all texts `[n, width]`, ISEAR's first, of all faces, FER2013's first, and of voices, if there are any, with
   * those of `corrupted` below.
   */
  readonly tables: {
    readonly text: Tensor<'float32'>;
    readonly face: Tensor<'float32'>;
    readonly voice?: Tensor<'float32'>;
  };
  /** The same rows as token states and regions, where they were extracted. */
  readonly states?: Readonly<Record<'text' | 'face', StateTable>>;
  texts(labels: readonly string[], split: Split): Selection;
  /** `usage` keeps one of FER2013's official parts only. */
  faces(source: FaceSource, labels: readonly string[], split: Split, usage?: string): Selection;
  voices(labels: readonly string[], split: Split): Selection;
  /** Empty without such embeddings. */
  readonly corrupted: readonly CorruptedVoices[];
}

/** What a model is selected and tested on. */
export interface EvaluationItems {
  readonly validation: Items & { readonly labels: Uint8Array };
  readonly tests: readonly (Items & { readonly labels: Uint8Array })[];
}

/**
 * Features as experiments use them. With the texts of all corpora, those for training and validation are ISEAR's and the
 * others', and those for tests the others' only: ISEAR has no neutral and no surprise.
 * @throws MienError `data` when a selection is empty: the label set or the data cannot be used.
 */
export function experimentData(sets: FeatureSets, source: TextSource = 'isear'): ExperimentData {
  const { fer2013, rafdb } = sets.faces;
  const count = fer2013.embeddings.shape[0]!;
  const table = stackRows([fer2013.embeddings, rafdb.embeddings]);

  const faces: ExperimentData['faces'] = remembered((source, labels, split, usage) => {
    const parts = [
      ...(source === 'rafdb' ? [] : [select(fer2013, labels, split, 0, usage)]),
      ...(source === 'fer2013' ? [] : [select(rafdb, labels, split, count)]),
    ];
    return filled(join(parts), `faces of ${source}`, split);
  });
  const further = source === 'all' ? sets.corpora : undefined;
  if (source === 'all' && further === undefined)
    throw new MienError('data', 'there are no features of texts of other corpora than ISEAR', {
      hint: 'Put the corpora into the data folder (docs/data.md) and extract again.',
    });
  const texts: ExperimentData['texts'] = remembered((labels, split) => {
    const parts = [
      ...(further && split === 'test' ? [] : [select(sets.texts, labels, split, 0)]),
      ...(further ? [select(further, labels, split, sets.texts.ids.length)] : []),
    ];
    return filled(join(parts), 'texts', split);
  });
  const voices: ExperimentData['voices'] = remembered((labels, split) =>
    filled(sets.voices && select(sets.voices, labels, split, 0), 'voices', split),
  );
  const own = sets.texts.embeddings;
  const text = further ? stackRows([own, further.embeddings]) : own;
  const voice = sets.voices && stackRows([sets.voices.embeddings, ...worseOf(sets.voices)]);
  const tables = { text, face: table, ...defined({ voice }) };
  return { sets, source, tables, texts, faces, voices, corrupted: corruptedVoices(sets.voices) };
}

const worseOf = ({ corrupted = [] }: FeatureSet) => corrupted.map(({ embeddings }) => embeddings);

function corruptedVoices(voices: FeatureSet | undefined): CorruptedVoices[] {
  if (voices?.corrupted === undefined) return [];
  const { ids, split } = voices;
  const tests = [...ids.keys()].filter((row) => split[row] === 'test');
  const places = new Map(tests.map((row, place) => [row, place]));
  return voices.corrupted.map(({ as, level }, i) => ({
    as,
    level,
    rowsOf: (rows) => rows.map((row) => ids.length + i * tests.length + places.get(row)!),
  }));
}

/** The same function with its results kept: every head of every seed asks for the same few selections. */
function remembered<Args extends readonly unknown[], T>(of: (...args: Args) => T): (...args: Args) => T {
  const known = new Map<string, T>();
  return (...args) => {
    const key = JSON.stringify(args);
    const found = known.get(key) ?? of(...args);
    known.set(key, found);
    return found;
  };
}

function select(
  set: FeatureSet | Fer2013FeatureSet,
  labels: readonly string[],
  split: Split,
  offset: number,
  usage?: string,
): Selection {
  const index = set.labelNames.map((name) => labels.indexOf(name));
  const chosen: number[] = [];
  set.split.forEach((itemSplit, i) => {
    if (itemSplit !== split || index[set.labels[i]!]! < 0) return;
    if (usage !== undefined && (!('usage' in set) || set.usage[i] !== usage)) return;
    chosen.push(i);
  });
  return {
    rows: Int32Array.from(chosen, (i) => i + offset),
    labels: Uint8Array.from(chosen, (i) => index[set.labels[i]!]!),
    ids: chosen.map((i) => set.ids[i]!),
  };
}

const join = (parts: readonly Selection[]): Selection => ({
  rows: Int32Array.from(parts.flatMap(({ rows }) => [...rows])),
  labels: Uint8Array.from(parts.flatMap(({ labels }) => [...labels])),
  ids: parts.flatMap(({ ids }) => ids),
});

function filled(selection: Selection | undefined, what: string, split: Split): Selection {
  if (selection === undefined || selection.rows.length === 0)
    throw new MienError('data', `there are no ${what} in the ${split} split for these labels`, {
      hint: 'Check the labels of the configuration, and what `mien data` counts.',
    });
  return selection;
}

/** Some items by their positions in a selection. */
export const take = ({ rows, labels, ids }: Selection, positions: ArrayLike<number>): Selection => ({
  rows: Int32Array.from(positions, (i) => rows[i]!),
  labels: Uint8Array.from(positions, (i) => labels[i]!),
  ids: Array.from(positions, (i) => ids[i]!),
});

/** Selections that items are matched from: the texts say which labels. */
export type Matched<M extends Partner = Partner> = Readonly<Record<M, Selection> & { text: Selection }>;

/** For every text the position of an item of its label in each of the other selections (see `pairModalities`). */
export function match<M extends Partner>(
  { text, ...others }: Matched<M>,
  seed: number,
  index: number,
  stream: string,
): Record<M, Int32Array> {
  const entries = Object.entries(others as unknown as Record<M, Selection>) as [M, Selection][];
  const items = Object.fromEntries(entries.map(([modality, one]) => [modality, labelled(one)]));
  return pairModalities(labelled(text), items as Record<M, { label: string }[]>, seed, index, stream);
}

/** The labels of a selection as `pairModalities` takes them; one list for each, so that it is indexed once. */
const labelled = memoized(({ labels }: Selection) =>
  Array.from(labels, (label) => ({ label: String(label) })),
);

/** For every text the position of a face of its label in `faces` (see `pairFaces`). */
export const pair = (
  texts: Selection,
  faces: Selection,
  seed: number,
  index: number,
  stream: string,
): Int32Array => match<'face'>({ text: texts, face: faces }, seed, index, stream).face;
