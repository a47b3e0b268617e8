// The feature store on disk: names, manifest and configuration, and the rule by which two configurations are one.
// docs/features.md describes the format for readers without mien.
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { fileError, sha256 } from 'mien-engine/node';
import type { EncoderIdentity } from 'mien/parts';

export const STORE_FORMAT = 'mien-features/1';

/** What a store keeps of each item besides the pooled embedding: nothing, token states, or the last feature map. */
export type States = 'none' | 'tokens' | 'map';

/** Everything that decides a store's bytes, besides the items. */
export interface StoreConfig {
  /** Name of the data set, for instance `isear`. */
  readonly set: string;
  readonly kind: 'text' | 'face';
  readonly encoder: EncoderIdentity;
  /** Width of the pooled embeddings. */
  readonly width: number;
  readonly states: States;
  /** Items a shard, the unit of resuming. */
  readonly shardSize: number;
  /** Items an encoder batch at most. */
  readonly batchSize: number;
}

export interface ShardEntry {
  readonly file: string;
  readonly items: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** One part of a store that several machines fill together. */
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
  /** Items of the whole list, also where this manifest is that of a part. */
  readonly items: number;
  /** SHA-256 over the item ids in their order, each followed by a line feed. */
  readonly ids: string;
  /** In item order; a part lists its own shards only. */
  readonly shards: readonly ShardEntry[];
  readonly part?: Part;
}

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const manifestSchema = z.strictObject({
  format: z.literal(STORE_FORMAT),
  config: z.strictObject({
    set: z.string(),
    kind: z.enum(['text', 'face']),
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

/** `shard-00003-0123456789abcdef.safetensors`: index and the beginning of the file's own SHA-256. */
export const shardName = (index: number, fileSha256: string): string =>
  `shard-${five(index)}-${fileSha256.slice(0, 16)}.safetensors`;

/** Index and hash that a shard's name states, also of a temporary file on its way to that name. */
export function parseShardName(
  name: string,
): { index: number; hash: string; temporary: boolean } | undefined {
  const match = /^shard-(\d{5,})-([0-9a-f]{16})\.safetensors(\.[0-9a-f]+\.tmp)?$/.exec(name);
  return match ? { index: Number(match[1]), hash: match[2]!, temporary: match[3] !== undefined } : undefined;
}

export const MANIFEST_NAME = 'manifest.json';

/** `part-00001-of-00004.json`, or `manifest.json` of the whole store. */
export const manifestName = (part?: Part): string =>
  part === undefined ? MANIFEST_NAME : `part-${five(part.index)}-of-${five(part.of)}.json`;

export const isPartName = (name: string): boolean => /^part-\d{5,}-of-\d{5,}\.json$/.test(name);

/** JSON with sorted keys: equal values give equal text. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );

/** Stands for a configuration in file and folder names. */
export const configKey = (config: StoreConfig): string => sha256(canonicalJson(config)).slice(0, 16);

/** Bytes of a manifest: the same manifest gives the same bytes. */
export const encodeManifest = (manifest: Manifest): string =>
  `${JSON.stringify(JSON.parse(canonicalJson(manifest)), null, 1)}\n`;

/**
 * Reads a manifest; undefined when there is none.
 * @throws MienError `store` when it is not a manifest of this format, `file` when it cannot be read.
 */
export async function readManifest(dir: string, name: string = MANIFEST_NAME): Promise<Manifest | undefined> {
  const file = join(dir, name);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError('read', file, cause);
  }
  const hint = 'The file was damaged or written by another version: remove it and run `mien extract` again.';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MienError('store', 'is not valid JSON', { file, hint, cause });
  }
  const checked = manifestSchema.safeParse(parsed);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new MienError('store', `is not a manifest of format ${STORE_FORMAT}: ${issue?.message ?? ''}`, {
      file,
      field: issue?.path.join('.') ?? '',
      hint,
    });
  }
  const { part, ...rest } = checked.data;
  return part === undefined ? rest : { ...rest, part };
}

/** The first thing in which two configurations differ, in words; undefined when they are one. */
export function configDifference(found: StoreConfig, wanted: StoreConfig): string | undefined {
  if (canonicalJson(found) === canonicalJson(wanted)) return undefined;
  const say = (name: string, a: unknown, b: unknown): string | undefined =>
    canonicalJson(a) === canonicalJson(b)
      ? undefined
      : `${name} ${canonicalJson(a)} instead of ${canonicalJson(b)}`;
  const pre = (config: StoreConfig): Readonly<Record<string, unknown>> => config.encoder.preprocessing;
  const settings = new Set([...Object.keys(pre(found)), ...Object.keys(pre(wanted))]);
  return (
    say('data set', found.set, wanted.set) ??
    say('encoder', found.encoder.id, wanted.encoder.id) ??
    say('encoder revision', found.encoder.revision, wanted.encoder.revision) ??
    say('encoder weights of sha256', found.encoder.sha256, wanted.encoder.sha256) ??
    [...settings]
      .map((key) => say(`preprocessing "${key}"`, pre(found)[key] ?? null, pre(wanted)[key] ?? null))
      .find((difference) => difference !== undefined) ??
    say('states', found.states, wanted.states) ??
    say('shard size', found.shardSize, wanted.shardSize) ??
    say('batch size', found.batchSize, wanted.batchSize) ??
    'another configuration'
  );
}

/** @throws MienError `store` naming the difference when a store is not of the wanted configuration. */
export function refuseForeign(file: string, found: StoreConfig, wanted: StoreConfig): void {
  const difference = configDifference(found, wanted);
  if (difference !== undefined)
    throw new MienError('store', `this feature store was made with ${difference}`, {
      file,
      hint: 'Choose another folder for these features, or remove the store to make it anew.',
    });
}
