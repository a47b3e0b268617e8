// Merges the parts filled by several machines into one store, after checking that they are complete and consistent.
import { copyFile, mkdir, readdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { randomBytes } from 'node:crypto';
import { MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { removeStale, writeWhenNew } from './fill.js';
import {
  FEATURES_MANIFEST,
  canonicalJson,
  configDifference,
  encodeManifest,
  isPartName,
  parseShardName,
  readManifest,
  refuseForeign,
} from './format.js';
import type { Manifest, ShardEntry } from './format.js';
import { readShard, removeFile } from './shard.js';
import { readShards } from './store.js';

export interface MergeResult {
  readonly dir: string;
  readonly items: number;
  /** 0 if the store is already complete. */
  readonly parts: number;
  readonly shards: number;
}

interface FoundPart {
  readonly dir: string;
  readonly file: string;
  readonly manifest: Manifest & { part: NonNullable<Manifest['part']> };
}

/**
 * Merges the parts in `sources` (by default `dir` itself) into one store in `dir`, byte for byte the one that a single
 * machine would have filled. Shards from other folders are copied; part manifests in `dir` are removed.
 * @throws MienError `store` if something is missing, unfinished, damaged or inconsistent; nothing is changed then
 */
export async function mergeParts(
  dir: string,
  sources: readonly string[] = [dir],
  progress: Progress = silentProgress,
): Promise<MergeResult> {
  const parts = await findParts(sources);
  const [first] = parts;
  const present = await readManifest(dir);
  if (first === undefined && present?.complete) return alreadyMerged(dir, present);
  if (first === undefined)
    throw new MienError('store', 'there are no parts of a feature store', {
      file: sources.join(', '),
      hint: 'Fill parts with `mien extract --shard i/n`.',
    });
  checkParts(first, parts);
  if (present !== undefined)
    refuseForeign(join(dir, FEATURES_MANIFEST), present.config, first.manifest.config);
  const { config, items, ids } = first.manifest;
  const shards = inOrder(parts, config.shardSize, items);

  progress.begin(`checking ${config.set}`, shards.length, 'shards');
  for (const { entry, from } of shards) {
    const read = await readShard(from, entry.file);
    if (read.entry.sha256 !== entry.sha256 || configDifference(read.config, config) !== undefined)
      throw new MienError('store', 'this shard is not the one its part refers to', {
        file: join(from, entry.file),
        hint: 'Run that part again.',
      });
    progress.advance();
  }
  progress.end();
  for (const { entry, from } of shards)
    if (resolve(from) !== resolve(dir)) await copyShard(from, dir, entry.file);
  const entries = shards.map(({ entry }) => entry);
  const manifest: Manifest = {
    format: first.manifest.format,
    config,
    complete: true,
    items,
    ids,
    shards: entries,
  };
  await writeWhenNew(join(dir, FEATURES_MANIFEST), encodeManifest(manifest));
  await removeStale(dir, entries);
  return { dir, items, parts: first.manifest.part.of, shards: entries.length };
}

/** Checks a store that is already merged, or was filled by one machine, and leaves it unchanged. */
async function alreadyMerged(dir: string, manifest: Manifest): Promise<MergeResult> {
  let shards = 0;
  for await (const shard of readShards(dir, manifest)) shards += shard.ids.length > 0 ? 1 : 0;
  return { dir, items: manifest.items, parts: 0, shards };
}

async function findParts(sources: readonly string[]): Promise<FoundPart[]> {
  const parts: FoundPart[] = [];
  for (const dir of sources) {
    const names = await readdir(dir).catch((cause: unknown) => {
      throw fileError('read', dir, cause);
    });
    for (const name of names.filter(isPartName).sort()) {
      const manifest = await readManifest(dir, name);
      if (manifest?.part === undefined)
        throw new MienError('store', 'does not state which part it is', { file: join(dir, name) });
      parts.push({ dir, file: join(dir, name), manifest: { ...manifest, part: manifest.part } });
    }
  }
  return parts;
}

/** Checks that every part is there once, finished, and of the same configuration and item list. */
function checkParts(first: FoundPart, parts: readonly FoundPart[]): void {
  const { of } = first.manifest.part;
  const again = 'Run all parts with the same data, weights and options.';
  const seen = new Map<number, FoundPart>();
  for (const { file, manifest, dir } of parts) {
    const difference = configDifference(manifest.config, first.manifest.config);
    if (difference !== undefined)
      throw new MienError('store', `this part was made with ${difference}`, { file, hint: again });
    if (manifest.part.of !== of)
      throw new MienError('store', `is one of ${manifest.part.of} parts, others are one of ${of}`, {
        file,
        hint: 'Remove the part manifests of the unwanted division.',
      });
    const { index } = manifest.part;
    if (!manifest.complete)
      throw new MienError('store', `part ${index}/${of} is not finished`, {
        file,
        hint: `Run \`mien extract --shard ${index}/${of}\` again.`,
      });
    if (manifest.items !== first.manifest.items || manifest.ids !== first.manifest.ids)
      throw new MienError('store', 'this part was made from another list of items', { file, hint: again });
    const twin = seen.get(index);
    if (twin !== undefined && canonicalJson(twin.manifest) !== canonicalJson(manifest))
      throw new MienError('store', `part ${index}/${of} exists twice, with different content`, {
        file,
        hint: `The other one is ${twin.file}; remove the wrong one.`,
      });
    seen.set(index, { file, manifest, dir });
  }
  const missing = Array.from({ length: of }, (_, i) => i).filter((i) => !seen.has(i));
  if (missing.length > 0)
    throw new MienError('store', `of ${of} parts, ${missing.length} are missing: ${missing.join(', ')}`, {
      file: first.dir,
      hint: `Run \`mien extract --shard ${missing[0]}/${of}\` and so on.`,
    });
}

/** All shards, ordered by index, without gaps. */
function inOrder(
  parts: readonly FoundPart[],
  shardSize: number,
  items: number,
): { entry: ShardEntry; from: string }[] {
  const shards = new Map<number, { entry: ShardEntry; from: string }>();
  for (const { manifest, dir } of parts)
    for (const entry of manifest.shards) shards.set(parseShardName(entry.file)!.index, { entry, from: dir });
  return Array.from({ length: Math.ceil(items / shardSize) }, (_, index) => {
    const shard = shards.get(index);
    if (shard?.entry.items !== Math.min(shardSize, items - index * shardSize))
      throw new MienError('store', `shard ${index} is in no part, or has other items`, {
        hint: 'Run the parts again with the same data.',
      });
    return shard;
  });
}

/** Copies a file atomically. */
async function copyShard(from: string, to: string, file: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(to, { recursive: true });
    await copyFile(join(from, file), join(to, temporary));
    await rename(join(to, temporary), join(to, file));
  } catch (cause) {
    await removeFile(to, temporary).catch(() => undefined);
    throw fileError('write', join(to, file), cause);
  }
}
