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
    /** The files that transcribe speech, which a bundle may lack; they are read only if asked for. */
    words: z.strictObject({ encoder: z.string(), decoder: z.string(), vocabulary: z.string() }).optional(),
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

/** A modality's part. @throws MienError `bundle` if the bundle does not read this modality */
export function partOf(parts: Partial<BundleParts>, modality: Modality): ModalityPart {
  const part = parts[modality];
  if (part === undefined) throw new MienError('bundle', `the bundle has no part for ${modality}`);
  return part;
}

/** The modalities that the fusion fuses; none without one. */
export const fusedIn = ({ fusion }: Partial<BundleParts>): readonly Modality[] =>
  fusion ? ((fusion.modalities as Modality[] | undefined) ?? ['text', 'face']) : [];

/** The fusion, if an item with these modalities is answered by it. */
const fusionOf = (parts: Partial<BundleParts>, present: readonly Modality[]): BundleParts['fusion'] =>
  fusedIn(parts).every((one) => present.includes(one)) ? parts.fusion : undefined;

/** Whether an item with these modalities is answered by the fusion. */
export const fuses = (parts: Partial<BundleParts>, present: readonly Modality[]): boolean =>
  fusionOf(parts, present) !== undefined;

/** Labels that these modalities of a bundle have in common; with the fusion, those of it. */
export function sharedLabels(
  parts: Partial<BundleParts>,
  present: readonly Modality[] = modalitiesOf(parts),
): readonly string[] {
  const fusion = fusionOf(parts, present);
  const [one, ...others] = present;
  const first = fusion?.labels ?? (one ? partOf(parts, one).labels : []);
  const rest = fusion ? present.filter((one) => !fusedIn(parts).includes(one)) : others;
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
  return parts.fusion && fusedIn(parts).includes(only) ? parts.fusion.labels : sharedLabels(parts);
}

/** The label distribution under which several modalities are answered: the fusion's, else the first's, whose label pairs have. */
export function jointPrior(
  parts: Partial<BundleParts>,
  present: readonly Modality[] = modalitiesOf(parts),
): readonly number[] {
  const fusion = fusionOf(parts, present);
  const [first = 'text'] = present;
  const { prior, labels } = fusion ?? partOf(parts, first);
  const shared = sharedLabels(parts, present);
  return fusion && labels.length === shared.length ? prior : restrictPrior(prior, labels, shared);
}

/** The files that a modality, or transcribing, needs at its first item, not when the bundle is opened. */
export const laterFiles = (parts: Partial<BundleParts> & Pick<BundleManifest, 'words'>): string[] => [
  ...modalitiesOf(parts).flatMap((one) => {
    const { lazy = false, files } = modalities[one] as Modalities[string];
    return lazy ? files(partOf(parts, one)) : [];
  }),
  ...optionalFiles(parts),
];

/** The files that may be deleted from a bundle if nobody asks for what they do. */
export const optionalFiles = ({ words }: Pick<BundleManifest, 'words'>): string[] =>
  Object.values(words ?? {});

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
