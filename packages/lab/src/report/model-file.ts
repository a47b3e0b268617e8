// The facts about a bundle in the report: its `evaluation.json` (docs/bundles.md), its identity, and, if available, the
// evaluation of its explanations (`explanation.json`, written by bench/explanation.ts: numbers only, no text or face).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defined, MienError } from 'mien-engine/base';
import { readJson } from 'mien-engine/node';
import { checkData } from 'mien/parts/base';
import { type ComparisonFile, readComparison } from './comparison-file.js';

const interval = z.object({ mean: z.number(), low: z.number().nullable(), high: z.number().nullable() });

// Not strict: later versions may add fields.
const evaluation = z.object({
  tests: z.array(
    z.object({
      name: z.string(),
      labels: z.array(z.string()),
      n: z.int().min(1),
      accuracy: interval,
      meanRecall: z.number(),
      f1: z.number(),
      calibrationError: z.number(),
    }),
  ),
  robustness: z.array(z.object({ name: z.string(), as: z.string(), accuracy: z.number() })).default([]),
  groups: z
    .array(z.object({ by: z.string(), group: z.string(), n: z.int().min(1), accuracy: interval }))
    .default([]),
  certainty: z
    .array(
      z.object({
        name: z.string(),
        on: z.string(),
        n: z.int().min(1),
        risks: z.array(z.object({ risk: z.number(), answered: z.number(), wrong: z.number().nullable() })),
        sets: z.array(z.object({ wanted: z.number(), coverage: z.number(), size: z.number() })),
      }),
    )
    .default([]),
  aligned: z
    .object({
      name: z.string(),
      groups: z.array(z.string()).min(2),
      agreeing: z.object({
        n: z.int(),
        rows: z.array(
          z.object({ name: z.string(), accuracy: interval, meanRecall: z.number(), auc: interval }),
        ),
        differences: z.array(z.object({ to: z.string(), accuracy: interval, auc: interval })),
      }),
      contradicting: z.object({
        n: z.int(),
        rows: z.array(z.object({ name: z.string(), logLikelihood: interval })),
      }),
    })
    .optional(),
  behaviour: z
    .array(z.object({ capability: z.string(), items: z.int().min(1), passed: z.int(), rejected: z.int() }))
    .default([]),
  corruption: z
    .array(
      z.object({
        name: z.string(),
        of: z.enum(['text', 'face']).nullable(),
        as: z.string().nullable(),
        level: z.number(),
        n: z.int().min(1),
        fused: z.number(),
        product: z.number(),
        text: z.number(),
        face: z.number(),
        gate: z.number().nullable(),
      }),
    )
    .default([]),
});
const evaluationFile = z.object({ evaluation, reference: evaluation });
const manifestFile = z.object({
  name: z.string(),
  fusion: z
    .object({ head: z.string(), training: z.enum(['clean', 'corrupted']).default('clean') })
    .optional(),
  files: z.record(z.string(), z.object({ sha256: z.string() })),
});

export type ModelEvaluation = z.output<typeof evaluation>;
export type CurvePoint = ModelEvaluation['corruption'][number];

/** Facts about a bundle in the report. */
export interface ModelFacts {
  readonly name: string;
  readonly fusion?: { readonly head: string; readonly training: 'clean' | 'corrupted' };
  readonly evaluation: ModelEvaluation;
  /** The same tests with float32 weights. */
  readonly reference: ModelEvaluation;
  readonly explanation?: ExplanationFile;
  /** Whether `explanation` was measured with exactly these models. */
  readonly sameModels: boolean;
  /** Comparison of its head with others. */
  readonly comparison?: ComparisonFile;
}

export interface ModelPaths {
  /** The bundle's folder. */
  readonly bundle: string;
  /** File written by bench/explanation.ts. */
  readonly explanation?: string;
  /** File written by `mien compare`. */
  readonly comparison?: string;
}

const hint = 'docs/bundles.md describes the format.';

/**
 * Reads the facts about a bundle, without opening its models.
 * @throws MienError `file` if a file is missing or cannot be read, `format` with the first invalid field
 */
export async function readModelFacts({ bundle, ...kept }: ModelPaths): Promise<ModelFacts> {
  const [manifestPath, path] = [join(bundle, 'manifest.json'), join(bundle, 'evaluation.json')];
  if (existsSync(manifestPath) && !existsSync(path))
    throw new MienError('file', 'this bundle has no evaluation', {
      file: path,
      hint: 'Only bundles of `mien export` have one: specify such a bundle, or omit --bundle.',
    });
  const { name, fusion, files } = checkData(manifestFile, await readJson(manifestPath), {
    file: manifestPath,
    hint,
  });
  const numbers = checkData(evaluationFile, await readJson(path), { file: path, hint });
  const explanation = kept.explanation === undefined ? undefined : await readExplanation(kept.explanation);
  const comparison = kept.comparison === undefined ? undefined : await readComparison(kept.comparison);
  return {
    name,
    ...defined({ fusion }),
    ...numbers,
    ...defined({ explanation, comparison }),
    sameModels: Object.entries(explanation?.bundle.models ?? {}).every(
      ([file, hash]) => files[file]?.sha256 === hash,
    ),
  };
}

const share = z.number().min(0).max(1);
const finiteInterval = z.strictObject({ mean: z.number(), low: z.number(), high: z.number() });

const schema = z.strictObject({
  format: z.literal('mien-explanation'),
  version: z.literal(1),
  /** The command that made the file. */
  command: z.string(),
  /** SHA-256 of the bundle's models by file name, to check whether the numbers belong to a bundle. */
  bundle: z.strictObject({ name: z.string(), models: z.record(z.string(), z.string()) }),
  split: z.enum(['train', 'validation', 'test']),
  seed: z.int(),
  /** Shares of an item's words or cells that are deleted or inserted. */
  levels: z.array(share).min(1),
  curves: z.array(
    z.strictObject({
      of: z.enum(['text', 'face']),
      /** The data set. */
      on: z.string(),
      /** What deleted words or cells are replaced by. */
      gone: z.string(),
      items: z.int().min(1),
      /** Mean probability of the answer at each level, for several orders. */
      orders: z
        .array(z.strictObject({ order: z.string(), deletion: z.array(share), insertion: z.array(share) }))
        .min(1),
      /** Difference in area between the order of attributions and another one, with 95% intervals over items. */
      gains: z.array(
        z.strictObject({ over: z.string(), deletion: finiteInterval, insertion: finiteInterval }),
      ),
    }),
  ),
  /** Deviation of the attributions' sum from the difference to be explained, as a share of it. */
  completeness: z.array(
    z.strictObject({
      of: z.enum(['text', 'face']),
      on: z.string(),
      items: z.int().min(1),
      median: z.number(),
      largest: z.number(),
      /** Items with a deviation above 1%. */
      above: z.int().min(0),
    }),
  ),
});

export type ExplanationFile = z.infer<typeof schema>;

/** @throws MienError `format` with the first field that does not have the form in docs/explanation.md */
export function parseExplanation(value: unknown, file?: string): ExplanationFile {
  const of = {
    ...defined({ file }),
    hint: 'Recreate it: node --import tsx bench/explanation.ts BUNDLE --out FILE.',
  };
  const data = checkData(schema, value, of);
  const short = data.curves.find(({ orders }) =>
    orders.some((one) => [one.deletion, one.insertion].some(({ length }) => length !== data.levels.length)),
  );
  if (short)
    throw new MienError('format', 'a curve does not have one point per level', {
      ...of,
      field: `curves of ${short.on}`,
    });
  return data;
}

/** @throws MienError `file` or `format`. */
export const readExplanation = async (file: string): Promise<ExplanationFile> =>
  parseExplanation(await readJson(file), file);
