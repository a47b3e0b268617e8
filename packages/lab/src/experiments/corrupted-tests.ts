// What a trained head makes of test triples (of voices, where it hears nothing else) after the voices were made worse.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { float32, type Tensor } from 'mien-engine/base';
import { readSafetensorsFile, writeSafetensorsFile } from 'mien-engine/node';
import { MODALITIES } from 'mien/parts/bundle';
import type { EvaluationItems, ExperimentData } from './data.js';
import type { ModelSpec } from './plan.js';
import { addShares, type Asked, predictParts } from './run-analysis.js';

/** Degree after degree, and of triples pairing after pairing. */
export interface CorruptedTests {
  /** `[tests, n, labels]` */
  readonly logits: Tensor<'float32'>;
  /** Of gates: each modality's mean share in every test, `[tests, modalities]`. */
  readonly shares?: Tensor<'float32'>;
}

/** Whether a table has rows of a model on voices made worse: the voice head, and the gates on all three modalities. */
export const hearsWorse = ({ head, texts, modalities = [] }: ModelSpec): boolean =>
  texts === undefined && (head === 'voice' || modalities.length === MODALITIES.length);

/** @param tests of a head that does without modalities: those with all */
export async function testCorrupted(
  asked: Asked,
  { corrupted }: ExperimentData,
  tests: EvaluationItems['tests'],
  classes: number,
): Promise<CorruptedTests> {
  const worse = corrupted.flatMap(({ rowsOf }) =>
    tests.map((items) => ({ ...items, voice: rowsOf(items.voice!) })),
  );
  const n = tests[0]!.labels.length;
  const logits = new Float32Array(worse.length * n * classes);
  const shares = new Float64Array(worse.length * MODALITIES.length);
  let gated = false;
  for (const [test, items] of worse.entries())
    for await (const part of predictParts(asked, items)) {
      logits.set(part.logits.data, (test * n + part.start) * classes);
      if (part.gates === undefined) continue;
      gated = true;
      addShares(shares.subarray(test * MODALITIES.length), part, MODALITIES.length, n);
    }
  return {
    logits: float32([worse.length, n, classes], logits),
    ...(gated && { shares: float32([worse.length, MODALITIES.length], Float32Array.from(shares)) }),
  };
}

// A file of its own, named after the voices made worse: other ones need no other training.
const fileIn = (folder: string, voices: string): string =>
  join(folder, `corrupted-${voices.slice(0, 12)}.safetensors`);

/** @param voices a hash of the voices made worse */
export const writeCorrupted = (folder: string, voices: string, tests: CorruptedTests): Promise<unknown> =>
  writeSafetensorsFile(fileIn(folder, voices), { ...tests });

/** Undefined if a run was not tested on these. */
export async function readCorrupted(folder: string, voices: string): Promise<CorruptedTests | undefined> {
  const file = fileIn(folder, voices);
  if (!existsSync(file)) return undefined;
  return (await readSafetensorsFile(file)).tensors as unknown as CorruptedTests;
}
