// What a bundle states of itself, for the report: the numbers of its `evaluation.json` (docs/bundles.md), which model
// they are of, and how its explanations were checked, where that was kept.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defined, MienError } from 'mien-engine/base';
import { readJson } from 'mien-engine/node';
import { checkedFile } from './checked-file.js';
import { readComparison, type ComparisonFile } from './comparison-file.js';
import { readExplanation, type ExplanationFile } from './explanation-file.js';

const interval = z.object({ mean: z.number(), low: z.number().nullable(), high: z.number().nullable() });

// Not strict: later versions may state more.
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
export type CorruptionPoint = ModelEvaluation['corruption'][number];

/** What the report knows of a bundle. */
export interface ModelFacts {
  readonly name: string;
  readonly fusion?: { readonly head: string; readonly training: 'clean' | 'corrupted' };
  readonly evaluation: ModelEvaluation;
  /** The same tests through float32 weights. */
  readonly reference: ModelEvaluation;
  readonly explanation?: ExplanationFile;
  /** Whether `explanation` was measured with these very models. */
  readonly sameModels: boolean;
  /** Its head beside others. */
  readonly comparison?: ComparisonFile;
}

export interface ModelPaths {
  /** The bundle's folder. */
  readonly bundle: string;
  /** What bench/explanation.ts kept. */
  readonly explanation?: string;
  /** What `mien compare` wrote. */
  readonly comparison?: string;
}

const hint = 'docs/bundles.md describes the form.';

/**
 * Reads what a bundle states of itself; its models are not opened.
 * @throws MienError `file` when a file is missing or cannot be read, `format` that names the first wrong field.
 */
export async function readModelFacts({ bundle, ...kept }: ModelPaths): Promise<ModelFacts> {
  const [manifestPath, path] = [join(bundle, 'manifest.json'), join(bundle, 'evaluation.json')];
  if (existsSync(manifestPath) && !existsSync(path))
    throw new MienError('file', 'this bundle has no evaluation', {
      file: path,
      hint: 'Only bundles of `mien export` have one: name such a bundle, or leave --bundle out.',
    });
  const { name, fusion, files } = checkedFile(manifestFile, await readJson(manifestPath), {
    file: manifestPath,
    hint,
  });
  const numbers = checkedFile(evaluationFile, await readJson(path), { file: path, hint });
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
