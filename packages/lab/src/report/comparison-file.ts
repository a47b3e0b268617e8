// `comparison.json`: fusion heads side by side, as `mien compare` found them on items of the data sets. Numbers only:
// no text and no face.
import { z } from 'zod';
import { readJson } from 'mien-engine/node';
import { checkData } from 'mien/parts/base';

const interval = z.strictObject({
  mean: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
const share = z.number().min(0).max(1);

const head = z.strictObject({
  /** `product`: of the encoders' own posteriors, which is not a trained head. */
  head: z.string(),
  /** Number of trained values. */
  parameters: z.int().min(0),
  /** Learning rate that was best on validation; null of the product. */
  rate: z.number().positive().nullable(),
  /** Means over seeds. */
  epochs: z.number().min(0),
  secondsAnEpoch: z.number().min(0),
  /** On validation pairs; the first situation is that of clean pairs. */
  situations: z
    .array(
      z.strictObject({
        name: z.string(),
        kind: z.enum(['clean', 'corrupted', 'missing']),
        /** The side that is worse or missing. */
        of: z.enum(['text', 'face']).nullable(),
        accuracy: interval,
        /** Mean of the gate, one per seed; empty without a gate. */
        gates: z.array(share),
      }),
    )
    .min(1),
  /** Its nearest additive model (EMAP) on clean pairs, and what the head is better by; null of the product. */
  additive: z.strictObject({ accuracy: interval, interaction: interval }).nullable(),
  /** A third each: clean pairs, mean of the corruptions, mean of both missing sides. */
  score: interval,
  /** Its score less the gate's, on the same pairs; null of the gate itself. */
  difference: interval.extend({ pValue: share }).nullable(),
  /** Accuracy on test pairs. */
  test: interval,
});

const schema = z.strictObject({
  format: z.literal('mien-comparison'),
  version: z.literal(1),
  /** The command that made the file. */
  command: z.string(),
  heads: z.array(head).min(1),
  /** The head with the best score if it is significantly above the gate's; otherwise the gate. */
  chosen: z.string(),
  seeds: z.int().min(1),
  pairs: z.strictObject({ validation: z.int().min(1), test: z.int().min(1) }),
});

export type ComparisonFile = z.infer<typeof schema>;
export type ComparedHeadFile = ComparisonFile['heads'][number];

/** Display name of a head. */
export const headTitle = (head: string): string => (head === 'product' ? 'product of posteriors' : head);

/** @throws MienError `format` with the first field that does not have the form in docs/heads.md */
export const parseComparison = (value: unknown, file?: string): ComparisonFile =>
  checkData(schema, value, {
    file,
    hint: 'Recreate it: mien compare.',
  });

/** @throws MienError `file` or `format`. */
export const readComparison = async (file: string): Promise<ComparisonFile> =>
  parseComparison(await readJson(file), file);
