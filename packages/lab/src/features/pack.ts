// Writes a feature pack: the embeddings of some sets, reduced and quantised, in one small file with labels, splits, and
// anonymous numbers for subjects and groups, so that experiments can run without the data.
import {
  defined,
  encodeSafetensors,
  float32,
  int32,
  MienError,
  stackRows,
  tensor,
  type Tensor,
  type Tensors,
} from 'mien-engine/base';
import { sha256, writeFileAtomic } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { MODALITIES } from 'mien/parts/bundle';
import { canonicalJson } from './format.js';
import { CODEBOOK_OF, PACK_FORMAT, encodePackManifest, manifestPathOf } from './pack-file.js';
import type { PackManifest, PackedSet } from './pack-file.js';
import { fitPca, project } from './pca.js';
import { allocateBits, dequantize, fitCodebook, quantize } from './quantize.js';
import type { Codebook } from './quantize.js';
import type { FeatureSet, Reduction, SetName, SomeSets } from './sets.js';
import { setsByName, SETS_OF, SPLITS, USAGES } from './sets.js';

interface Wanted {
  /** Principal components. */
  readonly components: number;
  /** Bits per item. */
  readonly bits: number;
}

export interface PackOptions {
  readonly texts?: Partial<Wanted>;
  readonly faces?: Partial<Wanted>;
  readonly voices?: Partial<Wanted>;
  /** Loss of the pack against the full features, if known; any JSON value. */
  readonly cost?: unknown;
  /** Larger packs are rejected; 10 MB by default. */
  readonly maxBytes?: number;
  readonly progress?: Progress;
}

export interface PackResult {
  readonly file: string;
  readonly manifest: string;
  /** Of both files. */
  readonly bytes: number;
  readonly sets: PackManifest['sets'];
}

/** Default components and bits per item: as many as fit into `maxBytes`; docs/features.md states their cost. */
const PACK_DEFAULTS = {
  texts: { components: 384, bits: 1536 },
  faces: { components: 512, bits: 1280 },
  voices: { components: 384, bits: 1536 },
  maxBytes: 10_000_000,
} as const;

const bytesTensor = (data: Uint8Array): Tensor<'uint8'> => tensor('uint8', [data.length], data);

/** Indices of the training rows, on which a reduction may be fitted. */
const trainingRows = ({ split }: FeatureSet): number[] =>
  [...split.keys()].filter((i) => split[i] === 'train');

/** Reduces the sets of one encoder together, with one basis and one codebook. */
function reduce(
  sets: readonly FeatureSet[],
  wanted: Wanted,
): { reduction: Reduction; codebook: Codebook; codes: Uint8Array[]; corrupted: (Uint8Array | undefined)[] } {
  const width = sets[0]!.embeddings.shape[1]!;
  const components = Math.min(wanted.components, width);
  // If the embeddings have fewer dimensions than requested components, not all bits can be used either.
  const bits = components < wanted.components ? Math.min(wanted.bits, 8 * components) : wanted.bits;
  const pca = fitPca(
    sets.map((set) => ({ embeddings: set.embeddings, rows: trainingRows(set) })),
    components,
  );
  const coordinates = sets.map((set) => project(pca, set.embeddings));
  const fitted = sets.map((set, i) => ({ values: coordinates[i]!, rows: trainingRows(set) }));
  const codebook = fitCodebook(fitted, allocateBits(pca.variances, bits));
  const codes = coordinates.map((values) => quantize(values, codebook));
  const corrupted = sets.map(
    (set) =>
      set.corrupted &&
      quantize(project(pca, stackRows(set.corrupted.map(({ embeddings }) => embeddings))), codebook),
  );
  const { kept, total } = pca;
  const error = fitted.reduce((sum, part, i) => sum + squaredError(part, codes[i]!, codebook), 0);
  const n = fitted.reduce((sum, { rows }) => sum + rows.length, 0);
  const round = (value: number): number => Number(value.toFixed(4));
  const reduction = {
    components,
    bits,
    variance: round(kept),
    lost: round(1 - kept + error / n / total),
  };
  return { reduction, codebook, codes, corrupted };
}

/** Squared quantisation error of the rows on which the reduction was fitted. */
function squaredError(
  { values, rows }: { values: Tensor<'float32'>; rows: readonly number[] },
  codes: Uint8Array,
  codebook: Codebook,
): number {
  const [n = 0, width = 0] = values.shape;
  const restored = dequantize(codes, n, codebook);
  let sum = 0;
  for (const row of rows)
    for (let at = row * width; at < (row + 1) * width; at++)
      sum += (values.data[at]! - restored.data[at]!) ** 2;
  return sum;
}

/**
 * Reduces and quantises feature sets (with principal components and codebooks of the training split only) and writes
 * `file` and a manifest beside it; the same sets give the same bytes. Labels, splits, subjects and groups are included;
 * ids, texts, images and file names are not.
 * @throws MienError `config` if the sets come from a pack or the pack would be larger than `maxBytes`, `data` if there are
 *   none or those of one modality come from two encoders, `file` if it cannot be written
 */
export async function writePack(
  file: string,
  sets: SomeSets,
  options: PackOptions = {},
): Promise<PackResult> {
  const { progress = silentProgress, maxBytes = PACK_DEFAULTS.maxBytes } = options;
  const { provenance } = sets;
  if (provenance.source === 'pack')
    throw new MienError('config', 'these features come from a pack; packs are made from full features');
  const named = setsByName(sets);
  const kinds = MODALITIES.flatMap((modality) => {
    const names = SETS_OF[modality].filter((name) => named[name] !== undefined);
    return names.length === 0 ? [] : [{ codebook: CODEBOOK_OF[modality], names }];
  });
  if (kinds.length === 0) throw new MienError('data', 'there are no features to pack', { file });
  for (const {
    names: [first, ...others],
  } of kinds)
    for (const other of others)
      if (identityOf(provenance, first!) !== identityOf(provenance, other))
        throw new MienError('data', `${first} and ${other} come from two different encoders`);

  progress.begin('packing', kinds.length, 'encoders');
  const tensors: Record<string, Tensor> = {};
  const packed: Partial<Record<SetName, PackedSet>> = {};
  for (const { codebook: kind, names } of kinds) {
    const wanted = { ...PACK_DEFAULTS[kind], ...options[kind] };
    const { reduction, codebook, codes, corrupted } = reduce(
      names.map((name) => named[name]!),
      wanted,
    );
    Object.assign(tensors, codebookTensors(kind, codebook));
    for (const [i, name] of names.entries()) {
      const set = named[name]!;
      Object.assign(tensors, itemTensors(name, set, codes[i]!));
      if (corrupted[i]) tensors[`${name}.corrupted`] = bytesTensor(corrupted[i]);
      const { encoder, counts, fullWidth, terms } = provenance.sets[name]!;
      const items = set.ids.length;
      const degrees = set.corrupted?.map(({ as, level }) => ({ as, level }));
      packed[name] = {
        items,
        counts,
        labels: set.labelNames,
        encoder,
        fullWidth,
        reduction,
        terms,
        ...defined({ corrupted: degrees }),
      };
    }
    progress.advance();
  }
  progress.end();
  if (sets.faces)
    tensors['fer2013.usage'] = bytesTensor(
      Uint8Array.from(sets.faces.fer2013.usage, (name) => USAGES.indexOf(name)),
    );
  const content = Buffer.concat(encodeSafetensors(tensors, { format: PACK_FORMAT }));
  const manifest: PackManifest = {
    format: PACK_FORMAT,
    origin:
      'Embeddings of published data sets by frozen encoders, reduced by principal components and quantised by `mien pack`. ' +
      'They hold no text, image, sound or file name; subjects and duplicate groups are numbers without meaning.',
    bytes: content.length,
    sha256: sha256(content),
    sets: packed,
    protocol: provenance.protocol,
    cost: options.cost ?? null,
  };
  const json = encodePackManifest(manifest);
  const bytes = content.length + Buffer.byteLength(json);
  if (bytes > maxBytes)
    throw new MienError('config', `the pack would have ${bytes} bytes; ${maxBytes} are allowed`, {
      file,
      hint: 'Keep fewer components or bits.',
    });
  await writeFileAtomic(file, content);
  await writeFileAtomic(manifestPathOf(file), json);
  return { file, manifest: manifestPathOf(file), bytes, sets: manifest.sets };
}

const identityOf = ({ sets }: SomeSets['provenance'], name: SetName): string =>
  canonicalJson(sets[name]!.encoder);

const codebookTensors = (name: string, { bits, levels }: Codebook): Tensors => ({
  [`${name}.bits`]: bytesTensor(bits),
  [`${name}.levels`]: float32([levels.length], levels),
});

function itemTensors(name: SetName, set: FeatureSet, codes: Uint8Array): Tensors {
  const n = set.ids.length;
  return {
    [`${name}.codes`]: bytesTensor(codes),
    [`${name}.labels`]: bytesTensor(set.labels),
    [`${name}.split`]: bytesTensor(Uint8Array.from(set.split, (split) => SPLITS.indexOf(split))),
    // Faces have no subjects.
    ...(set.subject.some((subject) => subject !== -1) && { [`${name}.subject`]: int32([n], set.subject) }),
    [`${name}.group`]: int32([n], set.group),
  };
}
