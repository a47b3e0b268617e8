// What a bundle says of itself: `manifest.json`, which names every other file with its hash.
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { restrictPrior } from '../evaluate/scores.js';
import { modalities, MODALITIES, type Modality } from '../modalities/list.js';
import { type Modalities, type ModalityPart, posteriorShape } from '../modalities/modality.js';

export { MODALITIES, type Modality };

/** The version of the form of bundles. */
export const BUNDLE_FORMAT = 'mien-bundle-2';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const share = z.number().min(0).max(1);

/** The parts of these modalities, each of which a bundle may lack. */
const partsOf = <All extends Modalities>(all: All) =>
  Object.fromEntries(Object.entries(all).map(([name, { part }]) => [name, part.optional()])) as {
    [Name in keyof All]: z.ZodOptional<All[Name]['part']>;
  };

/** The schema of a manifest over these modalities. */
const manifestSchemaOf = <All extends Modalities>(all: All) =>
  z.strictObject({
    format: z.literal(BUNDLE_FORMAT),
    name: z.string().min(1),
    /** The ONNX file that computes the answer from what the encoders give. */
    decision: z.string(),
    ...partsOf(all),
    fusion: z
      .strictObject({
        ...posteriorShape,
        head: z.string(),
        /** The modalities that the head fuses; absent: text and face. Others are multiplied in. */
        modalities: z.array(z.string()).min(2).optional(),
        /** Whether the training pairs were clean, or some had a corrupted side; absent: clean. */
        training: z.enum(['clean', 'corrupted']).optional(),
        /** Probability α that two modalities express one label (docs/recognition.md#contradictions); absent: 1. */
        agreement: share.optional(),
        /** Share of what a face, or any modality but the first, adds that counts; absent: all of it. */
        faceWeight: share.optional(),
        /** Of modalities that the head does not fuse: the share of what they add to others that counts; absent: all of it. */
        weights: z.record(z.string(), share).optional(),
      })
      .optional(),
    /** Under which terms weights may be used. */
    terms: z.array(z.string()),
    files: z.record(z.string(), z.strictObject({ sha256, bytes: z.int().min(0) })),
  });

export const manifestSchema = manifestSchemaOf(modalities);

export type BundleManifest = z.output<typeof manifestSchema>;

/**
 * @throws MienError `bundle` that names the field when parsed JSON is not the manifest of a bundle, or one of another
 *   version.
 */
export function checkManifest(json: unknown, file: string, all: Modalities = modalities): BundleManifest {
  const schema = all === modalities ? manifestSchema : manifestSchemaOf(all);
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data as BundleManifest;
  checkFormat((json as { readonly format?: unknown } | null)?.format, file);
  const [issue] = parsed.error.issues;
  throw new MienError('bundle', `is not the manifest of a bundle: ${issue!.message}`, {
    file,
    field: issue!.path.join('.'),
    hint: 'It may be of a newer version of mien.',
  });
}

/** @throws MienError `bundle` for a bundle of another version, with what to do about it. */
function checkFormat(format: unknown, file: string): void {
  const version = versionOf(format);
  const known = versionOf(BUNDLE_FORMAT)!;
  if (version === undefined || version === known) return;
  throw new MienError(
    'bundle',
    `is a bundle of the form ${String(format)}; this version of mien reads ${BUNDLE_FORMAT}`,
    {
      file,
      field: 'format',
      hint:
        version > known
          ? 'Update mien.'
          : 'Make it anew with `mien export --text LEARNED --face LEARNED --data DATA --out BUNDLE`, or with `mien train` if that made it (docs/bundles.md).',
    },
  );
}

const versionOf = (format: unknown): number | undefined => {
  const [, digits] = /^mien-bundle-(\d{1,9})$/.exec(String(format)) ?? [];
  return digits === undefined ? undefined : Number(digits);
};

/** What a bundle states of its modalities and their fusion. */
export type BundleParts = Pick<BundleManifest, Modality | 'fusion'>;

const isPart = (name: string, value: unknown): boolean =>
  !['fusion', 'files'].includes(name) && typeof value === 'object' && value !== null && 'labels' in value;

/** The modalities that a manifest has a part of: those of the list in its order, then any further ones. */
export function modalitiesOf(parts: Partial<BundleParts>): Modality[] {
  const named = Object.entries(parts).flatMap(([name, part]) =>
    isPart(name, part) ? name : [],
  ) as Modality[];
  return [
    ...MODALITIES.filter((one) => named.includes(one)),
    ...named.filter((one) => !MODALITIES.includes(one)),
  ];
}

/** A modality's part, which there must be. */
export const partOf = (parts: Partial<BundleParts>, modality: Modality): ModalityPart => parts[modality]!;

/** The modalities that the fusion fuses; none without one. */
export const fusedIn = ({ fusion }: Partial<BundleParts>): readonly Modality[] =>
  fusion ? ((fusion.modalities as Modality[] | undefined) ?? ['text', 'face']) : [];

/** Whether the fusion has a say in the answer to an item with these modalities. */
export const fuses = (parts: Partial<BundleParts>, present: readonly Modality[]): boolean =>
  parts.fusion !== undefined && fusedIn(parts).every((one) => present.includes(one));

/** Labels that these modalities of a bundle have in common; with the fusion, those of it. */
export function sharedLabels(
  parts: Partial<BundleParts>,
  present: readonly Modality[] = modalitiesOf(parts),
): readonly string[] {
  const fused = fuses(parts, present);
  const rest = fused ? present.filter((one) => !fusedIn(parts).includes(one)) : present.slice(1);
  const first = fused ? parts.fusion!.labels : present[0] ? partOf(parts, present[0]).labels : [];
  return first.filter((label) => rest.every((one) => partOf(parts, one).labels.includes(label)));
}

/** All labels of a bundle's modalities, alphabetical. */
export const labelsOf = (parts: Partial<BundleParts>): string[] =>
  [...new Set(modalitiesOf(parts).flatMap((one) => partOf(parts, one).labels))].sort();

/** The labels of the answer to an item with these modalities: those in common; alone some are answered over all their own. */
export function answerLabels(parts: Partial<BundleParts>, present: readonly Modality[]): readonly string[] {
  const [only] = present;
  if (only === undefined || present.length > 1) return sharedLabels(parts, present);
  if ((modalities[only] as Modalities[string] | undefined)?.alone !== 'shared')
    return partOf(parts, only).labels;
  return fusedIn(parts).includes(only) ? parts.fusion!.labels : sharedLabels(parts);
}

/** The label distribution under which several modalities are answered: the fusion's, else the first's, whose label pairs have. */
export function jointPrior(
  parts: Partial<BundleParts>,
  present: readonly Modality[] = modalitiesOf(parts),
): readonly number[] {
  const { prior, labels } = fuses(parts, present) ? parts.fusion! : partOf(parts, present[0]!);
  const shared = sharedLabels(parts, present);
  return fuses(parts, present) && labels.length === shared.length
    ? prior
    : restrictPrior(prior, labels, shared);
}

/** The files that a modality needs at its first item, not when the bundle is opened. */
export const laterFiles = (parts: Partial<BundleParts>): string[] =>
  modalitiesOf(parts).flatMap((one) => {
    const { lazy = false, files } = modalities[one] as Modalities[string];
    return lazy ? files(partOf(parts, one)) : [];
  });

export const MANIFEST_NAME = 'manifest.json';

/** Names of a bundle's files. */
export const FILES = {
  text: 'text.onnx',
  face: 'face.onnx',
  voice: 'voice.onnx',
  decision: 'decision.onnx',
  tokenizer: 'tokenizer.json',
  evaluation: 'evaluation.json',
  card: 'README.md',
} as const;
