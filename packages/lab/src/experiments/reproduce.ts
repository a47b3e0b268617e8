// The paper's experiment: trains every head over all seeds and gathers what the tables need.
import { availableParallelism, tmpdir } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runInProcesses, sha256 } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { FACE_LABELS, type ProtocolVoices, type SetCounts as CleaningCounts } from 'mien/parts/data';
import {
  SET_NAMES,
  setsByName,
  SPLITS,
  type FeatureSet,
  type FeatureSets,
  type SetName,
} from '../features/sets.js';
import { moduleInPackage } from '../base/package.js';
import type { Config } from './config.js';
import { experimentData } from './data.js';
import { environment } from './environment.js';
import { loadFeatures, type FeatureSource } from './features.js';
import { modelsOf, SEVEN_SEEDS, sevenModels, TRIPLE_SEEDS, tripleModels, type ModelSpec } from './plan.js';
import type { CostRow, ExperimentResults, RowPredictions, EmbeddedSet } from './results.js';
import { rowAnalyses } from './row-analysis.js';
import { sevenRows, tableRows } from './rows.js';
import { lacksAnalysis, readRun, type RunOptions, type RunResult } from './run.js';
import { tripleRows } from './triple-rows.js';
import { hashFor, type Task, type WorkerSetup } from './worker-setup.js';

export interface ReproduceOptions {
  readonly source: FeatureSource;
  readonly config: Config;
  /** Folder in which runs are kept and resumed; a temporary one without it. */
  readonly folder?: string;
  /** Training processes; one a core by default. */
  readonly workers?: number;
  readonly costs?: readonly CostRow[];
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface Reproduction {
  readonly results: ExperimentResults;
  readonly predictions: readonly RowPredictions[];
}

/**
 * Trains what is not trained yet and gives rows, counts and predictions.
 * @throws MienError `data` when labels or splits are empty, `diverged`, `interrupted` (finished runs are kept).
 */
export async function reproduce(options: ReproduceOptions): Promise<Reproduction> {
  const { source, config, costs = [], progress = silentProgress } = options;
  const sets = await loadFeatures(source);
  const data = experimentData(sets);
  const temporary = options.folder === undefined ? await mkdtemp(join(tmpdir(), 'mien-runs-')) : undefined;
  try {
    const folder = join((options.folder ?? temporary)!, 'runs');
    const setup = { source, config, folder, ...featureHashes(sets) };
    const done = new Map<string, RunResult>();
    const key = ({ model, seed }: Task) => `${model.key} ${seed}`;
    const lookUp = async (task: Task): Promise<boolean> => {
      const options: RunOptions = { ...setup, ...task, features: hashFor(setup, task) };
      const run = await readRun(options);
      if (run) done.set(key(task), run);
      return run !== undefined && !lacksAnalysis(run, options);
    };

    // The paper's rows on its labels; where there are texts of all labels, ours over the faces' seven beside.
    const seven = sets.corpora && {
      data: experimentData(sets, 'all'),
      config: { ...config, labels: FACE_LABELS, seeds: config.seeds.slice(0, SEVEN_SEEDS) },
    };
    // With voices, triples of all three; over seven labels on the runs of the pairs' seeds.
    const triples = sets.voices && {
      data,
      config: { ...config, seeds: config.seeds.slice(0, TRIPLE_SEEDS) },
    };
    const eachSeed = (models: readonly ModelSpec[], { seeds }: Config): Task[] =>
      models.flatMap((model) => seeds.map((seed) => ({ model, seed })));
    const tasks = [
      ...eachSeed(modelsOf(config), config),
      ...(triples ? eachSeed(tripleModels(config.labels), triples.config) : []),
      ...(seven ? eachSeed(sevenModels(), seven.config) : []),
      ...(seven && triples ? eachSeed(tripleModels(FACE_LABELS, 'all'), seven.config) : []),
    ];
    const open: Task[] = [];
    for (const task of tasks) if (!(await lookUp(task))) open.push(task);
    progress.begin('training heads', tasks.length, 'heads');
    progress.skip(tasks.length - open.length);
    await runInProcesses<WorkerSetup, Task, undefined, string>(open, {
      module: moduleInPackage('experiments/worker'),
      setup,
      processes: options.workers ?? availableParallelism(),
      signal: options.signal,
      onNote: (task, line) => progress.message(`${task.model.key.padEnd(22)} seed ${task.seed}  ${line}`),
      onDone: () => progress.advance(),
    });
    progress.end();
    for (const task of open) await lookUp(task);

    const runsOf = (seeds: readonly number[]) => (model: ModelSpec) =>
      seeds.map((seed) => done.get(key({ model, seed }))!);
    const features = describeFeatures(sets, config);
    const context = { config, data, runs: runsOf(config.seeds), features };
    const ofSeven = seven && { ...seven, runs: runsOf(seven.config.seeds), features };
    const rows = [
      ...tableRows(context),
      ...(ofSeven ? sevenRows(ofSeven) : []),
      ...(triples ? tripleRows({ ...triples, runs: runsOf(triples.config.seeds), features }) : []),
      ...(ofSeven && triples ? tripleRows(ofSeven) : []),
    ];
    const analyses = rowAnalyses(context);
    return {
      results: {
        rows: rows.map(({ row }) => row),
        costs,
        counts: countsOf(sets),
        configuration: config,
        environment: environment(),
      },
      predictions: rows.map(({ predictions }) => {
        const analysis = analyses.get(predictions.row);
        return analysis === undefined ? predictions : { ...predictions, analysis };
      }),
    };
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Hashes of what the embeddings are, and of which items stand where: of texts and faces, with the voices, and of voices made
 * worse.
 */
function featureHashes({ texts, corpora, faces, voices, provenance }: FeatureSets) {
  const { ravdess, ...paired } = provenance.sets;
  const placesOf = ({ ids, labels, split }: FeatureSet) => sha256(JSON.stringify([ids, [...labels], split]));
  const features = sha256(
    JSON.stringify([
      paired,
      provenance.pack?.sha256 ?? null,
      ...[texts, faces.fer2013, faces.rafdb, ...(corpora ? [corpora] : [])].map(placesOf),
    ]),
  );
  if (voices === undefined) return { features };
  const { embeddings, corrupted } = voices;
  // Embeddings of voices are few: all of them are hashed.
  const hashOf = ({ data }: FeatureSet['embeddings']) => sha256(bytesOf(data));
  return {
    features,
    voices: sha256(JSON.stringify([features, ravdess, placesOf(voices), hashOf(embeddings)])),
    ...(corrupted && {
      corrupted: sha256(
        JSON.stringify(corrupted.map(({ as, level, ...one }) => [as, level, hashOf(one.embeddings)])),
      ),
    }),
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** `frozen features`; a profile file goes by its name. */
function describeFeatures({ provenance }: FeatureSets, { profile }: Config): string {
  const name = basename(profile).replace(/\.(ya?ml|json)$/, '');
  return provenance.source === 'pack' ? `${name} features (pack)` : `${name} features`;
}

function countsOf(all: FeatureSets): Record<string, EmbeddedSet> {
  const { provenance } = all;
  const sets = setsByName(all);
  return Object.fromEntries(
    SET_NAMES.flatMap((name) => {
      const [set, own] = [sets[name], provenance.sets[name]];
      if (!set || !own) return [];
      const { id, revision, sha256: hash, dtype } = own.encoder;
      const counts = {
        ...perLabel(set),
        dropped: droppedOf(provenance, name),
        encoder: { id, revision, sha256: hash, dtype },
        terms: own.terms,
      };
      return [[name, counts]];
    }),
  );
}

/** Dropped items by reason, from what cleaning counted; empty where the features do not say. */
function droppedOf({ protocol }: FeatureSets['provenance'], name: SetName): Record<string, number> {
  if (name === 'ravdess') return (protocol['voices'] as ProtocolVoices | undefined)?.dropped ?? {};
  const counts = protocol['counts'] as Partial<Record<SetName, CleaningCounts>> | undefined;
  return Object.fromEntries(
    Object.entries(counts?.[name]?.dropped ?? {}).map(([reason, labels]) => [
      reason,
      Object.values(labels).reduce((total, count) => total + count, 0),
    ]),
  );
}

function perLabel({
  labels,
  labelNames,
  split,
}: FeatureSet): Pick<EmbeddedSet, 'train' | 'validation' | 'test'> {
  const counts = Object.fromEntries(
    SPLITS.map((name) => [name, Object.fromEntries(labelNames.map((label) => [label, 0]))]),
  );
  split.forEach((name, i) => counts[name]![labelNames[labels[i]!]!]!++);
  return counts as unknown as Pick<EmbeddedSet, 'train' | 'validation' | 'test'>;
}
