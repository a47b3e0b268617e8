// Reads feature stores, checked against their manifests: embeddings in item order, or all states of the items; and
// fills a store for items that are not a data set.
import { join } from 'node:path';
import { float32, float32ToFloat16, MienError, type Tensor, tensor } from 'mien-engine/base';
import type { Embedder } from './embed.js';
import { configOf, type FillOptions, fillStore } from './fill.js';
import { configKey, type Manifest, readManifest, refuseForeign, type StoreConfig } from './format.js';
import { readShard, type Shard } from './shard.js';

export interface Store {
  readonly dir: string;
  readonly manifest: Manifest;
  /** Item ids, in the order of the rows. */
  readonly ids: readonly string[];
  /** SHA-256 of each item's bytes, `[n, 32]`. */
  readonly hashes: Tensor<'uint8'>;
  /** Pooled embeddings `[n, width]`. */
  readonly embeddings: Tensor<'float32'>;
}

/** @throws MienError `store` if there is no store, or it is incomplete */
async function readStoreManifest(dir: string): Promise<Manifest> {
  const manifest = await readManifest(dir);
  if (manifest === undefined)
    throw new MienError('store', 'there is no feature store in this folder', {
      file: dir,
      hint: 'Create one with `mien extract`; parts filled with --shard need `mien extract merge` first.',
    });
  if (!manifest.complete)
    throw new MienError('store', 'this feature store is incomplete', {
      file: dir,
      hint: 'Run the same `mien extract` again: it resumes where it stopped.',
    });
  return manifest;
}

/**
 * The shards of a store in order, checked against the manifest; only one is in memory at a time.
 * @throws MienError `store` if a shard is missing, damaged or not the one in the manifest
 */
export async function* readShards(dir: string, manifest: Manifest): AsyncGenerator<Shard, void, undefined> {
  for (const entry of manifest.shards) {
    const {
      entry: found,
      config,
      shard,
    } = await readShard(dir, entry.file).catch((error: unknown) => {
      if (!(error instanceof MienError) || error.code !== 'file') throw error;
      throw new MienError('store', 'this shard of the feature store is missing', {
        file: join(dir, entry.file),
        hint: 'Run `mien extract` again: it computes missing shards.',
        cause: error,
      });
    });
    refuseForeign(join(dir, entry.file), config, manifest.config);
    if (found.sha256 !== entry.sha256 || found.items !== entry.items)
      throw new MienError('store', 'this shard is not the one in the manifest', {
        file: join(dir, entry.file),
        hint: 'Run `mien extract` again.',
      });
    yield shard;
  }
}

/**
 * Opens a complete store and reads all of its embeddings, which takes 4 · items · width bytes of memory.
 * @param expected the required configuration; by default any
 * @throws MienError `store` if the store is incomplete, damaged or of another configuration
 */
export async function openStore(dir: string, expected?: StoreConfig): Promise<Store> {
  const manifest = await readStoreManifest(dir);
  if (expected !== undefined) refuseForeign(dir, manifest.config, expected);
  const { items } = manifest;
  const { width } = manifest.config;
  const ids: string[] = [];
  const hashes = { dtype: 'uint8', shape: [items, 32], data: new Uint8Array(items * 32) } as const;
  const embeddings = float32([items, width], new Float32Array(items * width));
  for await (const shard of readShards(dir, manifest)) {
    if (ids.length + shard.ids.length > items) break;
    hashes.data.set(shard.hashes.data, ids.length * 32);
    embeddings.data.set(shard.embeddings.data, ids.length * width);
    ids.push(...shard.ids);
  }
  if (ids.length !== items)
    throw new MienError('store', `its shards do not contain the ${items} items of its manifest`, {
      file: dir,
      hint: 'Run `mien extract` again.',
    });
  return { dir, manifest, ids, hashes, embeddings };
}

/** Concatenated states of items, without padding. */
export interface StateTable {
  /** float16 `[states, width]` */
  readonly states: Tensor<'float16'>;
  /** int64 `[items, most]`: the rows of an item's states, padded with −1. */
  readonly places: Tensor<'int64'>;
}

/**
 * The token states or feature maps of a store, in the order of its items; the regions of a map are in row-major order.
 * @throws MienError `store` if the store has none, or is incomplete or damaged
 */
export async function readStates(dir: string): Promise<StateTable> {
  const manifest = await readStoreManifest(dir);
  const { width } = manifest.config;
  const parts: Uint16Array[] = [];
  const lengths: number[] = [];
  for await (const { ids, states, offsets } of readShards(dir, manifest)) {
    if (states === undefined)
      throw new MienError('store', 'contains pooled embeddings only, no states', {
        file: dir,
        hint: 'Extract it again with states.',
      });
    parts.push(float32ToFloat16(offsets ? states.data : regionsOf(states)));
    const regions = states.data.length / width / ids.length;
    ids.forEach((_, i) => lengths.push(offsets ? offsets.data[i + 1]! - offsets.data[i]! : regions));
  }
  return stateTable(parts, lengths, width);
}

/** Maps `[n, width, h, w]` as `[n·h·w, width]`. */
function regionsOf({ shape, data }: Tensor<'float32'>): Float32Array {
  const [n, width, height, across] = shape as [number, number, number, number];
  const regions = height * across;
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++)
    for (let channel = 0; channel < width; channel++)
      for (let region = 0; region < regions; region++)
        out[(i * regions + region) * width + channel] = data[(i * width + channel) * regions + region]!;
  return out;
}

/** The table of items with these numbers of states, from the float16 bits of all states in order. */
function stateTable(parts: readonly Uint16Array[], lengths: readonly number[], width: number): StateTable {
  const bits = new Uint16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bits.set(part, at);
    at += part.length;
  }
  const most = Math.max(1, ...lengths);
  const places = new BigInt64Array(lengths.length * most).fill(-1n);
  let row = 0;
  lengths.forEach((length, i) => {
    for (let k = 0; k < length; k++) places[i * most + k] = BigInt(row++);
  });
  return {
    states: tensor('float16', [bits.length / width, width], bits),
    places: tensor('int64', [lengths.length, most], places),
  };
}

/** How many states each item has. */
const lengthsOf = ({ places: { shape, data } }: StateTable): number[] => {
  const [items, most] = shape as [number, number];
  return Array.from({ length: items }, (_, i) => {
    const end = data.indexOf(-1n, i * most);
    return end < 0 ? most : Math.min(end - i * most, most);
  });
};

/** The items of several tables of one width, one table's after the other's. */
export const joinStates = (tables: readonly StateTable[]): StateTable =>
  stateTable(
    tables.map(({ states }) => states.data),
    tables.flatMap(lengthsOf),
    tables[0]!.states.shape[1]!,
  );

/** A table of one item, of one state. */
export const oneState = (state: Float32Array): StateTable =>
  stateTable([float32ToFloat16(state)], [1], state.length);

export type KeptOptions<Item extends { readonly id: string }> = Pick<
  FillOptions<Item>,
  'dir' | 'set' | 'progress' | 'signal'
> & {
  readonly embedder: Embedder<Item>;
  readonly items: readonly Item[];
};

/**
 * Fills and opens a store of the items, which computes their embeddings only once: a folder in `dir`, named by set and
 * encoder.
 * @throws MienError as `fillStore` and `openStore`
 */
export async function keptStore<Item extends { readonly id: string }>(
  options: KeptOptions<Item>,
): Promise<Store> {
  const { set, embedder } = options;
  const dir = join(options.dir, `${set.replace(' ', '-')}-${configKey(configOf(set, embedder))}`);
  await fillStore({ ...options, dir });
  return openStore(dir);
}

/** Embeddings `[n, width]` of the items, in order, from `keptStore`. */
export const keptEmbeddings = async <Item extends { readonly id: string }>(
  options: KeptOptions<Item>,
): Promise<Tensor<'float32'>> => (await keptStore(options)).embeddings;
