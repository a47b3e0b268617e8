// The training loop of every model: draw a run's batches, run its steps, validate after each epoch, keep the best
// epoch, stop when none is better. A training resumes from its checkpoints to the same bytes as if it had not been
// stopped.
import { MienError, type Tensors } from 'mien-engine';
import { type Progress, silentProgress } from 'mien/parts/base';
import { openCheckpoints, type Checkpoints } from './checkpoint.js';
import {
  describeEpoch,
  describeValidation,
  positionOf,
  START,
  type EarlierHeadRecord,
  type EpochEntry,
  type Position,
  type RunEntry,
  type Validation,
} from './position.js';
import {
  createStepSession,
  flat,
  initialState,
  nested,
  prefixed,
  stepsDone,
  weightsOf,
  withPrefix,
  type StepOptions,
  type StepSession,
  type Trainee,
  type TrainingState,
} from './step.js';

/** What is trained: a head (`head-task.ts`), a face encoder or a text encoder (`learn/`). */
export interface TrainingTask extends Omit<StepOptions, 'threads' | 'spinning' | 'keepMemory'> {
  readonly epochs: number;
  /** The model on batches of a shape. */
  readonly trainee: (shape: string) => Trainee;
  /** Runs of an epoch, in order; a function of the epoch alone, so that trainings resume. */
  readonly plan: (epoch: number) => readonly PlannedRun[];
  /** The batches of a run of an epoch, and the tables that they refer to. */
  readonly batches: (epoch: number, run: number) => Tensors;
  /** How good weights are on validation; the epoch with the highest `score` is kept. */
  readonly validate: (weights: Tensors, epoch: number) => Promise<Validation>;
  /** Whether the weights before training are validated as well, and kept if no epoch is better. */
  readonly validatesStart?: boolean | undefined;
}

/** Some steps that one run of the runtime does, on batches of one shape. */
export interface PlannedRun {
  /** A name for the shape. */
  readonly shape: string;
  readonly steps: number;
  /** Items in the batches; the last batch may not be full. */
  readonly items: number;
}

export interface TrainingOptions {
  /** Epochs without a better validation score after which training stops. */
  readonly patience: number;
  /** Folder for checkpoints and the log; nothing is written without it. */
  readonly folder?: string | undefined;
  /** Identifies the training: a hash of its configuration and data. A checkpoint of another one is refused. */
  readonly fingerprint?: string | undefined;
  /** Least time between checkpoints, in seconds; at 0 every run and epoch is followed by one. */
  readonly checkpointSeconds: number;
  readonly threads?: number | undefined;
  readonly spinning?: boolean | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Trained {
  /** Weights of the best epoch. */
  readonly weights: Tensors;
  /** From 1; 0 if no epoch had a score, or the weights before training were the best. */
  readonly bestEpoch: number;
  readonly epochs: readonly EpochEntry[];
}

type TrainingRecord = Position | EarlierHeadRecord;

/** A training between two runs: what a checkpoint keeps. */
interface Snapshot extends Position {
  readonly state: TrainingState;
  /** Weights of the best epoch, those that changed. */
  readonly bestWeights: Tensors;
}

/**
 * Trains and returns the weights of the epoch that was best on validation, averaged if the task says so.
 * @throws MienError `diverged` with the step at which the loss was no longer finite, `checkpoint` if the folder holds a
 *   checkpoint of another training, `interrupted` if the signal is aborted (after a checkpoint).
 */
export async function train(task: TrainingTask, options: TrainingOptions): Promise<Trained> {
  const { patience, folder, progress = silentProgress, signal } = options;
  const checkpoints =
    folder === undefined
      ? undefined
      : await openCheckpoints<TrainingRecord>(folder, options.fingerprint ?? '');
  let now = await restore(checkpoints, initialState(task.trainee(task.plan(0)[0]!.shape), task));
  if (task.validatesStart && now.epoch === 0 && now.run === 0) now = await validateStart(task, now, progress);
  let saved = { now, at: performance.now() };
  const save = async (): Promise<void> => {
    if (now === saved.now || !isFinite(now.state)) return;
    await write(checkpoints, now);
    saved = { now, at: performance.now() };
  };
  const saveIfDue = async (): Promise<void> => {
    if (performance.now() - saved.at >= options.checkpointSeconds * 1000) await save();
  };

  const sessions = openSessions(task, options);
  const plans = Array.from({ length: task.epochs }, (_, epoch) => task.plan(epoch));
  const done = [...plans.slice(0, now.epoch), plans[now.epoch]?.slice(0, now.run) ?? []];
  progress.begin('train', itemsOf(plans), 'items');
  progress.skip(itemsOf(done));
  try {
    while (now.epoch < task.epochs && now.epoch - now.best.epoch < patience) {
      const plan = task.plan(now.epoch);
      const keepMemory = shapesOf(plan).length === 1;
      await sessions.closeExcept(shapesOf(plan));
      for (const planned of plan.slice(now.run)) {
        if (signal?.aborted) {
          await save();
          throw interrupted(now, folder);
        }
        now = await runSteps(task, now, planned, await sessions.open(planned.shape, keepMemory));
        progress.advance(planned.items);
        await saveIfDue();
      }
      now = await endEpoch(task, now, progress);
      await saveIfDue();
    }
    await save();
  } finally {
    progress.end();
    await sessions.closeExcept([]);
  }
  return {
    weights: { ...task.weights, ...now.bestWeights },
    bestEpoch: now.best.epoch,
    epochs: now.log.filter((entry) => entry.kind === 'epoch'),
  };
}

/** Runs the steps of one planned run. */
async function runSteps(
  task: TrainingTask,
  now: Snapshot,
  { steps, items }: PlannedRun,
  session: StepSession,
): Promise<Snapshot> {
  const start = performance.now();
  const batches = task.batches(now.epoch, now.run);
  const ready = performance.now();
  const { state, losses, hits } = await session.run(now.state, batches);
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  if (bad >= 0) throw diverged(now, bad);
  const entry: RunEntry = {
    kind: 'run',
    step: stepsDone(state),
    epoch: now.epoch + 1,
    loss: sumOf(losses, (loss) => loss) / steps,
    accuracy: sumOf(hits, (hit) => hit) / items,
    dataMs: (ready - start) / steps,
    runMs: (performance.now() - ready) / steps,
  };
  return { ...now, state, run: now.run + 1, log: [...now.log, entry] };
}

/** Validates the weights before training. */
async function validateStart(task: TrainingTask, now: Snapshot, progress: Progress): Promise<Snapshot> {
  const { score, details } = await task.validate(task.weights, 0);
  progress.message(`start  ${describeValidation({ score, details })}`);
  return { ...now, best: { epoch: 0, score } };
}

/** Validates the weights that an epoch's runs led to; the first of equally good epochs stays the best. */
async function endEpoch(task: TrainingTask, now: Snapshot, progress: Progress): Promise<Snapshot> {
  const start = performance.now();
  const weights = weightsOf(now.state, task.weights);
  const validation = await task.validate(weights, now.epoch);
  const epoch = now.epoch + 1;
  const runs = now.log.filter((entry) => entry.kind === 'run' && entry.epoch === epoch) as RunEntry[];
  const plan = task.plan(now.epoch);
  const mean = (of: (entry: RunEntry) => number, by: 'steps' | 'items'): number => {
    const total = sumOf(plan, (run) => run[by]);
    return sumOf(runs.entries(), ([i, entry]) => of(entry) * (plan[i]![by] / total));
  };
  const data = mean(({ dataMs }) => dataMs, 'steps');
  const compute = mean(({ runMs }) => runMs, 'steps');
  const steps = sumOf(plan, (run) => run.steps);
  const entry: EpochEntry = {
    kind: 'epoch',
    epoch,
    ...validation,
    loss: mean(({ loss }) => loss, 'steps'),
    accuracy: mean(({ accuracy }) => accuracy, 'items'),
    seconds: ((data + compute) * steps + performance.now() - start) / 1000,
  };
  progress.message(
    `${describeEpoch(entry)}  a step ${data.toFixed(1)} ms data, ${compute.toFixed(1)} ms run`,
  );
  const after = { ...now, epoch, run: 0, log: [...now.log, entry] };
  if (!(validation.score > now.best.score)) return after;
  const changed = Object.keys(now.state.parameters).map((name) => [name, weights[name]!] as const);
  return {
    ...after,
    best: { epoch, score: validation.score },
    bestWeights: Object.fromEntries(changed),
  };
}

/** The shapes of a plan's batches. */
export const shapesOf = (plan: readonly PlannedRun[]): string[] => [
  ...new Set(plan.map(({ shape }) => shape)),
];

/**
 * A step session for each shape of batches, opened when it is needed. Sessions that take turns give their memory back
 * after each run, at 2 to 8 % of a step: a dozen shapes of a text encoder would keep 5 GB.
 */
function openSessions(task: TrainingTask, { threads, spinning }: TrainingOptions) {
  const sessions = new Map<string, StepSession>();
  return {
    async open(shape: string, keepMemory: boolean): Promise<StepSession> {
      const session =
        sessions.get(shape) ??
        (await createStepSession(task.trainee(shape), { ...task, threads, spinning, keepMemory }));
      sessions.set(shape, session);
      return session;
    },
    async closeExcept(shapes: readonly string[]): Promise<void> {
      for (const [shape, session] of sessions) {
        if (shapes.includes(shape)) continue;
        sessions.delete(shape);
        await session.dispose();
      }
    },
  };
}

/** The last checkpoint's state, or the start. */
async function restore(
  checkpoints: Checkpoints<TrainingRecord> | undefined,
  start: TrainingState,
): Promise<Snapshot> {
  const stored = await checkpoints?.read(prefixed(flat(start), 'training '));
  if (stored === undefined) return { ...START, state: start, bestWeights: {} };
  return {
    ...positionOf(stored.record),
    state: nested(withPrefix(stored.tensors, 'training '), start),
    bestWeights: withPrefix(stored.tensors, 'best '),
  };
}

async function write(
  checkpoints: Checkpoints<TrainingRecord> | undefined,
  { state, bestWeights, ...record }: Snapshot,
): Promise<void> {
  const tensors = { ...prefixed(flat(state), 'training '), ...prefixed(bestWeights, 'best ') };
  await checkpoints?.write(stepsDone(state), { tensors, record }, record.log);
}

/** Steps of the whole training, if it is not stopped earlier; schedules are laid over them. */
export const plannedSteps = ({ epochs, plan }: Pick<TrainingTask, 'epochs' | 'plan'>): number =>
  sumOf(Array(epochs).keys(), (epoch) => sumOf(plan(epoch), ({ steps }) => steps));

const itemsOf = (runs: readonly (readonly PlannedRun[])[]): number =>
  sumOf(runs.flat(), ({ items }) => items);

function sumOf<T>(values: Iterable<T>, of: (value: T) => number): number {
  let sum = 0;
  for (const value of values) sum += of(value);
  return sum;
}

/** A step with a finite loss may still leave values that are not finite: such a state is not saved. */
const isFinite = (state: TrainingState): boolean =>
  Object.values(flat(state)).every(({ data }) => {
    const values = data as Float32Array;
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
    return sum === 0;
  });

const interrupted = ({ state, epoch }: Snapshot, folder: string | undefined): MienError =>
  new MienError('interrupted', `training was stopped at step ${stepsDone(state)} (epoch ${epoch + 1})`, {
    hint: folder === undefined ? undefined : 'Run the same command again to resume.',
  });

const diverged = ({ state, epoch, best }: Snapshot, bad: number): MienError => {
  const step = stepsDone(state) + bad + 1;
  return new MienError('diverged', `the loss is no longer finite at step ${step} (epoch ${epoch + 1})`, {
    hint:
      'Lower optimizer.learningRate, set optimizer.clipNorm=1, or lengthen the warm-up. ' +
      (best.epoch > 0 ? `The best epoch so far was ${best.epoch}.` : 'No epoch was finished.'),
  });
};
