// `explanation.json`: whether a bundle's explanations point at what decides, as bench/explanation.ts measured it on
// items of the data sets. Numbers only: no text and no face.
import { z } from 'zod';
import { defined, MienError } from 'mien-engine/base';
import { readJson } from 'mien-engine/node';
import { checkedFile } from './checked-file.js';

const share = z.number().min(0).max(1);
const interval = z.strictObject({ mean: z.number(), low: z.number(), high: z.number() });

const schema = z.strictObject({
  format: z.literal('mien-explanation'),
  version: z.literal(1),
  /** What made the file anew. */
  command: z.string(),
  /** SHA-256 of the bundle's models, by file name: whether the numbers are of the bundle that is looked at. */
  bundle: z.strictObject({ name: z.string(), models: z.record(z.string(), z.string()) }),
  split: z.enum(['train', 'validation', 'test']),
  seed: z.int(),
  /** Shares of an item's words or cells that are taken away, or put in. */
  levels: z.array(share).min(1),
  curves: z.array(
    z.strictObject({
      of: z.enum(['text', 'face']),
      /** The data set. */
      on: z.string(),
      /** What becomes of what is taken away. */
      gone: z.string(),
      items: z.int().min(1),
      /** Mean probability of the answer at each level, in several orders. */
      orders: z
        .array(z.strictObject({ order: z.string(), deletion: z.array(share), insertion: z.array(share) }))
        .min(1),
      /** How far the order of attributions does better than another, in area, with 95% intervals over items. */
      gains: z.array(z.strictObject({ over: z.string(), deletion: interval, insertion: interval })),
    }),
  ),
  /** How much of what is to be explained the attributions' sum misses, as a share of it. */
  completeness: z.array(
    z.strictObject({
      of: z.enum(['text', 'face']),
      on: z.string(),
      items: z.int().min(1),
      median: z.number(),
      largest: z.number(),
      /** Items that miss more than 1%. */
      above: z.int().min(0),
    }),
  ),
});

export type ExplanationFile = z.infer<typeof schema>;

/** @throws MienError `format` that names the first field which is not as docs/explanation.md says. */
export function parseExplanation(value: unknown, file?: string): ExplanationFile {
  const of = {
    ...defined({ file }),
    hint: 'Make it anew: node --import tsx bench/explanation.ts BUNDLE --out FILE.',
  };
  const data = checkedFile(schema, value, of);
  const short = data.curves.find(({ orders }) =>
    orders.some((one) => [one.deletion, one.insertion].some(({ length }) => length !== data.levels.length)),
  );
  if (short)
    throw new MienError('format', 'a curve has not one point a level', {
      ...of,
      field: `curves of ${short.on}`,
    });
  return data;
}

/** @throws MienError `file` or `format`. */
export const readExplanation = async (file: string): Promise<ExplanationFile> =>
  parseExplanation(await readJson(file), file);
