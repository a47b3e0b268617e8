// The file format of feature packs: manifest, and reading into the form of features from stores.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { defined, MienError, readSafetensors, type Tensor, type Tensors } from 'mien-engine/base';
import { fileError, readJson, sha256, writeFileAtomic } from 'mien-engine/node';
import type { EncoderIdentity } from 'mien/parts/encoders';
import { type Degree, degreesSchema, splitDegrees } from './corrupted.js';
import { canonicalJson } from './format.js';
import { mixComponents } from './pca.js';
import { dequantize } from './quantize.js';
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import type { FeatureSet, FeatureSets, Reduction, SetName, SetProvenance, SomeSets, Split } from './sets.js';
import { completeSets, SET_NAMES, SETS_OF, SPLITS, USAGES } from './sets.js';

export const PACK_FORMAT = 'mien-pack/1';

/** What the codebook of each modality is called in a pack. */
export const CODEBOOK_OF = {
  text: 'texts',
  face: 'faces',
  voice: 'voices',
} as const satisfies Record<Modality, string>;

export interface PackedSet {
  readonly items: number;
  readonly counts: Readonly<Record<Split, number>>;
  readonly labels: readonly string[];
  readonly encoder: EncoderIdentity;
  readonly fullWidth: number;
  readonly reduction: Reduction;
  readonly terms: string;
  /** How its test items were made worse, if the pack has them so as well. */
  readonly corrupted?: readonly Degree[];
}

export interface PackManifest {
  readonly format: typeof PACK_FORMAT;
  readonly origin: string;
  /** Of the safetensors file. */
  readonly bytes: number;
  readonly sha256: string;
  readonly sets: Readonly<Partial<Record<SetName, PackedSet>>>;
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
  corrupted: degreesSchema.min(1).exactOptional(),
});
const manifestSchema = z.strictObject({
  format: z.literal(PACK_FORMAT),
  origin: z.string(),
  bytes: count,
  sha256: z.string(),
  sets: z
    .partialRecord(z.enum(SET_NAMES), setSchema)
    .refine(({ fer2013, rafdb }) => (fer2013 === undefined) === (rafdb === undefined), {
      message: 'it has faces of one set without the other',
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
 * Reads an experiment's pack into the structure of features from stores, with embeddings `[n, components]`. Their dimensions
 * are mixed components (`mixComponents`), which preserves the distances between the reduced embeddings.
 * @throws MienError `data` if it lacks a set of the paper's experiment, and as `readSomeSets`
 */
export const readPack = async (file: string): Promise<FeatureSets> => completeSets(await readSomeSets(file));

/**
 * As `readPack`, of a pack with any sets.
 * @throws MienError `file` if a file is missing, `format` if the pack is damaged
 */
export async function readSomeSets(file: string): Promise<SomeSets> {
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
  const { sets, protocol, cost } = manifest;
  const found: Partial<Record<SetName, FeatureSet>> = {};
  const provenance: Partial<Record<SetName, SetProvenance>> = {};
  const reduction: Partial<Record<SetName, Reduction>> = {};
  for (const modality of MODALITIES)
    for (const name of SETS_OF[modality]) {
      const set = sets[name];
      if (set === undefined) continue;
      found[name] = unpackSet(name, CODEBOOK_OF[modality], set, tensors, file);
      const { encoder, counts, fullWidth, terms } = set;
      provenance[name] = { encoder, counts, width: set.reduction.components, fullWidth, terms };
      reduction[name] = set.reduction;
    }
  const { isear: texts, corpora, fer2013, rafdb, ravdess: voices } = found;
  const usageOf = ({ ids }: FeatureSet) =>
    Array.from(
      bytesNamed(tensors, 'fer2013.usage', ids.length, file),
      (index) => USAGES[index] ?? ('unknown' as const),
    );
  const faces = fer2013 && rafdb && { fer2013: { ...fer2013, usage: usageOf(fer2013) }, rafdb };
  return {
    ...defined({ texts, corpora, faces, voices }),
    provenance: {
      source: 'pack',
      sets: provenance,
      protocol,
      pack: { sha256: manifest.sha256, reduction, cost },
    },
  };
}

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
  kind: (typeof CODEBOOK_OF)[Modality],
  { items, counts, labels: labelNames, reduction, corrupted: degrees }: PackedSet,
  tensors: Tensors,
  file: string,
): FeatureSet {
  const bits = bytesNamed(tensors, `${kind}.bits`, reduction.components, file);
  const levels = named(tensors, `${kind}.levels`, file);
  if (levels.dtype !== 'float32' || bits.reduce((sum, count) => sum + count, 0) !== reduction.bits)
    throw new MienError('format', 'the codebook does not fit the manifest', { file, field: kind });
  const codebook = { bits, levels: levels.data as Float32Array };
  if (levels.data.some((level) => !Number.isFinite(level)))
    throw new MienError('format', 'the codebook has levels that are not finite', { file, field: kind });
  const rowsOf = (field: string, n: number): Tensor<'float32'> => {
    const { dtype, data } = named(tensors, field, file);
    if (dtype !== 'uint8') throw new MienError('format', 'codes are bytes', { file, field });
    return mixComponents(dequantize(data as Uint8Array, n, codebook));
  };
  const labels = bytesNamed(tensors, `${name}.labels`, items, file);
  const split = bytesNamed(tensors, `${name}.split`, items, file);
  if (labels.some((label) => label >= labelNames.length) || split.some((index) => index >= SPLITS.length))
    throw new MienError('format', 'has a label or split that is not in the manifest', { file, field: name });
  return {
    ids: Array.from({ length: items }, (_, i) => `${name}#${i}`),
    embeddings: rowsOf(`${name}.codes`, items),
    labelNames,
    labels,
    split: Array.from(split, (index) => SPLITS[index]!),
    subject:
      `${name}.subject` in tensors
        ? integersNamed(tensors, `${name}.subject`, items, file)
        : new Int32Array(items).fill(-1),
    group: integersNamed(tensors, `${name}.group`, items, file),
    ...defined({
      corrupted: degrees && splitDegrees(rowsOf(`${name}.corrupted`, degrees.length * counts.test), degrees),
    }),
  };
}
