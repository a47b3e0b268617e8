// Shards of a feature store: safetensors files that state their items and the hashes of the bytes these were made from,
// by which rows are found again, so that a changed, added or removed item costs only its own computation.
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defined,
  encodeSafetensors,
  float32,
  int32,
  MienError,
  readSafetensors,
  sizeOf,
  tensor,
  type Tensor,
  type Tensors,
} from 'mien-engine/base';
import { fileError, sha256, writeFileAtomic } from 'mien-engine/node';
import {
  canonicalJson,
  parseShardName,
  type ShardEntry,
  shardName,
  STORE_FORMAT,
  type StoreConfig,
} from './format.js';

/** An encoder's output for one item. */
export interface EncodedRow {
  /** `[width]`. */
  readonly embedding: Float32Array;
  /** Token states `[tokens, width]` or a feature map `[width, h, w]`. */
  readonly states?: { readonly shape: readonly number[]; readonly data: Float32Array };
}

export interface Shard {
  readonly ids: readonly string[];
  /** SHA-256 of each item's bytes, `[n, 32]`. */
  readonly hashes: Tensor<'uint8'>;
  /** `[n, width]`. */
  readonly embeddings: Tensor<'float32'>;
  /** Concatenated token states of all texts `[tokens, width]`, or feature maps `[n, width, h, w]`. */
  readonly states?: Tensor<'float32'>;
  /** `[n + 1]`: the token states of text i are `offsets[i]` to `offsets[i + 1]`, exclusive. */
  readonly offsets?: Tensor<'int32'>;
}

function shardOf(
  config: StoreConfig,
  ids: readonly string[],
  hashes: Uint8Array,
  rows: readonly EncodedRow[],
): Shard {
  const n = ids.length;
  const embeddings = new Float32Array(n * config.width);
  rows.forEach((row, i) => embeddings.set(row.embedding, i * config.width));
  const shard = {
    ids,
    hashes: tensor('uint8', [n, 32], hashes),
    embeddings: float32([n, config.width], embeddings),
  };
  if (config.states === 'none') return shard;
  const parts = rows.map((row) => row.states!);
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  const offsets = new Int32Array(n + 1);
  let position = 0;
  parts.forEach((part, i) => {
    data.set(part.data, position);
    position += part.data.length;
    offsets[i + 1] = position / config.width;
  });
  if (config.states === 'map') return { ...shard, states: float32([n, ...parts[0]!.shape], data) };
  return {
    ...shard,
    states: float32([position / config.width, config.width], data),
    offsets: int32([n + 1], offsets),
  };
}

/**
 * Writes one shard atomically; the same items and rows give the same bytes and the same name.
 * @throws MienError `file` if the disk is full or the folder cannot be written
 */
export async function writeShard(
  dir: string,
  index: number,
  config: StoreConfig,
  content: { ids: readonly string[]; hashes: Uint8Array; rows: readonly EncodedRow[] },
): Promise<ShardEntry> {
  const { ids, hashes, embeddings, states, offsets } = shardOf(
    config,
    content.ids,
    content.hashes,
    content.rows,
  );
  const tensors: Tensors = {
    embeddings,
    sha256: hashes,
    ...defined({ states, offsets }),
  };
  const pieces = encodeSafetensors(tensors, {
    format: STORE_FORMAT,
    config: canonicalJson(config),
    ids: JSON.stringify(ids),
  });
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  const digest = hash.digest('hex');
  const file = shardName(index, digest);
  await writeFileAtomic(join(dir, file), pieces);
  return {
    file,
    items: ids.length,
    bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
    sha256: digest,
  };
}

export interface ReadShard {
  readonly entry: ShardEntry;
  /** The configuration stated in the shard. */
  readonly config: StoreConfig;
  readonly shard: Shard;
}

/**
 * Reads a shard and checks its bytes against the hash in its name, and its tensors for consistency.
 * @throws MienError `store` if it is damaged, `file` if it cannot be read
 */
export async function readShard(dir: string, file: string): Promise<ReadShard> {
  const path = join(dir, file);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  const digest = sha256(bytes);
  const damaged = (what: string, cause?: unknown): MienError =>
    new MienError('store', `this shard is damaged: ${what}`, {
      file: path,
      hint: 'Run `mien extract` again: it recomputes damaged shards.',
      cause,
    });
  if (parseShardName(file)?.hash !== digest.slice(0, 16))
    throw damaged('its bytes do not have the hash in its name');
  let parsed;
  try {
    parsed = readSafetensors(bytes, { file: path });
  } catch (cause) {
    throw damaged('it is not safetensors', cause);
  }
  const { tensors, metadata } = parsed;
  const { embeddings, sha256: hashes, states, offsets } = tensors;
  if (metadata['format'] !== STORE_FORMAT || !metadata['config'] || !metadata['ids'])
    throw damaged(`it does not have the format ${STORE_FORMAT}`);
  const ids = JSON.parse(metadata['ids']) as string[];
  const config = JSON.parse(metadata['config']) as StoreConfig;
  const fits = (value: Tensor | undefined, dtype: string, shape: readonly number[]): boolean =>
    value?.dtype === dtype && canonicalJson(value.shape.slice(0, shape.length)) === canonicalJson(shape);
  if (
    !fits(embeddings, 'float32', [ids.length, config.width]) ||
    !fits(hashes, 'uint8', [ids.length, 32]) ||
    (config.states === 'map' && !fits(states, 'float32', [ids.length, config.width])) ||
    (config.states === 'tokens' && !fits(offsets, 'int32', [ids.length + 1]))
  )
    throw damaged('its tensors are inconsistent');
  return {
    entry: { file, items: ids.length, bytes: bytes.length, sha256: digest },
    config,
    shard: {
      ids,
      hashes: hashes as Tensor<'uint8'>,
      embeddings: embeddings as Tensor<'float32'>,
      ...defined({
        states: states as Tensor<'float32'> | undefined,
        offsets: offsets as Tensor<'int32'> | undefined,
      }),
    },
  };
}

/** The row of one item, which shares the shard's memory. */
function rowOf(shard: Shard, index: number): EncodedRow {
  const width = shard.embeddings.shape[1]!;
  const embedding = shard.embeddings.data.subarray(index * width, (index + 1) * width);
  if (shard.states === undefined) return { embedding };
  const shape = shard.states.shape.slice(1);
  const size = sizeOf(shape);
  if (shard.offsets === undefined)
    return {
      embedding,
      states: { shape, data: shard.states.data.subarray(index * size, (index + 1) * size) },
    };
  const [start, end] = [shard.offsets.data[index]!, shard.offsets.data[index + 1]!];
  return {
    embedding,
    states: { shape: [end - start, ...shape], data: shard.states.data.subarray(start * size, end * size) },
  };
}

/** Removes a file of the store, if it exists. */
export const removeFile = (dir: string, file: string): Promise<void> => rm(join(dir, file), { force: true });

/** Looks up a row by the 32 bytes of its item's hash. */
export type RowLookup = (hash: Uint8Array) => Promise<EncodedRow | undefined>;

/** A key consists of 36 bits of a hash and 28 bits of a row's position: 8 bytes per item. */
const POSITION_BITS = 28n;
const HASH_BITS = 36n;
/** Shards kept in memory: neighbours in the list are mostly neighbours in the store. */
const OPEN_SHARDS = 3;

const prefixOf = (hashes: Uint8Array, row: number): bigint =>
  new DataView(hashes.buffer, hashes.byteOffset + row * 32, 8).getBigUint64(0) >> (64n - HASH_BITS);

const sameHash = (hashes: Uint8Array, row: number, wanted: Uint8Array): boolean =>
  wanted.every((byte, i) => hashes[row * 32 + i] === byte);

/** A shard's content; undefined if it is damaged, missing or of another configuration. */
async function tryRead(dir: string, file: string, config: string): Promise<Shard | undefined> {
  try {
    const read = await readShard(dir, file);
    return canonicalJson(read.config) === config ? read.shard : undefined;
  } catch (error) {
    if (error instanceof MienError) return undefined;
    throw error;
  }
}

/** An index of the rows in these shards, which are read once to build it and again when rows are looked up. */
export async function rowLookup(
  dir: string,
  files: readonly string[],
  config: StoreConfig,
): Promise<RowLookup> {
  const key = canonicalJson(config);
  const starts: number[] = [];
  const chunks: BigUint64Array[] = [];
  let total = 0;
  for (const file of files) {
    const shard = await tryRead(dir, file, key);
    const n = shard?.ids.length ?? 0;
    starts.push(total);
    const keys = new BigUint64Array(n);
    for (let row = 0; row < n; row++)
      keys[row] = (prefixOf(shard!.hashes.data, row) << POSITION_BITS) | BigInt(total + row);
    chunks.push(keys);
    total += n;
  }
  const keys = new BigUint64Array(total);
  chunks.forEach((chunk, i) => keys.set(chunk, starts[i]!));
  chunks.length = 0;
  keys.sort();

  const open = new Map<string, Shard | undefined>();
  const shardAt = async (index: number): Promise<Shard | undefined> => {
    const file = files[index]!;
    if (!open.has(file)) {
      if (open.size >= OPEN_SHARDS) open.delete(open.keys().next().value!);
      open.set(file, await tryRead(dir, file, key));
    }
    return open.get(file);
  };
  return async (hash) => {
    const prefix = prefixOf(hash, 0);
    for (let i = lowerBound(keys, prefix << POSITION_BITS); i < total; i++) {
      if (keys[i]! >> POSITION_BITS !== prefix) return undefined;
      const position = Number(keys[i]! & ((1n << POSITION_BITS) - 1n));
      const index = lastAtMost(starts, position);
      const shard = await shardAt(index);
      const row = position - starts[index]!;
      if (shard && sameHash(shard.hashes.data, row, hash)) return copyOf(rowOf(shard, row));
    }
    return undefined;
  };
}

/** Copies a row, so that it does not keep its whole shard in memory. */
const copyOf = ({ embedding, states }: EncodedRow): EncodedRow => ({
  embedding: embedding.slice(),
  ...defined({ states: states && { ...states, data: states.data.slice() } }),
});

/** First index whose value is not less than `wanted`. */
function lowerBound(sorted: BigUint64Array, wanted: bigint): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Last index whose value is not greater than `wanted`; `sorted` starts with 0. */
function lastAtMost(sorted: readonly number[], wanted: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
