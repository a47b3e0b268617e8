// How long training would take and how much memory, from a few steps of every shape.
import type { Progress } from 'mien/parts';
import type { TrainingTask } from '../train/loop.js';
import { createStepSession, initialState } from '../train/step.js';

export interface Estimate {
  readonly steps: number;
  /** Of all steps; validation and start come on top. */
  readonly seconds: number;
  /** Largest memory of this process, with what the rest of the data will take. */
  readonly bytes: number;
  /** Milliseconds a step, by shape. */
  readonly shapes: Readonly<Record<string, number>>;
}

/** Runs the first planned run of every shape twice, and counts the second. Nothing is kept. */
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
  const names = [...new Set(planned.map(({ shape }) => shape))];
  options.progress.begin('measure', names.length, 'shapes');
  for (const shape of names) {
    const first = planned.find((run) => run.shape === shape)!;
    const trainee = task.trainee(shape);
    const session = await createStepSession(trainee, { ...task, ...options });
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
    // The operating system counts in kilobytes.
    bytes: process.resourceUsage().maxRSS * 1024 + options.furtherBytes,
    shapes,
  };
}
