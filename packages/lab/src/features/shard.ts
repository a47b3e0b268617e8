// One shard of a feature store: a safetensors file that says which items it holds and from which bytes they came.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
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
import { STORE_FORMAT, canonicalJson, parseShardName, shardName } from './format.js';
import type { ShardEntry, StoreConfig } from './format.js';

/** What an encoder makes of one item. */
export interface Row {
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
  /** Token states of all texts after each other `[tokens, width]`, or feature maps `[n, width, h, w]`. */
  readonly states?: Tensor<'float32'>;
  /** `[n + 1]`: text i has the token states `offsets[i]` to `offsets[i + 1]`. */
  readonly offsets?: Tensor<'int32'>;
}

function shardOf(
  config: StoreConfig,
  ids: readonly string[],
  hashes: Uint8Array,
  rows: readonly Row[],
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
 * Writes one shard whole or not at all; the same items and rows give the same bytes and the same name.
 * @throws MienError `file` when the disk is full or the folder cannot be written.
 */
export async function writeShard(
  dir: string,
  index: number,
  config: StoreConfig,
  content: { ids: readonly string[]; hashes: Uint8Array; rows: readonly Row[] },
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
  /** The configuration as the shard states it. */
  readonly config: StoreConfig;
  readonly shard: Shard;
}

/**
 * Reads a shard and checks its bytes against the hash in its name, and its tensors against each other.
 * @throws MienError `store` when it is damaged, `file` when it cannot be read.
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
      hint: 'Run `mien extract` again: it recomputes what is damaged.',
      cause,
    });
  if (parseShardName(file)?.hash !== digest.slice(0, 16))
    throw damaged('its bytes are not those its name states');
  let parsed;
  try {
    parsed = readSafetensors(bytes, { file: path });
  } catch (cause) {
    throw damaged('it is not safetensors', cause);
  }
  const { tensors, metadata } = parsed;
  const { embeddings, sha256: hashes, states, offsets } = tensors;
  if (metadata['format'] !== STORE_FORMAT || !metadata['config'] || !metadata['ids'])
    throw damaged('it is not of the format ' + STORE_FORMAT);
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
    throw damaged('its tensors do not fit each other');
  return {
    entry: { file, items: ids.length, bytes: bytes.length, sha256: digest },
    config,
    shard: {
      ids,
      hashes: hashes as Tensor<'uint8'>,
      embeddings: embeddings as Tensor<'float32'>,
      ...(states === undefined ? {} : { states: states as Tensor<'float32'> }),
      ...(offsets === undefined ? {} : { offsets: offsets as Tensor<'int32'> }),
    },
  };
}

/** One item's row of a shard; it shares the shard's memory. */
export function rowOf(shard: Shard, index: number): Row {
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

/** Removes a file of the store that is not needed any more; none there is fine. */
export const removeFile = (dir: string, file: string): Promise<void> => rm(join(dir, file), { force: true });
