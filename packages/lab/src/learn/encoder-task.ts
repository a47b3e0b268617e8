// What the tasks of all encoders share: runs of batches of one width, which parts are trained, and the optimiser.
import { inBatches, itemsAt, MienError, randomStream, suggestion } from 'mien-engine/base';
import { plannedSteps, type PlannedRun, type TrainingTask } from '../train/loop.js';
import { createOptimizer, ratesByPart, type EncoderParts, type ParameterGroups } from '../train/optimizer.js';
import type { Trainee } from '../train/step.js';
import { isClassifier } from './classifier.js';
import {
  encoderOptimizer,
  type FaceLearnSettings,
  type TextLearnSettings,
  type VoiceLearnSettings,
} from './settings.js';

type EncoderSettings = Pick<
  FaceLearnSettings | TextLearnSettings | VoiceLearnSettings,
  'optimizer' | 'averageDecay'
>;

/** An encoder in training: its parts, and the parameters to which weight decay applies. */
type TrainedEncoder = EncoderParts & Pick<ParameterGroups, 'decays'>;

type EncoderTask = Omit<TrainingTask, 'optimizer' | 'averageDecay' | 'trainee'> & {
  /** The model on batches of a width: tokens, pixels or frames. */
  readonly trainee: (width: number) => Trainee;
};

/** The task with its optimiser, whose rates depend on the encoder's parts and whose schedule on the planned steps. */
export function encoderTask(
  task: EncoderTask,
  settings: EncoderSettings,
  { decays, ...parts }: TrainedEncoder,
): TrainingTask {
  const groups = { rateOf: ratesByPart(parts, settings.optimizer), decays };
  return {
    ...task,
    averageDecay: settings.averageDecay,
    optimizer: createOptimizer(encoderOptimizer(settings), plannedSteps(task), groups),
    trainee: (shape) => task.trainee(Number(shape)),
  };
}

/**
 * Whether a weight is trained if training starts at the part `from`: classifiers, and the encoder from there on.
 * @throws MienError `config` if there is no such part
 */
export function trainsFrom({ parts, partOf }: EncoderParts, from: string): (name: string) => boolean {
  const first = parts.indexOf(from);
  if (first < 0)
    throw new MienError('config', `the encoder has no part "${from}" to train from`, {
      field: 'from',
      hint: suggestion(from, parts),
    });
  return (name) => {
    const part = partOf(name);
    return isClassifier(name) || (part !== undefined && parts.indexOf(part) >= first);
  };
}

/** How often an item of a data set occurs in an epoch, on average; once if the settings do not name the set. */
export const repeatsOf = ({ repeat }: { readonly repeat: object }, dataset: string): number =>
  (repeat as Readonly<Record<string, number>>)[dataset] ?? 1;

/** Some steps of one width: for each step, the places of its batch in the epoch's order. */
export interface WidthRun {
  readonly width: number;
  readonly steps: readonly (readonly number[])[];
}

/** The steps of each width, in runs of at most `stepsPerRun`, in random order. */
export function runsByWidth(
  steps: ReadonlyMap<number, readonly (readonly number[])[]>,
  { stepsPerRun, seed }: { readonly stepsPerRun: number; readonly seed: number },
  epoch: number,
): WidthRun[] {
  const runs = [...steps]
    .sort(([a], [b]) => a - b)
    .flatMap(([width, own]) => inBatches(own, stepsPerRun).map((part): WidthRun => ({ width, steps: part })));
  return itemsAt(runs, randomStream(seed, 'learn runs', epoch).permutation(runs.length));
}

export const plannedRuns = (runs: readonly WidthRun[]): PlannedRun[] =>
  runs.map(({ width, steps }) => ({
    shape: String(width),
    steps: steps.length,
    items: steps.reduce((sum, { length }) => sum + length, 0),
  }));
