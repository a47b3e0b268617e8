// What a process that trains heads is told, and its tasks; apart from its file, which starts one when it is imported.
import type { Config } from './config.js';
import type { FeatureSource } from './features.js';
import { type ModelSpec, readBy } from './plan.js';

export interface WorkerSetup {
  readonly source: FeatureSource;
  readonly config: Config;
  readonly folder: string;
  /** A hash of the features of texts and faces. */
  readonly features: string;
  /** A hash of these with the voices, if there are any. */
  readonly voices?: string;
  /** A hash of the voices made worse, if there are any. */
  readonly corrupted?: string;
}

/** Training of one head with one seed. */
export interface Task {
  readonly model: ModelSpec;
  readonly seed: number;
}

/** The hash of the features that a model depends on: runs of the paper's heads stay the same with voices and without. */
export const hashFor = (
  { features, voices }: Pick<WorkerSetup, 'features' | 'voices'>,
  { model }: Pick<Task, 'model'>,
): string => (voices !== undefined && readBy(model).includes('voice') ? voices : features);
