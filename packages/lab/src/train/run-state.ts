// What a training run is made of between two epochs: what the loop carries on, and what a checkpoint keeps.
import type { Tensors } from 'mien-engine/base';
import type { TrainingState } from './head-graph.js';

/** One line of the log. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Mean over the epoch's steps. */
  readonly loss: number;
  /** Of the training items, each as it was met. */
  readonly accuracy: number;
  /** Value of `select` on validation. */
  readonly validation: number;
  /** Seconds the epoch took. */
  readonly seconds: number;
}

/** What is carried from one epoch to the next; all of it is in a checkpoint. */
export interface RunState {
  readonly training: TrainingState;
  readonly best: Tensors;
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
}
