// `learned.json`: how a learned encoder was made, and which weights it is.
import { z } from 'zod';
import type { EpochEntry } from '../train/position.js';

const shares = z.record(z.string(), z.number());

const epochSchema: z.ZodType<EpochEntry> = z.object({
  kind: z.literal('epoch'),
  epoch: z.number(),
  score: z.number(),
  details: shares,
  loss: z.number(),
  accuracy: z.number(),
  seconds: z.number(),
});

export const learnedSchema = z.object({
  format: z.literal('mien-learned-1'),
  kind: z.enum(['face', 'text']),
  labels: z.array(z.string()).min(2),
  settings: z.record(z.string(), z.unknown()),
  /** Labels of the second classifier of a text encoder, where it has one. */
  fine: z.array(z.string()).optional(),
  /**
   * Of what was trained on several data sets at once: the label distribution that the classifier's bias stands for, which
   * no set alone has, and the temperature by which logits are divided, where validation items of all sets say it.
   */
  calibration: z
    .object({
      prior: z.array(z.number().positive()),
      temperature: z.number().positive().optional(),
    })
    .optional(),
  /** How a text's tokens become its embedding. */
  pooling: z.enum(['mean', 'cls']).default('mean'),
  /** The weights that training began with. */
  from: z.object({ id: z.string(), revision: z.string(), sha256: z.string() }),
  /** SHA-256 of the trainings whose mean this is; all else is of the last of them. */
  averageOf: z.array(z.string()).optional(),
  /** SHA-256 of `encoder/model.safetensors`. */
  sha256: z.string(),
  items: z.object({ training: z.number(), validation: z.number() }),
  bestEpoch: z.number(),
  epochs: z.array(epochSchema),
});

export type LearnedRecord = z.output<typeof learnedSchema>;
