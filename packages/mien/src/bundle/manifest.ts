// What a bundle says of itself: `manifest.json`, which names every other file with its hash.
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { labelsInCommon } from '../data/labels.js';
import { restrictPrior } from '../evaluate/scores.js';

/** What a bundle can read, in the order of the decision's sums. */
export const MODALITIES = ['text', 'face'] as const;
export type Modality = (typeof MODALITIES)[number];

/** The version of the form of bundles. */
export const BUNDLE_FORMAT = 'mien-bundle-2';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const labels = z.array(z.string().min(1)).min(2);
const share = z.number().min(0).max(1);
/** As `Certainty`: what validation says of how sure answers must be. */
const certainty = z.strictObject({
  items: z.int().min(1),
  sets: z.array(z.strictObject({ coverage: share, posterior: share })).min(1),
  answers: z.array(z.strictObject({ confidence: share, answered: share, risk: share })).min(1),
});
const posterior = {
  /** Alphabetical; the order of logits. */
  labels,
  /** Logits are divided by it before the softmax; fitted on validation. */
  temperature: z.number().positive(),
  /** Label distribution of the training items. */
  prior: z.array(z.number().positive()),
  /** Fitted on validation; of the text, over the labels of the fusion where there is one. */
  certainty: certainty.optional(),
};

export const manifestSchema = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  name: z.string().min(1),
  /** The ONNX file that computes the answer from what the encoders give. */
  decision: z.string(),
  text: z
    .strictObject({
      /** The ONNX file. */
      model: z.string(),
      ...posterior,
      tokenizer: z.string(),
      /** Texts are cut at this many tokens, special ones included. */
      maxTokens: z.int().min(3),
      /** Width of the embedding. */
      width: z.int().min(1),
      /** Labels of a second classifier, in the order of the model's output `fine`; absent: there is none. */
      fine: labels.optional(),
    })
    .optional(),
  face: z
    .strictObject({
      /** The ONNX file. */
      model: z.string(),
      ...posterior,
      /** Side in pixels to which the model resizes. */
      size: z.int().min(32),
      /** Whether the model has an input `views` and can read a face with its mirror image; absent: no. */
      mirror: z.boolean().optional(),
      width: z.int().min(1),
    })
    .optional(),
  fusion: z
    .strictObject({
      ...posterior,
      head: z.string(),
      /** Whether the training pairs were clean, or some had a corrupted side; absent: clean. */
      training: z.enum(['clean', 'corrupted']).optional(),
      /** Probability α that text and face of a pair express one label (docs/recognition.md#contradictions); absent: 1. */
      agreement: share.optional(),
      /** Share of what a face adds to a text that counts; absent: all of it. */
      faceWeight: share.optional(),
    })
    .optional(),
  /** Under which terms weights may be used. */
  terms: z.array(z.string()),
  files: z.record(z.string(), z.strictObject({ sha256, bytes: z.int().min(0) })),
});

export type BundleManifest = z.output<typeof manifestSchema>;

/**
 * @throws MienError `bundle` that names the field when parsed JSON is not the manifest of a bundle, or one of another
 *   version.
 */
export function checkManifest(json: unknown, file: string): BundleManifest {
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
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

/** Labels that a bundle's texts and faces have in common. */
export const sharedLabels = ({
  text,
  face,
  fusion,
}: Pick<BundleManifest, 'text' | 'face' | 'fusion'>): readonly string[] =>
  labelsInCommon({ text: text?.labels, face: face?.labels, fused: fusion?.labels });

type Parts = Pick<BundleManifest, 'text' | 'face' | 'fusion'>;

/** All labels of a bundle's modalities, alphabetical. */
export const labelsOf = ({ text, face }: Pick<BundleManifest, Modality>): string[] =>
  [...new Set([...(text?.labels ?? []), ...(face?.labels ?? [])])].sort();

/** The labels of the answer to an item with these modalities: those in common, but all that faces have for a face alone. */
export const answerLabels = (manifest: Parts, present: readonly Modality[]): readonly string[] =>
  present.length === 1 && present[0] === 'face' ? manifest.face!.labels : sharedLabels(manifest);

/** The label distribution under which several modalities are answered: the fusion's, else the text's, whose label pairs have. */
export function jointPrior(manifest: Parts): readonly number[] {
  const { text, fusion } = manifest;
  return fusion?.prior ?? restrictPrior(text!.prior, text!.labels, sharedLabels(manifest));
}

export const MANIFEST_NAME = 'manifest.json';

/** Names of a bundle's files. */
export const FILES = {
  text: 'text.onnx',
  face: 'face.onnx',
  decision: 'decision.onnx',
  tokenizer: 'tokenizer.json',
  evaluation: 'evaluation.json',
  card: 'README.md',
} as const;
