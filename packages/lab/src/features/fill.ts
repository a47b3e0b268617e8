// Fills a feature store, or one part of it, and resumes an interrupted run.
//
// The shard is the unit of resuming. Which items a shard contains, and which of them share an encoder batch, depends on
// the item list alone; a shard is written atomically under a name that contains its own hash. A killed run therefore
// leaves only finished shards, and the next run produces the same bytes as an uninterrupted one.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defined, itemsAt, MienError } from 'mien-engine/base';
import { fileError, writeFileAtomic } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { loadChunks } from './chunks.js';
import type { Chunk, AnyIterable } from './chunks.js';
import { throwIfInterrupted } from './embed.js';
import type { Embedder } from './embed.js';
import {
  STORE_FORMAT,
  encodeManifest,
  isPartName,
  manifestName,
  parseShardName,
  readManifest,
  refuseForeign,
  FEATURES_MANIFEST,
} from './format.js';
import type { Manifest, Part, ShardEntry, StoreConfig } from './format.js';
import { readShard, removeFile, type EncodedRow, rowLookup, type RowLookup, writeShard } from './shard.js';

export interface FillOptions<Item extends { readonly id: string }> {
  /** Folder of the store. */
  readonly dir: string;
  /** Name of the data set. */
  readonly set: string;
  readonly embedder: Embedder<Item>;
  /** Read once, in order, and never held in memory as a whole. */
  readonly items: AnyIterable<Item>;
  /** Number of items, for progress; by default the length of an array. */
  readonly total?: number;
  /** Fill only this part: every n-th shard. */
  readonly part?: Part;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface FillResult {
  readonly dir: string;
  /** Items of the whole list. */
  readonly items: number;
  /** Items that were encoded, except for the check of reused rows. */
  readonly computed: number;
  /** Items whose rows were reused. */
  readonly kept: number;
  /** Number of shards written, and of those left unchanged. */
  readonly shards: { readonly written: number; readonly kept: number };
  /** Damaged shards, which were recomputed. */
  readonly damaged: readonly string[];
  /** Whether nothing was written. */
  readonly unchanged: boolean;
}

export const configOf = <Item extends { readonly id: string }>(
  set: string,
  embedder: Embedder<Item>,
): StoreConfig => ({
  set,
  kind: embedder.kind,
  encoder: embedder.identity,
  width: embedder.width,
  states: embedder.states,
  shardSize: embedder.shardSize,
  batchSize: embedder.batchSize,
});

/** The store's folder before this run. */
interface Before {
  /** Shard files by index. */
  readonly byIndex: ReadonlyMap<number, readonly string[]>;
  /** Shard files whose rows may be reused. */
  readonly pool: readonly string[];
}

/**
 * Fills the store in `dir`; the top of this file states what holds however often it is interrupted.
 * @throws MienError `store` if the folder has features of another configuration, `file` if it cannot be written or an
 *   item cannot be read, `interrupted` if the signal is aborted; finished shards are kept in every case
 */
export async function fillStore<Item extends { readonly id: string }>(
  options: FillOptions<Item>,
): Promise<FillResult> {
  const { dir, embedder, part, signal, progress = silentProgress } = options;
  const config = configOf(options.set, embedder);
  const before = await prepareFolder(dir, config, part);
  const ids = createHash('sha256');
  const entries: ShardEntry[] = [];
  const damaged: string[] = [];
  const matched = new Set<string>();
  let items = 0;
  let computed = 0;
  let keptShards = 0;
  let lookup: RowLookup | undefined;

  progress.begin(`features of ${options.set}`, expectedItems(options), embedder.unit);
  const chunks = loadChunks(options.items, embedder, {
    owns: (index) => part === undefined || index % part.of === part.index,
    visit: (id) => {
      items++;
      ids.update(`${id}\n`);
    },
  });
  for await (const chunk of chunks) {
    throwIfInterrupted(signal);
    const found = await findShard(dir, config, chunk, before.byIndex.get(chunk.index) ?? [], (file) => {
      damaged.push(file);
      progress.warn(`${join(dir, file)} is damaged and will be recomputed`);
    });
    if (found !== undefined) {
      matched.add(found.file);
      entries.push(found);
      keptShards++;
      progress.skip(found.items);
      continue;
    }
    lookup ??= await rowLookup(
      dir,
      before.pool.filter((file) => !matched.has(file)),
      config,
    );
    const { rows, encoded } = await rowsOf(chunk, embedder, lookup, progress, signal);
    computed += encoded;
    throwIfInterrupted(signal);
    entries.push(await writeShard(dir, chunk.index, config, { ...chunk, ids: idsOf(chunk), rows }));
  }
  const manifest: Manifest = {
    format: STORE_FORMAT,
    config,
    complete: true,
    items,
    ids: ids.digest('hex'),
    shards: entries,
    ...defined({ part }),
  };
  const wroteManifest = await writeWhenNew(join(dir, manifestName(part)), encodeManifest(manifest));
  const removed = part === undefined ? await removeStale(dir, entries) : 0;
  progress.end();
  return {
    dir,
    items,
    computed,
    kept: entries.reduce((sum, entry) => sum + entry.items, 0) - computed,
    shards: { written: entries.length - keptShards, kept: keptShards },
    damaged,
    unchanged: keptShards === entries.length && !wroteManifest && removed === 0,
  };
}

const idsOf = <Item extends { readonly id: string }>(chunk: Chunk<Item>): string[] =>
  chunk.items.map((item) => item.id);

/** Number of items in this run's shards, if the length of the list is known. */
function expectedItems<Item extends { readonly id: string }>(options: FillOptions<Item>): number | undefined {
  const total = options.total ?? (Array.isArray(options.items) ? options.items.length : undefined);
  if (total === undefined || options.part === undefined) return total;
  const { shardSize } = options.embedder;
  let expected = 0;
  for (let index = options.part.index; index * shardSize < total; index += options.part.of)
    expected += Math.min(shardSize, total - index * shardSize);
  return expected;
}

/** Rejects a store of another configuration, removes incomplete files of killed runs, and marks the store as being filled. */
async function prepareFolder(dir: string, config: StoreConfig, part: Part | undefined): Promise<Before> {
  let names: string[];
  try {
    await mkdir(dir, { recursive: true });
    names = (await readdir(dir)).sort();
  } catch (cause) {
    throw fileError('write', dir, cause);
  }
  let complete = false;
  for (const name of names.filter((name) => name === FEATURES_MANIFEST || isPartName(name))) {
    const manifest = await readManifest(dir, name);
    if (manifest === undefined) continue;
    refuseForeign(join(dir, name), manifest.config, config);
    complete ||= manifest.complete && manifest.part === undefined;
  }
  const owns = (index: number): boolean => part === undefined || index % part.of === part.index;
  const byIndex = new Map<number, string[]>();
  const pool: string[] = [];
  for (const name of names) {
    const shard = parseShardName(name);
    const leftover = name.startsWith(`${manifestName(part)}.`) && name.endsWith('.tmp');
    if (leftover || (shard?.temporary && owns(shard.index))) await removeFile(dir, name);
    if (shard === undefined || shard.temporary) continue;
    byIndex.set(shard.index, [...(byIndex.get(shard.index) ?? []), name]);
    // While n machines fill a store for the first time, the shards of others are not useful to this one.
    if (complete || owns(shard.index)) pool.push(name);
  }
  if (!names.includes(manifestName(part))) {
    const manifest = {
      format: STORE_FORMAT,
      config,
      complete: false,
      items: 0,
      ids: '',
      shards: [],
    } as const;
    const content = encodeManifest(part === undefined ? manifest : { ...manifest, part });
    await writeFileAtomic(join(dir, manifestName(part)), content);
  }
  return { byIndex, pool };
}

/** The shard on disk with exactly these items and bytes. @throws MienError `store` if it has another configuration */
async function findShard<Item extends { readonly id: string }>(
  dir: string,
  config: StoreConfig,
  chunk: Chunk<Item>,
  candidates: readonly string[],
  onDamage: (file: string) => void,
): Promise<ShardEntry | undefined> {
  for (const file of candidates) {
    const read = await readShard(dir, file).catch((error: unknown) => {
      if (!(error instanceof MienError) || error.code !== 'store') throw error;
      onDamage(file);
      return undefined;
    });
    if (read === undefined) continue;
    refuseForeign(join(dir, file), read.config, config);
    const { entry, shard } = read;
    const same =
      shard.ids.length === chunk.items.length &&
      chunk.items.every((item, i) => item.id === shard.ids[i]) &&
      Buffer.compare(shard.hashes.data, chunk.hashes) === 0;
    if (same) return entry;
  }
  return undefined;
}

/** Rows of a chunk: reused from the store if it has them, computed otherwise. */
async function rowsOf<Item extends { readonly id: string }>(
  chunk: Chunk<Item>,
  embedder: Embedder<Item>,
  lookup: RowLookup,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<{ rows: EncodedRow[]; encoded: number }> {
  const encode = (indices: readonly number[], advance: (count: number) => void): Promise<EncodedRow[]> =>
    embedder.encode(itemsAt(chunk.items, indices), itemsAt(chunk.contents, indices), { advance, signal });
  const all = [...chunk.items.keys()];
  let known = new Map<number, EncodedRow>();
  for (const i of all) {
    const row = await lookup(chunk.hashes.subarray(i * 32, (i + 1) * 32));
    if (row !== undefined) known.set(i, row);
  }
  // Rows may only be reused if they do not depend on the size of their batch: encode one of them again, alone, to check.
  if (known.size > 0) {
    const witness = embedder.witness(chunk.items, [...known.keys()]);
    const [again] = await encode([witness], () => undefined);
    if (!sameRow(again!, known.get(witness)!)) {
      progress.warn('the encoder rounds differently from when this store was filled: recomputing a shard');
      known = new Map();
    }
  }
  if (known.size > 0) progress.skip(known.size);
  const missing = all.filter((i) => !known.has(i));
  const fresh = await encode(missing, (count) => progress.advance(count));
  missing.forEach((i, j) => known.set(i, fresh[j]!));
  return { rows: all.map((i) => known.get(i)!), encoded: missing.length };
}

const sameRow = (a: EncodedRow, b: EncodedRow): boolean =>
  sameBytes(a.embedding, b.embedding) &&
  (a.states === undefined || (b.states !== undefined && sameBytes(a.states.data, b.states.data)));

const sameBytes = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.compare(
    new Uint8Array(a.buffer, a.byteOffset, a.byteLength),
    new Uint8Array(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;

/** Writes a file unless it already has this content; returns whether it did. */
export async function writeWhenNew(path: string, content: string): Promise<boolean> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === content) return false;
  await writeFileAtomic(path, content);
  return true;
}

/** Removes shards and part manifests that a complete manifest does not refer to; returns how many. */
export async function removeStale(dir: string, entries: readonly ShardEntry[]): Promise<number> {
  const needed = new Set(entries.map((entry) => entry.file));
  const stale = (await readdir(dir)).filter(
    (name) => isPartName(name) || (parseShardName(name) !== undefined && !needed.has(name)),
  );
  for (const name of stale) await removeFile(dir, name);
  return stale.length;
}
