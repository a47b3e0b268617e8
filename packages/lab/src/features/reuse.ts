// Finds rows that an earlier state of the store already holds, by the SHA-256 of the bytes they were made from, so
// that a changed, added or removed item costs its own computation and no more.
import { MienError } from 'mien-engine/base';
import { canonicalJson } from './format.js';
import type { StoreConfig } from './format.js';
import { readShard, rowOf } from './shard.js';
import type { Row, Shard } from './shard.js';

/** Looks a row up by the 32 bytes of its item's hash. */
export type RowLookup = (hash: Uint8Array) => Promise<Row | undefined>;

/** A key holds 36 bits of a hash above 28 bits of a row's position: 8 bytes an item, whatever its name. */
const POSITION_BITS = 28n;
const HASH_BITS = 36n;
/** Shards kept in memory at a time; neighbours in the list mostly are neighbours in the store. */
const OPEN_SHARDS = 3;

const prefixOf = (hashes: Uint8Array, row: number): bigint =>
  new DataView(hashes.buffer, hashes.byteOffset + row * 32, 8).getBigUint64(0) >> (64n - HASH_BITS);

const sameHash = (hashes: Uint8Array, row: number, wanted: Uint8Array): boolean =>
  wanted.every((byte, i) => hashes[row * 32 + i] === byte);

/** A shard's content; undefined when it is damaged, gone or of another configuration. */
async function tryRead(dir: string, file: string, config: string): Promise<Shard | undefined> {
  try {
    const read = await readShard(dir, file);
    return canonicalJson(read.config) === config ? read.shard : undefined;
  } catch (error) {
    if (error instanceof MienError) return undefined;
    throw error;
  }
}

/** An index over these shards of a store; the shards are read once to build it, then again when rows are taken. */
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

/** Rows of many shards meet in one: none of them may keep its whole shard in memory. */
const copyOf = ({ embedding, states }: Row): Row => ({
  embedding: embedding.slice(),
  ...(states === undefined ? {} : { states: { ...states, data: states.data.slice() } }),
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

/** Last index whose value is not greater than `wanted`; `sorted` begins with 0. */
function lastAtMost(sorted: readonly number[], wanted: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
