// The file format of feature packs: manifest, and reading into the form of features from stores.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { defined, MienError, readSafetensors, type Tensor, type Tensors } from 'mien-engine/base';
import { fileError, readJson, sha256, writeFileAtomic } from 'mien-engine/node';
import type { EncoderIdentity } from 'mien/parts/encoders';
import { canonicalJson } from './format.js';
import { mixComponents } from './pca.js';
import { dequantize } from './quantize.js';
import type { BySet, FeatureSet, FeatureSets, Reduction, SetName, SetProvenance, Split } from './sets.js';
import { SET_NAMES, SPLITS, USAGES } from './sets.js';

export const PACK_FORMAT = 'mien-pack/1';

export interface PackedSet {
  readonly items: number;
  readonly counts: Readonly<Record<Split, number>>;
  readonly labels: readonly string[];
  readonly encoder: EncoderIdentity;
  readonly fullWidth: number;
  readonly reduction: Reduction;
  readonly terms: string;
}

export interface PackManifest {
  readonly format: typeof PACK_FORMAT;
  readonly origin: string;
  /** Of the safetensors file. */
  readonly bytes: number;
  readonly sha256: string;
  readonly sets: BySet<PackedSet>;
  /** Settings and counts of cleaning and splitting. */
  readonly protocol: Readonly<Record<string, unknown>>;
  /** Loss against the full features, as measured by the experiment; null until measured. */
  readonly cost: unknown;
}

const count = z.int().nonnegative();
const setSchema = z.strictObject({
  items: count,
  counts: z.strictObject({ train: count, validation: count, test: count }),
  labels: z.array(z.string()).min(1),
  encoder: z.strictObject({
    id: z.string(),
    revision: z.string(),
    sha256: z.string(),
    dtype: z.literal('float32'),
    preprocessing: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
  fullWidth: count,
  reduction: z.strictObject({
    components: count.min(1),
    bits: count.min(1),
    variance: z.number(),
    lost: z.number(),
  }),
  terms: z.string(),
});
const manifestSchema = z.strictObject({
  format: z.literal(PACK_FORMAT),
  origin: z.string(),
  bytes: count,
  sha256: z.string(),
  sets: z.strictObject({
    isear: setSchema,
    corpora: setSchema.exactOptional(),
    fer2013: setSchema,
    rafdb: setSchema,
  }),
  protocol: z.record(z.string(), z.unknown()),
  cost: z.unknown(),
});

/** `features.safetensors` → `features.json`. */
export const manifestPathOf = (file: string): string => `${file.replace(/\.safetensors$/, '')}.json`;

export const encodePackManifest = (manifest: PackManifest): string =>
  `${JSON.stringify(JSON.parse(canonicalJson(manifest)), null, 2)}\n`;

/** @throws MienError `file` if there is none, `format` if it is not the manifest of a pack */
export async function readPackManifest(file: string): Promise<PackManifest> {
  const path = manifestPathOf(file);
  const checked = manifestSchema.safeParse(await readJson(path));
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw new MienError('format', `is not the manifest of a feature pack: ${issue?.message ?? ''}`, {
    file: path,
    field: issue?.path.join('.') ?? '',
    hint: 'Download the pack again, or recreate it with `mien pack`.',
  });
}

/** Writes the measured cost of packing into the manifest of a pack; its features are not changed. */
export async function setPackCost(file: string, cost: unknown): Promise<void> {
  const manifest = await readPackManifest(file);
  await writeFileAtomic(manifestPathOf(file), encodePackManifest({ ...manifest, cost }));
}

/**
 * Reads a pack into the structure of features from stores, with embeddings `[n, components]`. Their dimensions are mixed
 * components (`mixComponents`), which preserves the distances between the reduced embeddings.
 * @throws MienError `file` if a file is missing, `format` if the pack is damaged
 */
export async function readPack(file: string): Promise<FeatureSets> {
  const manifest = await readPackManifest(file);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw fileError('read', file, cause);
  });
  if (sha256(bytes) !== manifest.sha256)
    throw new MienError('format', 'the bytes of this pack do not have the hash in its manifest', {
      file,
      hint: 'Download the pack again, or recreate it with `mien pack`.',
    });
  const { tensors } = readSafetensors(bytes, { file });
  const texts = unpackSet('isear', 'texts', manifest, tensors, file);
  const corpora = manifest.sets.corpora && unpackSet('corpora', 'texts', manifest, tensors, file);
  const fer2013 = unpackSet('fer2013', 'faces', manifest, tensors, file);
  const rafdb = unpackSet('rafdb', 'faces', manifest, tensors, file);
  const usage = bytesNamed(tensors, 'fer2013.usage', fer2013.ids.length, file);
  const { sets, protocol, cost } = manifest;
  return {
    texts,
    ...defined({ corpora }),
    faces: {
      fer2013: { ...fer2013, usage: Array.from(usage, (index) => USAGES[index] ?? 'unknown') },
      rafdb,
    },
    provenance: {
      source: 'pack',
      sets: perSet(sets, ({ encoder, counts, fullWidth, terms, reduction }): SetProvenance => ({
        encoder,
        counts,
        width: reduction.components,
        fullWidth,
        terms,
      })),
      protocol,
      pack: { sha256: manifest.sha256, reduction: perSet(sets, (set) => set.reduction), cost },
    },
  };
}

const perSet = <T>(sets: BySet<PackedSet>, make: (set: PackedSet) => T): BySet<T> =>
  Object.fromEntries(
    SET_NAMES.flatMap((name) => (sets[name] ? [[name, make(sets[name])]] : [])),
  ) as unknown as BySet<T>;

function named(tensors: Tensors, name: string, file: string): Tensor {
  const value = tensors[name];
  if (value === undefined) throw new MienError('format', 'the pack lacks this tensor', { file, field: name });
  return value;
}

function bytesNamed(tensors: Tensors, name: string, n: number, file: string): Uint8Array {
  const { dtype, data } = named(tensors, name, file);
  if (dtype !== 'uint8' || data.length !== n)
    throw new MienError('format', `holds ${data.length} ${dtype}, not ${n} uint8`, { file, field: name });
  return data as Uint8Array;
}

function integersNamed(tensors: Tensors, name: string, n: number, file: string): Int32Array {
  const { dtype, data } = named(tensors, name, file);
  if (dtype !== 'int32' || data.length !== n)
    throw new MienError('format', `holds ${data.length} ${dtype}, not ${n} int32`, { file, field: name });
  return data as Int32Array;
}

function unpackSet(
  name: SetName,
  kind: 'texts' | 'faces',
  manifest: PackManifest,
  tensors: Tensors,
  file: string,
): FeatureSet {
  const { items, labels: labelNames, reduction } = manifest.sets[name]!;
  const bits = bytesNamed(tensors, `${kind}.bits`, reduction.components, file);
  const levels = named(tensors, `${kind}.levels`, file);
  if (levels.dtype !== 'float32' || bits.reduce((sum, count) => sum + count, 0) !== reduction.bits)
    throw new MienError('format', 'the codebook does not fit the manifest', { file, field: kind });
  const codebook = { bits, levels: levels.data as Float32Array };
  const codes = named(tensors, `${name}.codes`, file);
  const labels = bytesNamed(tensors, `${name}.labels`, items, file);
  const split = bytesNamed(tensors, `${name}.split`, items, file);
  if (labels.some((label) => label >= labelNames.length) || split.some((index) => index >= SPLITS.length))
    throw new MienError('format', 'has a label or split that is not in the manifest', { file, field: name });
  return {
    ids: Array.from({ length: items }, (_, i) => `${name}#${i}`),
    embeddings: mixComponents(dequantize(codes.data as Uint8Array, items, codebook)),
    labelNames,
    labels,
    split: Array.from(split, (index) => SPLITS[index]!),
    subject:
      `${name}.subject` in tensors
        ? integersNamed(tensors, `${name}.subject`, items, file)
        : new Int32Array(items).fill(-1),
    group: integersNamed(tensors, `${name}.group`, items, file),
  };
}
