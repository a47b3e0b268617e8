// The features of an experiment: one store per data set in a common folder, with separate stores for different encoders
// and settings.
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { defined, MienError } from 'mien-engine/base';
import type { Progress } from 'mien/parts/base';
import type { Protocol, Split } from 'mien/parts/data';
import { decodeImage, type FaceEncoder, type TextEncoder } from 'mien/parts/encoders';
import { ANNOTATIONS_NAME, annotate, encodeAnnotations, joinSets, readAnnotations } from './annotations.js';
import { clipOf } from '../data/speech.js';
import type { VoiceEncoder } from '../encoders/load-voice.js';
import { faceEmbedder, textEmbedder, voiceEmbedder } from './embed.js';
import type {
  Embedder,
  EmbedderOptions,
  StoreClip,
  StoreFace,
  StoreText,
  VoiceEmbedderOptions,
} from './embed.js';
import { corruptedId, type Corrupter, describeDegrees } from './corrupted.js';
import { configOf, fillStore, writeWhenNew } from './fill.js';
import type { FillResult } from './fill.js';
import { configKey } from './format.js';
import type { Part } from './format.js';
import { mergeParts } from './merge.js';
import type { MergeResult } from './merge.js';
import type { FeatureSets, SetName, SomeSets, StoreName } from './sets.js';
import { completeSets, SET_NAMES, STORE_NAMES } from './sets.js';
import { openStore } from './store.js';
import type { Store } from './store.js';

export interface ExtractOptions extends EmbedderOptions {
  /** The cleaned and split data; dropped items are embedded too, so that different splits can share the stores. */
  readonly protocol: Protocol;
  /** Without an encoder, its sets are left out. */
  readonly encoders: {
    readonly text?: TextEncoder;
    readonly face?: FaceEncoder;
    readonly voice?: VoiceEncoder;
  };
  /** Folder that contains a subfolder per store. */
  readonly dir: string;
  /** Only these sets; by default all sets of which the protocol has items. */
  readonly only?: readonly SetName[];
  /** Embeds the test recordings made worse, too. */
  readonly corrupted?: Corrupter<Float32Array>;
  /** Fill only this part of each store. */
  readonly part?: Part;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** `isear-all-MiniLM-L6-v2-0123456789abcdef`: data set, encoder, and a hash of the configuration. */
function storeFolder<Item extends { readonly id: string }>(set: StoreName, embedder: Embedder<Item>): string {
  const encoder = basename(embedder.identity.id).replace(/[^\w.-]+/g, '_');
  return `${set.replace(' ', '-')}-${encoder}-${configKey(configOf(set, embedder))}`;
}

interface Job {
  readonly set: StoreName;
  readonly folder: string;
  readonly fill: () => Promise<FillResult>;
}

function jobsOf(options: ExtractOptions): Job[] {
  const { protocol, encoders, dir, only = SET_NAMES, part, progress, signal } = options;
  const common = defined({ part, progress, signal });
  const jobs: Job[] = [];
  const add = <Item extends { readonly id: string }>(
    set: StoreName,
    embedder: Embedder<Item>,
    items: readonly Item[],
  ): void => {
    const [name] = set.split(' ') as [SetName];
    if (!only.includes(name) || items.length === 0) return;
    const folder = storeFolder(set, embedder);
    const fill = (): Promise<FillResult> =>
      fillStore({ ...common, dir: join(dir, folder), set, embedder, items });
    jobs.push({ set, folder, fill });
  };
  if (encoders.text !== undefined) {
    const items = protocol.texts.map(({ item, text }): StoreText => ({ id: item.id, text }));
    const embedder = textEmbedder(encoders.text, options);
    add('isear', embedder, items);
    add('corpora', embedder, protocol.corpora ?? []);
  }
  if (encoders.face !== undefined) {
    const embedder = faceEmbedder(encoders.face, {
      ...options,
      decode: (bytes, file) => decodeImage(bytes, { file }),
    });
    const faces = protocol.faces.filter((face) => face.reason !== 'unreadable');
    for (const set of ['fer2013', 'rafdb'] as const)
      add(
        set,
        embedder,
        faces.flatMap(({ item }): StoreFace[] => (item.dataset === set ? [item] : [])),
      );
  }
  if (encoders.voice !== undefined) {
    const decode = (bytes: Uint8Array, file: string): Promise<Float32Array> => clipOf(bytes, file);
    const heard = { ...options, decode };
    const items = protocol.voices?.items ?? [];
    add('ravdess', voiceEmbedder(encoders.voice, heard), items);
    if (options.corrupted) {
      const { embedder, worse } = corruptedVoices(encoders.voice, heard, options.corrupted, items);
      add('ravdess corrupted', embedder, worse);
    }
  }
  return jobs;
}

/** The test recordings at each degree, and what embeds them. */
function corruptedVoices(
  encoder: VoiceEncoder,
  options: VoiceEmbedderOptions,
  { degrees, change }: Corrupter<Float32Array>,
  items: readonly (StoreClip & { readonly split: Split })[],
): { readonly embedder: Embedder<StoreClip>; readonly worse: readonly StoreClip[] } {
  const tests = items.filter(({ split }) => split === 'test');
  // The degrees of a recording follow one another, so that it is decoded once.
  const worse = tests.flatMap(({ id, file }) =>
    degrees.map((degree) => ({ id: corruptedId(degree, id), file, degree, of: id })),
  );
  const byId = new Map(worse.map((one) => [one.id, one]));
  const { identity } = encoder;
  const preprocessing = { ...identity.preprocessing, corrupted: describeDegrees(degrees) };
  const embedder = voiceEmbedder(
    { ...encoder, identity: { ...identity, preprocessing } },
    {
      ...options,
      decode: rememberingLast(options.decode),
      change: (sound, id) => {
        const { degree, of } = byId.get(id)!;
        return change(sound, degree, of);
      },
    },
  );
  return { embedder, worse };
}

/** Decodes a file only if it is not the one before. */
function rememberingLast(decode: VoiceEmbedderOptions['decode']): VoiceEmbedderOptions['decode'] {
  let last: { readonly file: string; readonly sound: Promise<Float32Array> } | undefined;
  return (bytes, file) => {
    if (last?.file !== file) last = { file, sound: decode(bytes, file) };
    return last.sound;
  };
}

/**
 * Fills the stores of all sets, resuming an interrupted run, and writes labels and splits beside them.
 * @throws MienError `file` if an item cannot be read or the folder cannot be written, `data` if an image is damaged,
 *   `interrupted` if the signal is aborted; finished shards are kept in every case
 */
export async function extractFeatures(
  options: ExtractOptions,
): Promise<Partial<Record<StoreName, FillResult>>> {
  const jobs = jobsOf(options);
  const results: Partial<Record<StoreName, FillResult>> = {};
  // Images are small and decoded once: threads within an image and a cache would only cost time.
  const [threads, cache] = [sharp.concurrency(), sharp.cache()];
  sharp.concurrency(1);
  sharp.cache(false);
  try {
    for (const { set, fill } of jobs) results[set] = await fill();
  } finally {
    sharp.concurrency(threads);
    sharp.cache({ memory: cache.memory.max, files: cache.files.max, items: cache.items.max });
  }
  if (options.part === undefined || options.part.index === 0) await keepAnnotations(options, jobs);
  return results;
}

async function keepAnnotations({ protocol, dir }: ExtractOptions, jobs: readonly Job[]): Promise<void> {
  const found = await readAnnotations(dir).catch(() => undefined);
  const stores = Object.fromEntries(jobs.map(({ set, folder }) => [set, folder]));
  const annotations = annotate(protocol, { ...found?.stores, ...stores });
  await writeWhenNew(join(dir, ANNOTATIONS_NAME), encodeAnnotations(annotations));
}

/**
 * Extracts missing features and returns the feature sets of an experiment.
 * @throws MienError as `extractFeatures` and `setsFromStores`
 */
export async function featuresOf(options: Omit<ExtractOptions, 'part' | 'only'>): Promise<FeatureSets> {
  const jobs = jobsOf(options);
  const results = await extractFeatures(options);
  const stores: Partial<Record<StoreName, Store>> = {};
  for (const { set } of jobs) stores[set] = await openStore(results[set]!.dir);
  return completeSets(joinSets(annotate(options.protocol), stores));
}

/**
 * The feature sets of an experiment from a folder of stores, without the data they were made from.
 * @throws MienError `file` or `format` if the annotations are missing or damaged, `store` if a store is, `data` if a set
 *   is missing
 */
export const openFeatures = async (dir: string): Promise<FeatureSets> => completeSets(await openSets(dir));

/** The sets of which there are stores in a folder. @throws MienError `file`, `format` or `store` as `openFeatures` */
export async function openSets(dir: string): Promise<SomeSets> {
  const annotations = await readAnnotations(dir);
  const stores: Partial<Record<StoreName, Store>> = {};
  for (const set of STORE_NAMES) {
    const folder = annotations.stores[set];
    if (folder !== undefined) stores[set] = await openStore(join(dir, folder));
  }
  return joinSets(annotations, stores);
}

/**
 * Merges the parts of all stores into `dir`; `sources` are the folders filled by the machines, by default `dir`.
 * @throws MienError `store` if parts are missing, unfinished, damaged or inconsistent
 */
export async function mergeFeatures(
  dir: string,
  sources: readonly string[] = [dir],
  progress?: Progress,
): Promise<MergeResult[]> {
  const annotated = await Promise.all(
    sources.map((source) => readAnnotations(source).catch(() => undefined)),
  );
  const annotations = annotated.find((found) => found !== undefined);
  if (annotations === undefined)
    throw new MienError('store', `there is no ${ANNOTATIONS_NAME}`, {
      file: sources.join(', '),
      hint: 'The part with index 0 writes it after filling its stores.',
    });
  const results: MergeResult[] = [];
  for (const folder of Object.values(annotations.stores))
    results.push(
      await mergeParts(
        join(dir, folder),
        sources.map((source) => join(source, folder)),
        progress,
      ),
    );
  await writeWhenNew(join(dir, ANNOTATIONS_NAME), encodeAnnotations(annotations));
  return results;
}
