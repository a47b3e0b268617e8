// What a bundle says of itself: `manifest.json`, which names every other file with its hash.
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { labelsInCommon } from '../data/labels.js';

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
  /** The ONNX file. */
  model: z.string(),
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
  format: z.literal('mien-bundle-1'),
  name: z.string().min(1),
  text: z
    .strictObject({
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
      /**
       * How often words and face of a pair are taken to tell of one label (`withDoubt` in packages/mien/src/evaluate/agreement.ts);
       * absent: always.
       */
      agreement: share.optional(),
      /** Share of what a face adds to a text that counts (`withDoubt`); absent: all of it. */
      faceWeight: share.optional(),
    })
    .optional(),
  /** Under which terms weights may be used. */
  terms: z.array(z.string()),
  files: z.record(z.string(), z.strictObject({ sha256, bytes: z.int().min(0) })),
});

export type BundleManifest = z.output<typeof manifestSchema>;

/** @throws MienError `bundle` that names the field when parsed JSON is not the manifest of a bundle. */
export function checkManifest(json: unknown, file: string): BundleManifest {
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MienError('bundle', `is not the manifest of a bundle: ${issue!.message}`, {
    file,
    field: issue!.path.join('.'),
    hint: 'It may be of a newer version of mien.',
  });
}

/** Labels that a bundle's texts and faces have in common. */
export const sharedLabels = ({
  text,
  face,
  fusion,
}: Pick<BundleManifest, 'text' | 'face' | 'fusion'>): readonly string[] =>
  labelsInCommon({ text: text?.labels, face: face?.labels, fused: fusion?.labels });

export const MANIFEST_NAME = 'manifest.json';

/** Names of a bundle's files. */
export const FILES = {
  text: 'text.onnx',
  face: 'face.onnx',
  fusion: 'fusion.onnx',
  tokenizer: 'tokenizer.json',
  evaluation: 'evaluation.json',
  card: 'README.md',
} as const;
