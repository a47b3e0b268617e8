// Trains one head with one seed and stores its logits on the validation and test items.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensorsFile, sha256, writeFileAtomic, writeSafetensorsFile } from 'mien-engine/node';
import type { Progress } from 'mien/parts/base';
import type { Modality } from 'mien/parts/bundle';
import { evaluateScores, scores } from 'mien/parts/evaluate';
import { defined, randomStream, type Tensor } from 'mien-engine/base';
import type { Partner } from '../data/pairing.js';
import type { Split } from '../features/sets.js';
import { readsStates } from '../heads/heads.js';
import {
  createPredictionSession,
  type FeatureTables,
  type Items,
  type StateTables,
} from '../train/head-graph.js';
import { HEAD_FILE, trainHead, type EpochRecord, type TrainedHead } from '../train/head-task.js';
import type { Config } from './config.js';
import {
  type CorruptedTests,
  hearsWorse,
  readCorrupted,
  testCorrupted,
  writeCorrupted,
} from './corrupted-tests.js';
import {
  match,
  pair,
  take,
  type EvaluationItems,
  type ExperimentData,
  type Matched,
  type Selection,
} from './data.js';
import { graphOptions, selectionOf, tablesOf } from './head-options.js';
import { choicesOf, limitedTo, withMissing } from './incomplete.js';
import { readBy, type ModelSpec } from './plan.js';
import { analyseRun, predictAll, runAnalysisOf, type RunAnalysis } from './run-analysis.js';

/** Logits `[n, labels]` on validation, and on each test pairing (one entry where nothing is paired). */
export interface RunResult {
  readonly validation: Tensor<'float32'>;
  readonly tests: readonly Tensor<'float32'>[];
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
  /** Missing from runs of earlier versions that kept no parameters. */
  readonly analysis?: RunAnalysis;
  /** Of heads that are tested on voices made worse. */
  readonly corrupted?: CorruptedTests;
}

/** Pairings of the validation items; more than one, since they are few. */
const VALIDATION_PAIRINGS = 3;

/** Validation pairs, the same for all models and seeds: positions of texts and faces in their selections. */
export function validationPairs(config: Config, texts: Selection, faces: Selection) {
  const drawn = Array.from({ length: VALIDATION_PAIRINGS }, (_, i) =>
    pair(texts, faces, config.seed, i, 'validation pairing'),
  );
  return {
    texts: drawn.flatMap((positions) => Array.from(positions, (_, i) => i)),
    faces: drawn.flatMap((positions) => [...positions]),
  };
}

/** The faces of one test pairing, by position; the same for all models and seeds. */
export const testPairs = (config: Config, texts: Selection, faces: Selection, pairing: number): Int32Array =>
  pair(texts, faces, config.seed, pairing, 'test pairing');

/** As `validationPairs`, for any modalities: positions in their selections, the pairings one after the other. */
export function validationMatches<M extends Partner>(
  config: Config,
  selections: Matched<M>,
  count = VALIDATION_PAIRINGS,
): Record<M | 'text', number[]> {
  const found = Array.from({ length: count }, (_, i) =>
    match(selections, config.seed, i, 'validation pairing'),
  );
  const text = found.flatMap(() => Array.from(selections.text.rows, (_, i) => i));
  const partners = Object.keys(found[0]!) as M[];
  return Object.fromEntries([
    ['text', text],
    ...partners.map((modality) => [modality, found.flatMap((one) => [...one[modality]])]),
  ]) as Record<M | 'text', number[]>;
}

/** As `testPairs`, for any modalities. */
export const testMatches = <M extends Partner>(
  config: Config,
  selections: Matched<M>,
  pairing: number,
): Record<M, Int32Array> => match(selections, config.seed, pairing, 'test pairing');

/** What a model reads of a split, and the texts whose labels it is matched by. */
function selectionsOf(data: ExperimentData, model: ModelSpec, split: Split): Matched<Partner> {
  const others = readBy(model).filter((modality) => modality !== 'text');
  const selections = others.map((modality) => [modality, selectionOf(data, model, modality, split)]);
  return { ...Object.fromEntries(selections), text: data.texts(model.labels, split) } as Matched<Partner>;
}

/**
 * Fused heads are judged on pairs (triples); the unimodal ones on each of their items, which pairs then refer to. Those that
 * do without modalities are judged on every choice of them: validation, and the tests of all pairings, choice after choice.
 */
export function evaluationItems(config: Config, data: ExperimentData, model: ModelSpec): EvaluationItems {
  const read = readBy(model);
  if (read.length === 1) {
    const [modality] = read as [Modality];
    const items = (split: 'validation' | 'test') => {
      const { rows, labels } = selectionOf(data, model, modality, split);
      return { [modality]: rows, labels };
    };
    return { validation: items('validation'), tests: [items('test')] };
  }
  const taken = (
    selections: Matched<Partner>,
    positions: Readonly<Partial<Record<Modality, ArrayLike<number>>>>,
  ) => {
    const rows = read.map((modality) => [
      modality,
      take(selections[modality], positions[modality] ?? []).rows,
    ]);
    const { labels } = positions.text ? take(selections.text, positions.text) : selections.text;
    return { ...Object.fromEntries(rows), labels } as EvaluationItems['validation'];
  };
  const [ofValidation, ofTest] = [selectionsOf(data, model, 'validation'), selectionsOf(data, model, 'test')];
  const everyText = Array.from(ofTest.text.rows, (_, i) => i);
  const tests = Array.from({ length: config.pairing.testSeeds }, (_, pairing) =>
    taken(ofTest, { ...testMatches(config, ofTest, pairing), text: everyText }),
  );
  const choices = model.incomplete ? choicesOf(read) : [read];
  // Every choice has the same pairs, so that one pairing of them is as many items as several of a single choice.
  const validation = taken(
    ofValidation,
    validationMatches(config, ofValidation, model.incomplete ? 1 : VALIDATION_PAIRINGS),
  );
  return {
    validation: joined(choices.map((choice) => limitedTo(validation, read, choice))),
    tests: choices.flatMap((choice) => tests.map((items) => limitedTo(items, read, choice))),
  };
}

/** Items one after the other. */
function joined(parts: readonly EvaluationItems['validation'][]): EvaluationItems['validation'] {
  const [first] = parts as [EvaluationItems['validation']];
  if (parts.length === 1) return first;
  const names = Object.keys(first) as (keyof typeof first)[];
  const of = (name: (typeof names)[number]) => parts.flatMap((part) => Array.from(part[name]!));
  return Object.fromEntries(
    names.map((name) => [name, name === 'labels' ? Uint8Array.from(of(name)) : Int32Array.from(of(name))]),
  ) as unknown as EvaluationItems['validation'];
}

/**
 * The items of an epoch, a function of seed and epoch alone: the training items in random order, shuffled anew when
 * all have been seen, cut into epochs.
 */
function sampler(
  model: ModelSpec,
  { epochs, triples }: Config,
  data: ExperimentData,
  seed: number,
): (epoch: number) => Items {
  const { sampling, labels } = model;
  const read = readBy(model);
  const pools = selectionsOf(data, model, 'train');
  const main = sampling === 'faces' ? pools.face : data.texts(labels, 'train');
  const n = main.rows.length;
  const size = Math.min(epochs.items, n);
  const orders = new Map<number, ArrayLike<number>>();
  const orderOf = (pass: number): ArrayLike<number> => {
    const order = orders.get(pass) ?? randomStream(seed, 'shuffle', pass).permutation(n);
    orders.set(pass, order);
    return order;
  };
  return (epoch) => {
    const pass = (position: number) => Math.floor(position / n);
    const positions = Int32Array.from({ length: size }, (_, i) => {
      const position = epoch * size + i;
      return orderOf(pass(position))[position % n]!;
    });
    const items = take(main, positions);
    if (sampling === 'texts') return { text: items.rows, labels: items.labels };
    if (sampling === 'faces') return { face: items.rows, labels: items.labels };
    const found = match({ ...pools, text: items }, seed, epoch, 'training pairing');
    const rows = read.map((modality) => [
      modality,
      modality === 'text' ? items.rows : take(pools[modality], found[modality]).rows,
    ]);
    const drawn = { ...Object.fromEntries(rows), labels: items.labels } as Items;
    return model.incomplete ? withMissing(drawn, read, triples.missing, seed, epoch) : drawn;
  };
}

/** How training items are varied. */
export interface Variation {
  /** Identifies the variation in a run's fingerprint. */
  readonly key: string;
  /** The features' tables with further rows below their own. */
  readonly tables: FeatureTables;
  /** The same rows as states, where the features have those. */
  readonly states?: StateTables;
  /** An epoch's items with some of them changed to further rows; a function of its arguments alone. */
  readonly vary: (items: Items, seed: number, epoch: number) => Items;
  /** As `HeadGraphOptions` has it; the items then say what their gate should be. */
  readonly gateGuidance?: number;
}

/** A hash of everything on which a run depends. */
export const fingerprint = (
  model: ModelSpec,
  config: Config,
  features: string,
  variation?: Variation,
): string => {
  // The number of seeds, whose faces the main row has, and what concerns other heads do not change a run.
  const { seeds: _seeds, furtherHeads: _heads, pairing, triples, ...rest } = config;
  const { tensor, rank, attention, ...shared } = rest.head;
  const own =
    model.head === 'tensor'
      ? { tensor }
      : model.head === 'low-rank'
        ? { rank }
        : readsStates(model.head)
          ? { attention }
          : {};
  const decisive = { ...rest, head: { ...shared, ...own }, ...(model.incomplete ? { triples } : {}) };
  const varied = variation ? [variation.key] : [];
  return sha256(JSON.stringify([model, { ...decisive, testSeeds: pairing.testSeeds }, features, ...varied]));
};

/** `gated-fer2013-0123456789ab/seed-0`: runs of other configurations or features have other names. */
const runFolder = ({ folder, model, seed, config, features, variation }: RunOptions): string =>
  join(
    folder,
    `${model.key}-${fingerprint(model, config, features, variation).slice(0, 12)}`,
    `seed-${seed}`,
  );

export interface RunOptions {
  readonly model: ModelSpec;
  readonly seed: number;
  readonly config: Config;
  /** Folder of all runs; each has a folder of its own in it: checkpoints, log, logits. */
  readonly folder: string;
  /** A hash of the features. */
  readonly features: string;
  /** A hash of the voices made worse, if there are any. */
  readonly corrupted?: string;
  readonly variation?: Variation;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Trains a head, or resumes its training from the last checkpoint. */
export function trainRun(data: ExperimentData, options: RunOptions): Promise<TrainedHead> {
  const { model, seed, config, features, variation, progress, signal } = options;
  const { validation } = evaluationItems(config, data, model);
  const draw = sampler(model, config, data, seed);
  return trainHead(
    {
      ...graphOptions(model, config, data),
      ...defined({ gateGuidance: variation?.gateGuidance }),
      features: tablesOf(variation ?? data, model),
      draw: variation ? (epoch) => variation.vary(draw(epoch), seed, epoch) : draw,
      validation,
      select: (logits, labels) => evaluateScores(labels, scores(model.labels.length, logits.data)).f1,
    },
    {
      seed,
      optimizer: config.optimizer,
      epochs: config.epochs,
      threads: 1,
      folder: runFolder(options),
      fingerprint: fingerprint(model, config, features, variation),
      ...defined({ progress, signal }),
    },
  );
}

/** Trains and analyses, unless the folder already has the results. */
export async function performRun(data: ExperimentData, options: RunOptions): Promise<RunResult> {
  const finished = await readRun(options);
  if (finished && !lacksAnalysis(finished, options)) return finished;
  const { model, config } = options;
  const evaluation = evaluationItems(config, data, model);
  const tables = tablesOf(data, model);
  const trained = finished
    ? { ...finished, parameters: (await readSafetensorsFile(join(runFolder(options), HEAD_FILE))).tensors }
    : await trainRun(data, options);
  const session = await createPredictionSession(graphOptions(model, config, data), 1);
  try {
    const asked = { session, parameters: trained.parameters, tables };
    const analysis =
      finished?.analysis ??
      (isAnalysed(model) ? await analyseRun(asked, config, data, options, evaluation.tests) : undefined);
    if (analysis && !finished?.analysis)
      await writeSafetensorsFile(join(runFolder(options), ANALYSIS), { ...analysis });
    const heard = evaluation.tests.slice(0, config.pairing.testSeeds);
    const corrupted = isTestedWorse(options)
      ? await testCorrupted(asked, data, heard, model.labels.length)
      : undefined;
    if (corrupted) await writeCorrupted(runFolder(options), options.corrupted!, corrupted);
    const more = defined({ analysis, corrupted });
    if (finished) return { ...finished, ...more };
    const logitsOf = (items: Items) => predictAll(asked, items, model.labels.length);
    const validation = await logitsOf(evaluation.validation);
    const tests: Tensor<'float32'>[] = [];
    for (const items of evaluation.tests) tests.push(await logitsOf(items));
    const { bestEpoch, history } = trained;
    return await writeRun(options, {
      validation,
      tests,
      bestEpoch,
      history,
      ...more,
    });
  } finally {
    await session.dispose();
  }
}

/** Whether a finished run, of an earlier version or on other voices, lacks an analysis but has the parameters for it. */
export const lacksAnalysis = (run: RunResult, options: RunOptions): boolean =>
  ((isAnalysed(options.model) && run.analysis === undefined) ||
    (isTestedWorse(options) && run.corrupted === undefined)) &&
  existsSync(join(runFolder(options), HEAD_FILE));

const isTestedWorse = ({ model, corrupted }: RunOptions): boolean =>
  corrupted !== undefined && hearsWorse(model);

/** The report's statistics are about the paper's heads; of those on triples, the rows state gate and projection. */
const isAnalysed = ({ texts, modalities }: ModelSpec): boolean =>
  texts === undefined || modalities !== undefined;

const RESULT = 'result.json';
const LOGITS = 'logits.safetensors';
const ANALYSIS = 'analysis.safetensors';

async function writeRun(options: RunOptions, result: RunResult): Promise<RunResult> {
  const folder = runFolder(options);
  const tests = Object.fromEntries(result.tests.map((tensor, i) => [`test ${i}`, tensor]));
  await writeSafetensorsFile(join(folder, LOGITS), { validation: result.validation, ...tests });
  const { bestEpoch, history } = result;
  await writeFileAtomic(
    join(folder, RESULT),
    `${JSON.stringify({ tests: result.tests.length, bestEpoch, history })}\n`,
  );
  return result;
}

/** The finished run, or undefined when it is not finished. */
export async function readRun(options: RunOptions): Promise<RunResult | undefined> {
  const folder = runFolder(options);
  const text = await readFile(join(folder, RESULT), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as { tests: number; bestEpoch: number; history: EpochRecord[] };
  const { tensors } = await readSafetensorsFile(join(folder, LOGITS));
  const tensor = (name: string) => tensors[name] as Tensor<'float32'>;
  const analysis = join(folder, ANALYSIS);
  return {
    validation: tensor('validation'),
    tests: Array.from({ length: record.tests }, (_, i) => tensor(`test ${i}`)),
    bestEpoch: record.bestEpoch,
    history: record.history,
    ...defined({
      analysis: existsSync(analysis)
        ? runAnalysisOf((await readSafetensorsFile(analysis)).tensors, analysis)
        : undefined,
      corrupted: isTestedWorse(options) ? await readCorrupted(folder, options.corrupted!) : undefined,
    }),
  };
}
