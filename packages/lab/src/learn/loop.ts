// The training loop of an encoder: runs of steps, a checkpoint now and then, validation after each epoch, stop in time.
import { MienError, type Optimizer, type Tensors } from 'mien-engine';
import { type Progress, silentProgress } from 'mien/parts';
import { prefixed, withPrefix } from '../train/checkpoint.js';
import { openCheckpointFolder, type CheckpointFolder } from '../train/checkpoint-folder.js';
import type { EpochEntry } from './record.js';
import {
  createStepSession,
  initialLearnState,
  weightsOf,
  type LearnState,
  type StepSession,
  type Trainee,
} from './step-session.js';

/** Some steps of one shape: the shape's name, and how many. */
export interface PlannedRun {
  readonly shape: string;
  readonly steps: number;
}

export interface LearnTask {
  readonly epochs: number;
  readonly batchSize: number;
  /** The model's parameters before training. */
  readonly weights: Tensors;
  readonly isTrained: (name: string) => boolean;
  readonly optimizer: Optimizer;
  readonly averageDecay: number;
  /** The model for batches of a shape. */
  readonly trainee: (shape: string) => Trainee;
  /** Runs of an epoch, in order; a function of the epoch alone, so that runs resume. */
  readonly plan: (epoch: number) => readonly PlannedRun[];
  /** The batches of a run of an epoch. */
  readonly batches: (epoch: number, run: number) => Tensors;
  /** How good weights are on validation; the epoch with the highest `score` is kept. */
  readonly validate: (weights: Tensors, epoch: number) => Promise<Validation>;
}

export interface Validation {
  readonly score: number;
  /** What else is worth a line. */
  readonly details: Readonly<Record<string, number>>;
}

export interface LearnOptions {
  readonly patience: number;
  /** Folder for checkpoints and the log. */
  readonly folder: string;
  /** What tells this run from others; a checkpoint of another run is refused. */
  readonly fingerprint: string;
  readonly checkpointSeconds: number;
  readonly threads?: number | undefined;
  readonly spinning?: boolean | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

interface RunEntry {
  readonly kind: 'run';
  /** Steps done. */
  readonly step: number;
  readonly epoch: number;
  /** Mean over the run's steps. */
  readonly loss: number;
  readonly accuracy: number;
  /** Milliseconds a step: preparing its data, and computing. */
  readonly dataMs: number;
  readonly runMs: number;
}

interface Position {
  /** Epochs finished, and runs of the next one. */
  readonly epoch: number;
  readonly run: number;
  readonly steps: number;
  readonly best: { readonly epoch: number; readonly score: number };
  readonly log: readonly (RunEntry | EpochEntry)[];
}

interface Progressed extends Position {
  readonly state: LearnState;
  /** Weights of the best epoch, those that changed. */
  readonly bestWeights: Tensors;
}

export interface LearnedWeights {
  /** Averaged weights of the best epoch. */
  readonly weights: Tensors;
  readonly bestEpoch: number;
  readonly epochs: readonly EpochEntry[];
}

/**
 * Trains and returns the averaged weights of the epoch that was best on validation.
 * @throws MienError `diverged` with the step at which the loss was no longer finite, `checkpoint` when the folder holds
 *   a checkpoint of another run, `interrupted` when the signal is given (after a checkpoint).
 */
export async function learn(task: LearnTask, options: LearnOptions): Promise<LearnedWeights> {
  const { progress = silentProgress, signal, threads, spinning } = options;
  const checkpoints = await openCheckpointFolder<Position>(options.folder, options.fingerprint);
  const first = task.trainee(task.plan(0)[0]!.shape);
  const initial = initialLearnState(first, task);
  let now = await restore(checkpoints, initial);
  let saved = performance.now();
  const save = async (): Promise<void> => {
    const { state, bestWeights, ...record } = now;
    const tensors = { ...prefixed(state, 'training '), ...prefixed(bestWeights, 'best ') };
    await checkpoints.write(now.steps, { tensors, record }, now.log);
    saved = performance.now();
  };

  const sessions = new Map<string, StepSession>();
  const sessionOf = async (shape: string): Promise<StepSession> => {
    const open = sessions.get(shape);
    if (open) return open;
    const session = await createStepSession(task.trainee(shape), { ...task, threads, spinning });
    sessions.set(shape, session);
    return session;
  };
  const closeExcept = async (needed: ReadonlySet<string>): Promise<void> => {
    for (const [shape, session] of sessions) {
      if (needed.has(shape)) continue;
      sessions.delete(shape);
      await session.dispose();
    }
  };

  const total = plannedSteps(task);
  progress.begin('train', total * task.batchSize, 'items');
  progress.skip(now.steps * task.batchSize);
  try {
    while (now.epoch < task.epochs && now.epoch - now.best.epoch < options.patience) {
      const plan = task.plan(now.epoch);
      await closeExcept(new Set(plan.map(({ shape }) => shape)));
      while (now.run < plan.length) {
        if (signal?.aborted) {
          if (isFinite(now.state)) await save();
          throw interrupted(now);
        }
        const planned = plan[now.run]!;
        const session = await sessionOf(planned.shape);
        now = await oneRun(task, now, planned, session);
        progress.advance(planned.steps * task.batchSize);
        if (performance.now() - saved >= options.checkpointSeconds * 1000 && isFinite(now.state))
          await save();
      }
      now = await endEpoch(task, now, progress);
      if (isFinite(now.state)) await save();
    }
  } finally {
    progress.end();
    await closeExcept(new Set());
  }
  return {
    weights: { ...task.weights, ...shaped(now.bestWeights, task.weights) },
    bestEpoch: now.best.epoch,
    epochs: now.log.filter((entry) => entry.kind === 'epoch'),
  };
}

export const plannedSteps = ({ epochs, plan }: Pick<LearnTask, 'epochs' | 'plan'>): number =>
  Array.from({ length: epochs }, (_, epoch) => plan(epoch).reduce((sum, { steps }) => sum + steps, 0)).reduce(
    (a, b) => a + b,
    0,
  );

async function restore(checkpoints: CheckpointFolder<Position>, initial: LearnState): Promise<Progressed> {
  const stored = await checkpoints.read(prefixed(initial, 'training '));
  if (stored === undefined)
    return {
      epoch: 0,
      run: 0,
      steps: 0,
      best: { epoch: 0, score: -Infinity },
      log: [],
      state: initial,
      bestWeights: {},
    };
  return {
    ...stored.record,
    // JSON has no −∞.
    best: stored.record.best.epoch === 0 ? { epoch: 0, score: -Infinity } : stored.record.best,
    state: withPrefix(stored.tensors, 'training '),
    bestWeights: withPrefix(stored.tensors, 'best '),
  };
}

async function oneRun(
  task: LearnTask,
  now: Progressed,
  { steps }: PlannedRun,
  session: StepSession,
): Promise<Progressed> {
  const start = performance.now();
  const batches = task.batches(now.epoch, now.run);
  const ready = performance.now();
  // Few steps say little about the average of many: it widens as steps are done (as in TensorFlow's moving averages).
  const decay = Math.min(task.averageDecay, (1 + now.steps) / (10 + now.steps));
  const { state, losses, hits } = await session.run(now.state, batches, decay ** steps);
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  if (bad >= 0) throw diverged(now, bad);
  const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / steps;
  const entry: RunEntry = {
    kind: 'run',
    step: now.steps + steps,
    epoch: now.epoch + 1,
    loss: mean(losses),
    accuracy: mean(hits) / task.batchSize,
    dataMs: (ready - start) / steps,
    runMs: (performance.now() - ready) / steps,
  };
  return { ...now, state, run: now.run + 1, steps: now.steps + steps, log: [...now.log, entry] };
}

async function endEpoch(task: LearnTask, now: Progressed, progress: Progress): Promise<Progressed> {
  const start = performance.now();
  const weights = weightsOf(now.state, task.weights);
  const validation = await task.validate(weights, now.epoch);
  const runs = now.log.filter((entry) => entry.kind === 'run' && entry.epoch === now.epoch + 1) as RunEntry[];
  const plan = task.plan(now.epoch);
  const over = (of: (entry: RunEntry) => number): number =>
    runs.reduce((sum, entry, i) => sum + of(entry) * plan[i]!.steps, 0);
  const steps = over(() => 1);
  const entry: EpochEntry = {
    kind: 'epoch',
    epoch: now.epoch + 1,
    ...validation,
    loss: over(({ loss }) => loss) / steps,
    accuracy: over(({ accuracy }) => accuracy) / steps,
    seconds: (over(({ dataMs, runMs }) => dataMs + runMs) + performance.now() - start) / 1000,
  };
  const data = over(({ dataMs }) => dataMs) / steps;
  const run = over(({ runMs }) => runMs) / steps;
  progress.message(`${describe(entry)}  a step ${data.toFixed(1)} ms data, ${run.toFixed(0)} ms run`);
  const isBest = validation.score > now.best.score;
  const changed = Object.keys(task.weights).filter((name) => `average ${name}` in now.state);
  return {
    ...now,
    epoch: now.epoch + 1,
    run: 0,
    log: [...now.log, entry],
    ...(isBest
      ? {
          best: { epoch: now.epoch + 1, score: validation.score },
          bestWeights: Object.fromEntries(changed.map((name) => [name, weights[name]!])),
        }
      : {}),
  };
}

const shaped = (changed: Tensors, weights: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(changed).map(([name, value]) => [name, { ...value, shape: weights[name]!.shape }]),
  );

/** `epoch  3  loss 1.204  accuracy .561  validation .598 (fer2013 .571, rafdb .625)  321 s` */
function describe({ epoch, loss, accuracy, score, details, seconds }: EpochEntry): string {
  const more = Object.entries(details).map(([name, value]) => `${name} ${value.toFixed(4)}`);
  return (
    `epoch ${String(epoch).padStart(3)}  loss ${loss.toFixed(3)}  accuracy ${accuracy.toFixed(3)}  ` +
    `validation ${score.toFixed(4)}${more.length > 0 ? ` (${more.join(', ')})` : ''}  ${seconds.toFixed(0)} s`
  );
}

/** A step may leave numbers that are not finite although its loss was: such a state is not kept. */
const isFinite = (state: LearnState): boolean =>
  Object.values(state).every(({ data }) => {
    const values = data as Float32Array;
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
    return sum === 0;
  });

const interrupted = (now: Position): MienError =>
  new MienError('interrupted', `training was stopped after step ${now.steps}`, {
    hint: 'Run the same command again to go on from there.',
  });

const diverged = (now: Position, step: number): MienError =>
  new MienError('diverged', `the loss is no longer finite at step ${now.steps + step + 1}`, {
    hint:
      'The last checkpoint is from before. Lower optimizer.learningRate, set optimizer.clipNorm=1, or lengthen ' +
      'optimizer.warmup, in a new folder.',
  });
