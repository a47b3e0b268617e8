// What trainings of text, face and voice encoders have in common, from options to trained weights; and an estimate of
// time and memory.
import { sha256 } from 'mien-engine/node';
import type { Pretrained, PretrainedOptions } from '../encoders/pretrained.js';
import { type Progress, silentProgress } from 'mien/parts/base';
import { initialize, type Tensors } from 'mien-engine';
import { isClassifier } from './classifier.js';
import { shapesOf, train, type Trained, type TrainingTask } from '../train/loop.js';
import type { LearnedRecord } from './learned.js';
import { createStepSession, initialState, traineeParameters, type Trainee } from '../train/step.js';
import type { Teacher, TeacherOptions } from './teacher.js';

export interface LearnEncoderOptions<Item, Spec, Settings> extends PretrainedOptions {
  /** Alphabetical. */
  readonly labels: readonly string[];
  readonly training: readonly Item[];
  /** The epoch is selected on these. */
  readonly validation: readonly Item[];
  readonly encoder: Spec;
  readonly settings: Settings;
  /** Folder of checkpoints, log and, at the end, `encoder/` and `learned.json`. */
  readonly out: string;
  /** Learned encoders whose mean posteriors are a part of each target. */
  readonly teachers?: Omit<TeacherOptions, 'labels' | 'threads' | 'progress' | 'signal'> | undefined;
  /** Images of more pixels are an error (default 50 million). */
  readonly maxPixels?: number | undefined;
  readonly threads?: number | undefined;
  readonly spinning?: boolean | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** A training that is ready to start. */
export interface PreparedTraining {
  readonly task: TrainingTask;
  /** The weights that training starts from. */
  readonly located: Pretrained;
  readonly fingerprint: string;
  readonly items: LearnedRecord['items'];
}

/** Published weights, and initial weights of the trainee's classifiers. */
export function withClassifier(published: Tensors, trainee: Trainee, seed: number): Tensors {
  const { specs } = traineeParameters(trainee, isClassifier);
  return {
    ...published,
    ...initialize(
      specs.filter(({ name }) => isClassifier(name)),
      seed,
    ),
  };
}

/** A task with its fingerprint, which includes the line of every item. */
export function readyToTrain<Item>(
  kind: LearnedRecord['kind'],
  { task, located }: Pick<PreparedTraining, 'task' | 'located'>,
  { labels, settings }: { readonly labels: readonly string[]; readonly settings: object },
  sets: { readonly training: readonly Item[]; readonly validation: readonly Item[] },
  lineOf: (item: Item) => string,
  teacher: Teacher | undefined,
): PreparedTraining {
  const { training, validation } = sets;
  const fingerprint = sha256(
    JSON.stringify([
      [kind, labels],
      { ...settings, checkpointSeconds: 0 },
      located.sha256,
      ...[training, validation].map((items) => sha256(items.map(lineOf).join('\n'))),
      teacher ? [teacher.share, sha256(new Uint8Array(teacher.posteriors.buffer))] : null,
    ]),
  );
  return {
    task,
    located,
    fingerprint,
    items: { training: training.length, validation: validation.length },
  };
}

/** Trains what was prepared. @throws MienError as `train` does. */
export const trainPrepared = (
  { task, fingerprint }: PreparedTraining,
  options: Pick<
    LearnEncoderOptions<never, never, { patience: number; checkpointSeconds: number }>,
    'settings' | 'out' | 'threads' | 'spinning' | 'progress' | 'signal'
  >,
): Promise<Trained> => {
  const { settings, out, threads, spinning, progress = silentProgress, signal } = options;
  return train(task, {
    folder: out,
    fingerprint,
    threads,
    spinning,
    progress,
    signal,
    patience: settings.patience,
    checkpointSeconds: settings.checkpointSeconds,
  });
};

export interface Estimate {
  readonly steps: number;
  /** Of all steps; starting and validation not included. */
  readonly seconds: number;
  /** Peak memory of this process, plus what the rest of the data will take. */
  readonly bytes: number;
  /** Milliseconds per step, by shape. */
  readonly shapes: Readonly<Record<string, number>>;
}

/**
 * How long training would take: runs the first planned run of every shape twice and times the second. Nothing is kept.
 */
export async function estimate(
  task: TrainingTask,
  options: {
    readonly threads?: number | undefined;
    readonly spinning?: boolean | undefined;
    /** Bytes of data that are not in memory yet. */
    readonly furtherBytes: number;
    readonly progress: Progress;
  },
): Promise<Estimate> {
  const planned = Array.from({ length: task.epochs }, (_, epoch) =>
    task.plan(epoch).map((run, index) => ({ ...run, epoch, index })),
  ).flat();
  const shapes: Record<string, number> = {};
  const names = shapesOf(planned);
  // As in training.
  const keepMemory = names.length === 1;
  options.progress.begin('measure', names.length, 'shapes');
  for (const shape of names) {
    const first = planned.find((run) => run.shape === shape)!;
    const trainee = task.trainee(shape);
    const session = await createStepSession(trainee, { ...task, ...options, keepMemory });
    try {
      const batches = task.batches(first.epoch, first.index);
      const { state } = await session.run(initialState(trainee, task), batches);
      const start = performance.now();
      await session.run(state, task.batches(first.epoch, first.index));
      shapes[shape] = (performance.now() - start) / first.steps;
    } finally {
      await session.dispose();
    }
    options.progress.advance();
  }
  options.progress.end();
  return {
    steps: planned.reduce((sum, { steps }) => sum + steps, 0),
    seconds: planned.reduce((sum, { shape, steps }) => sum + (steps * shapes[shape]!) / 1000, 0),
    // `maxRSS` is in kilobytes.
    bytes: process.resourceUsage().maxRSS * 1024 + options.furtherBytes,
    shapes,
  };
}
