// What training a text encoder and training a face encoder have in common, from options to trained weights.
import { sha256 } from 'mien-engine/node';
import type { Pretrained, PretrainedOptions } from '../encoders/pretrained.js';
import { type Progress, silentProgress } from 'mien/parts';
import { initialize, type Tensors } from 'mien-engine';
import { isClassifier } from './classifier.js';
import { train, type Trained, type TrainingTask } from '../train/loop.js';
import type { LearnedRecord } from './record.js';
import { traineeParameters, type Trainee } from '../train/step.js';
import type { Teacher, TeacherOptions } from './teacher.js';

export interface LearnEncoderOptions<Item, Spec, Settings> extends PretrainedOptions {
  /** Alphabetical. */
  readonly labels: readonly string[];
  readonly training: readonly Item[];
  /** Selects the epoch. */
  readonly validation: readonly Item[];
  readonly encoder: Spec;
  readonly settings: Settings;
  /** Folder of checkpoints, log and, at the end, `encoder/` and `learned.json`. */
  readonly out: string;
  /** Learned folders whose mean posterior is a part of each target. */
  readonly teachers?: Omit<TeacherOptions, 'labels' | 'threads' | 'progress'> | undefined;
  /** Images of more pixels are an error (default 50 million). */
  readonly maxPixels?: number | undefined;
  readonly threads?: number | undefined;
  readonly spinning?: boolean | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** A training that is ready to begin. */
export interface Prepared {
  readonly task: TrainingTask;
  /** Where training begins. */
  readonly located: Pretrained;
  readonly fingerprint: string;
  readonly items: LearnedRecord['items'];
}

/** Published weights with the first values of the trainee's classifier. */
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

/** A task made ready: the fingerprint has a line an item, in `lineOf`'s words. */
export function readyToTrain<Item>(
  kind: LearnedRecord['kind'],
  { task, located }: Pick<Prepared, 'task' | 'located'>,
  { labels, settings }: { readonly labels: readonly string[]; readonly settings: object },
  sets: { readonly training: readonly Item[]; readonly validation: readonly Item[] },
  lineOf: (item: Item) => string,
  teacher: Teacher | undefined,
): Prepared {
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
  { task, fingerprint }: Prepared,
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
