// Reads a feature store: embeddings in item order, after checking that they are what the manifest says.
import { join } from 'node:path';
import { float32, MienError, type Tensor } from 'mien-engine/base';
import { readManifest, refuseForeign } from './format.js';
import type { Manifest, StoreConfig } from './format.js';
import { readShard } from './shard.js';
import type { Shard } from './shard.js';

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

/** @throws MienError `store` when there is no store, or one that is not filled yet. */
export async function readStoreManifest(dir: string): Promise<Manifest> {
  const manifest = await readManifest(dir);
  if (manifest === undefined)
    throw new MienError('store', 'there is no feature store in this folder', {
      file: dir,
      hint: 'Make one with `mien extract`; parts of a store filled with --shard need `mien extract merge` first.',
    });
  if (!manifest.complete)
    throw new MienError('store', 'this feature store is not filled yet', {
      file: dir,
      hint: 'Run the same `mien extract` again: it goes on where it stopped.',
    });
  return manifest;
}

/**
 * The shards of a store one after the other, checked against the manifest; only one is in memory at a time.
 * @throws MienError `store` when a shard is missing, damaged or not the one the manifest names.
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
        hint: 'Run `mien extract` again: it computes what is missing.',
        cause: error,
      });
    });
    refuseForeign(join(dir, entry.file), config, manifest.config);
    if (found.sha256 !== entry.sha256 || found.items !== entry.items)
      throw new MienError('store', 'this shard is not the one the manifest names', {
        file: join(dir, entry.file),
        hint: 'Run `mien extract` again.',
      });
    yield shard;
  }
}

/**
 * Opens a filled store and reads all of its embeddings: 4 bytes times items times width of memory.
 * `expected` names the configuration the reader can use; by default any.
 * @throws MienError `store` when the store is incomplete, foreign or damaged.
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
    throw new MienError('store', `its shards do not hold the ${items} items of its manifest`, {
      file: dir,
      hint: 'Run `mien extract` again.',
    });
  return { dir, manifest, ids, hashes, embeddings };
}
