// The training loop of a head: draw an epoch's items, run its steps, look at validation, keep the best, stop in time.
import { initialize, MienError, type Tensor, type Tensors } from 'mien-engine';
import { type Progress, silentProgress } from 'mien/parts';
import { openCheckpoint, type HeadCheckpoints } from './checkpoint.js';
import {
  createEpochSession,
  createPredictionSession,
  headParameters,
  initialState,
  type FeatureTables,
  type HeadGraphOptions,
  type Items,
  type StateTables,
  type TrainingState,
} from './head-graph.js';
import { optimizerOf, type OptimizerSettings } from './optimizer.js';
import type { EpochRecord, RunState } from './run-state.js';

export interface TrainingTask extends HeadGraphOptions {
  readonly features: FeatureTables | StateTables;
  /** The items of an epoch in the order they are trained on; a function of the epoch alone, so that runs resume. */
  readonly draw: (epoch: number) => Items;
  readonly validation: Items;
  /** How good logits `[n, labels]` are on the validation items; the epoch with the highest value is kept. */
  readonly select: (logits: Tensor<'float32'>, labels: ArrayLike<number>) => number;
}

export interface TrainingOptions {
  readonly seed: number;
  readonly optimizer: OptimizerSettings;
  readonly epochs: { readonly max: number; readonly patience: number };
  /** Folder for checkpoints and the log; nothing is written without it. */
  readonly folder?: string;
  /** What tells this run from others; a checkpoint of another run is refused. */
  readonly fingerprint?: string;
  /** Seconds between checkpoints; a checkpoint follows every epoch at 0. */
  readonly checkpointSeconds?: number;
  readonly threads?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface TrainedHead {
  /** Parameters of the best epoch. */
  readonly parameters: Tensors;
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
}

/**
 * Trains a head and returns the parameters of the epoch that was best on validation.
 * @throws MienError `diverged` with the step at which the loss was no longer finite, `checkpoint` when the folder
 *   holds a checkpoint of another run, `interrupted` when the signal is given (after a checkpoint).
 */
export async function trainHead(task: TrainingTask, options: TrainingOptions): Promise<TrainedHead> {
  const { seed, epochs, signal, threads, progress = silentProgress } = options;
  const stepsPerEpoch = Math.ceil(task.draw(0).labels.length / task.batchSize);
  const optimizer = optimizerOf(options.optimizer, stepsPerEpoch * epochs.max);
  const specs = headParameters(task);
  const names = specs.map(({ name }) => name);
  const checkpoints =
    options.folder === undefined
      ? undefined
      : await openCheckpoint(options.folder, options.fingerprint ?? '');

  let run =
    (await checkpoints?.read()) ??
    firstState(initialize(specs, seed), (parameters) => initialState(parameters, optimizer));
  let saved = performance.now();
  const epochSession = await createEpochSession(task, optimizer, threads);
  const predictionSession = await createPredictionSession(task, threads);
  try {
    while (!isOver(run, epochs)) {
      if (signal?.aborted) throw await interrupted(checkpoints, run);
      const start = performance.now();
      const epoch = run.history.length;
      const { state, losses, accuracy } = await epochSession.run(
        run.training,
        task.features,
        task.draw(epoch),
      );
      const bad = losses.findIndex((loss) => !Number.isFinite(loss));
      if (bad >= 0) throw diverged(epoch, bad, stepsPerEpoch, run);
      const parameters = Object.fromEntries(names.map((name) => [name, state[name]!]));
      const { logits } = await predictionSession.run(parameters, task.features, task.validation);
      const record: EpochRecord = {
        epoch: epoch + 1,
        loss: losses.reduce((total, loss) => total + loss, 0) / losses.length,
        accuracy,
        validation: task.select(logits, task.validation.labels),
        seconds: (performance.now() - start) / 1000,
      };
      run = advance(run, state, parameters, record);
      progress.message(describe(record));
      if (performance.now() - saved >= (options.checkpointSeconds ?? 10) * 1000) {
        await checkpoints?.write(run);
        saved = performance.now();
      }
    }
  } finally {
    await epochSession.dispose();
    await predictionSession.dispose();
  }
  await checkpoints?.finish(run);
  return { parameters: run.best, bestEpoch: run.bestEpoch, history: run.history };
}

const firstState = (parameters: Tensors, start: (parameters: Tensors) => TrainingState): RunState => ({
  training: start(parameters),
  best: parameters,
  bestEpoch: 0,
  history: [],
});

const isOver = ({ history, bestEpoch }: RunState, { max, patience }: TrainingOptions['epochs']): boolean =>
  history.length >= max || history.length - bestEpoch >= patience;

/** The state after an epoch; the first of equally good epochs stays the best. */
function advance(run: RunState, training: TrainingState, parameters: Tensors, record: EpochRecord): RunState {
  const bestBefore = run.bestEpoch === 0 ? -Infinity : run.history[run.bestEpoch - 1]!.validation;
  const history = [...run.history, record];
  return record.validation > bestBefore
    ? { training, best: parameters, bestEpoch: record.epoch, history }
    : { ...run, training, history };
}

/** `epoch  3  loss 1.204  accuracy .562  validation .601  1.4 s` */
const describe = ({ epoch, loss, accuracy, validation, seconds }: EpochRecord): string =>
  `epoch ${String(epoch).padStart(3)}  loss ${loss.toFixed(3)}  accuracy ${accuracy.toFixed(3)}  ` +
  `validation ${validation.toFixed(3)}  ${seconds.toFixed(1)} s`;

async function interrupted(checkpoints: HeadCheckpoints | undefined, run: RunState): Promise<MienError> {
  await checkpoints?.write(run);
  return new MienError('interrupted', `training was stopped after epoch ${run.history.length}`, {
    hint: checkpoints ? 'Run the same command again to go on from there.' : undefined,
  });
}

const diverged = (epoch: number, step: number, stepsPerEpoch: number, run: RunState): MienError =>
  new MienError(
    'diverged',
    `the loss is no longer finite at step ${epoch * stepsPerEpoch + step + 1} (epoch ${epoch + 1})`,
    {
      hint:
        'Lower optimizer.learningRate, or set optimizer.clipNorm=1. ' +
        (run.bestEpoch > 0 ? `The best epoch before was ${run.bestEpoch}.` : 'No epoch was finished before.'),
    },
  );
