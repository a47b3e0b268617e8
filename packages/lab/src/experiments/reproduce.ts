// The paper's experiment: trains every head over all seeds and gathers what the tables need.
import { defined } from 'mien-engine/base';
import { availableParallelism, tmpdir } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runInProcesses, sha256 } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { FACE_LABELS, type SetCounts as CleaningCounts } from 'mien/parts/data';
import { SET_NAMES, SPLITS, type FeatureSet, type FeatureSets, type SetName } from '../features/sets.js';
import { moduleInPackage } from '../base/package.js';
import type { Config } from './config.js';
import { experimentData } from './data.js';
import { environment } from './environment.js';
import { loadFeatures, type FeatureSource } from './features.js';
import { modelsOf, SEVEN_SEEDS, sevenModels, type ModelSpec } from './plan.js';
import type { CostRow, ExperimentResults, RowPredictions, EmbeddedSet } from './results.js';
import { rowAnalyses } from './row-analysis.js';
import { sevenRows, tableRows } from './rows.js';
import { lacksAnalysis, readRun, type RunOptions, type RunResult } from './run.js';
import type { Task, WorkerSetup } from './worker.js';

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
    const setup = { source, config, folder, features: featuresHash(sets) };
    const done = new Map<string, RunResult>();
    const key = ({ model, seed }: Task) => `${model.key} ${seed}`;
    const lookUp = async (task: Task): Promise<boolean> => {
      const options = { ...setup, ...task } satisfies RunOptions;
      const run = await readRun(options);
      if (run) done.set(key(task), run);
      return run !== undefined && !lacksAnalysis(run, options);
    };

    // The paper's rows on its labels; where there are texts of all labels, ours over the faces' seven beside.
    const seven = sets.corpora && {
      data: experimentData(sets, 'all'),
      config: { ...config, labels: FACE_LABELS, seeds: config.seeds.slice(0, SEVEN_SEEDS) },
    };
    const tasks = [
      ...modelsOf(config).flatMap((model) => config.seeds.map((seed) => ({ model, seed }))),
      ...(seven ? sevenModels().flatMap((model) => seven.config.seeds.map((seed) => ({ model, seed }))) : []),
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
    const rows = [
      ...tableRows(context),
      ...(seven ? sevenRows({ ...seven, runs: runsOf(seven.config.seeds), features }) : []),
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

/** A hash of what the embeddings are, and of which items stand where. */
const featuresHash = ({ texts, corpora, faces, provenance }: FeatureSets): string =>
  sha256(
    JSON.stringify([
      provenance.sets,
      provenance.pack?.sha256 ?? null,
      ...[texts, faces.fer2013, faces.rafdb, ...(corpora ? [corpora] : [])].map(({ ids, labels, split }) =>
        sha256(JSON.stringify([ids, [...labels], split])),
      ),
    ]),
  );

/** `frozen features`; a profile file goes by its name. */
function describeFeatures({ provenance }: FeatureSets, { profile }: Config): string {
  const name = basename(profile).replace(/\.(ya?ml|json)$/, '');
  return provenance.source === 'pack' ? `${name} features (pack)` : `${name} features`;
}

function countsOf({ texts, corpora, faces, provenance }: FeatureSets): Record<string, EmbeddedSet> {
  const sets: Partial<Record<SetName, FeatureSet>> = {
    isear: texts,
    ...faces,
    ...defined({ corpora }),
  };
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
