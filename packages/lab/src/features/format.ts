// The feature store on disk: file names, manifest, and configuration with its rule of equality. docs/features.md
// describes the format for other programs.
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { fileError, sha256 } from 'mien-engine/node';
import { checkData } from 'mien/parts/base';
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import type { EncoderIdentity } from 'mien/parts/encoders';

export const STORE_FORMAT = 'mien-features/1';

/** What a store contains of each item besides the pooled embedding: nothing, token states, or the last feature map. */
export type States = 'none' | 'tokens' | 'map';

/** Everything except the items that determines a store's bytes. */
export interface StoreConfig {
  /** Name of the data set, for instance `isear`. */
  readonly set: string;
  readonly kind: Modality;
  readonly encoder: EncoderIdentity;
  /** Width of the pooled embeddings. */
  readonly width: number;
  readonly states: States;
  /** Items per shard, the unit of resuming. */
  readonly shardSize: number;
  /** Maximum number of items per encoder batch. */
  readonly batchSize: number;
}

export interface ShardEntry {
  readonly file: string;
  readonly items: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** One part of a store that is filled by several machines. */
export interface Part {
  /** 0-based. */
  readonly index: number;
  readonly of: number;
}

export interface Manifest {
  readonly format: typeof STORE_FORMAT;
  readonly config: StoreConfig;
  /** False while the store is being filled for the first time. */
  readonly complete: boolean;
  /** Number of items in the whole list, also in the manifest of a part. */
  readonly items: number;
  /** SHA-256 of the item ids in order, each followed by a line feed. */
  readonly ids: string;
  /** In item order; a part lists only its own shards. */
  readonly shards: readonly ShardEntry[];
  readonly part?: Part;
}

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const manifestSchema = z.strictObject({
  format: z.literal(STORE_FORMAT),
  config: z.strictObject({
    set: z.string(),
    kind: z.enum(MODALITIES),
    encoder: z.strictObject({
      id: z.string(),
      revision: z.string(),
      sha256: z.string(),
      dtype: z.literal('float32'),
      preprocessing: z.record(z.string(), z.union([z.string(), z.number()])),
    }),
    width: count,
    states: z.enum(['none', 'tokens', 'map']),
    shardSize: count.min(1),
    batchSize: count.min(1),
  }),
  complete: z.boolean(),
  items: count,
  ids: z.union([z.literal(''), digest]),
  shards: z.array(
    z.strictObject({
      file: z.string().regex(/^shard-\d{5,}-[0-9a-f]{16}\.safetensors$/),
      items: count,
      bytes: count,
      sha256: digest,
    }),
  ),
  part: z.strictObject({ index: count, of: count.min(1) }).optional(),
});

const five = (index: number): string => String(index).padStart(5, '0');

/** `shard-00003-0123456789abcdef.safetensors`: index and beginning of the file's SHA-256. */
export const shardName = (index: number, fileSha256: string): string =>
  `shard-${five(index)}-${fileSha256.slice(0, 16)}.safetensors`;

/** Index and hash in a shard's name, also in that of its temporary file. */
export function parseShardName(
  name: string,
): { index: number; hash: string; temporary: boolean } | undefined {
  const match = /^shard-(\d{5,})-([0-9a-f]{16})\.safetensors(\.[0-9a-f]+\.tmp)?$/.exec(name);
  return match ? { index: Number(match[1]), hash: match[2]!, temporary: match[3] !== undefined } : undefined;
}

export const FEATURES_MANIFEST = 'manifest.json';

/** `part-00001-of-00004.json`, or `manifest.json` for the whole store. */
export const manifestName = (part?: Part): string =>
  part === undefined ? FEATURES_MANIFEST : `part-${five(part.index)}-of-${five(part.of)}.json`;

export const isPartName = (name: string): boolean => /^part-\d{5,}-of-\d{5,}\.json$/.test(name);

/** JSON with sorted keys: equal values give equal text. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );

/** Identifies a configuration in file and folder names. */
export const configKey = (config: StoreConfig): string => sha256(canonicalJson(config)).slice(0, 16);

/** Content of a manifest file, the same for equal manifests. */
export const encodeManifest = (manifest: Manifest): string =>
  `${JSON.stringify(JSON.parse(canonicalJson(manifest)), null, 1)}\n`;

/**
 * Reads a manifest; undefined if there is none.
 * @throws MienError `store` if it is not a manifest of this format, `file` if it cannot be read
 */
export async function readManifest(
  dir: string,
  name: string = FEATURES_MANIFEST,
): Promise<Manifest | undefined> {
  const file = join(dir, name);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError('read', file, cause);
  }
  const hint =
    'The file is damaged or was written by another version: remove it and run `mien extract` again.';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MienError('store', 'is not valid JSON', { file, hint, cause });
  }
  const { part, ...rest } = checkData(manifestSchema, parsed, {
    code: 'store',
    file,
    fault: `is not a manifest of format ${STORE_FORMAT}`,
    hint,
  });
  return part === undefined ? rest : { ...rest, part };
}

/** Describes the first difference between two configurations; undefined if they are equal. */
export function configDifference(found: StoreConfig, wanted: StoreConfig): string | undefined {
  if (canonicalJson(found) === canonicalJson(wanted)) return undefined;
  const difference = (name: string, a: unknown, b: unknown): string | undefined =>
    canonicalJson(a) === canonicalJson(b)
      ? undefined
      : `${name} ${canonicalJson(a)} instead of ${canonicalJson(b)}`;
  const pre = (config: StoreConfig): Readonly<Record<string, unknown>> => config.encoder.preprocessing;
  const settings = new Set([...Object.keys(pre(found)), ...Object.keys(pre(wanted))]);
  return (
    difference('data set', found.set, wanted.set) ??
    difference('encoder', found.encoder.id, wanted.encoder.id) ??
    difference('encoder revision', found.encoder.revision, wanted.encoder.revision) ??
    difference('encoder weights of sha256', found.encoder.sha256, wanted.encoder.sha256) ??
    [...settings]
      .map((key) => difference(`preprocessing "${key}"`, pre(found)[key] ?? null, pre(wanted)[key] ?? null))
      .find((found) => found !== undefined) ??
    difference('states', found.states, wanted.states) ??
    difference('shard size', found.shardSize, wanted.shardSize) ??
    difference('batch size', found.batchSize, wanted.batchSize) ??
    'another configuration'
  );
}

/** @throws MienError `store` with the difference if a store does not have the wanted configuration */
export function refuseForeign(file: string, found: StoreConfig, wanted: StoreConfig): void {
  const difference = configDifference(found, wanted);
  if (difference !== undefined)
    throw new MienError('store', `this feature store was made with ${difference}`, {
      file,
      hint: 'Choose another folder for these features, or remove the store to extract it again.',
    });
}
