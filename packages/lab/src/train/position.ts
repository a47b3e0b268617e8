// Where a training stands: the record of its checkpoints, and the lines of its log.

/** A line of the log for a run of steps. */
export interface RunEntry {
  readonly kind: 'run';
  /** Steps done. */
  readonly step: number;
  readonly epoch: number;
  /** Mean over the run's steps. */
  readonly loss: number;
  /** Share of the run's items that were classified correctly, each by the weights before its step. */
  readonly accuracy: number;
  /** Milliseconds per step: preparing its data, and computing. */
  readonly dataMs: number;
  readonly runMs: number;
}

export interface Validation {
  /** Selects the epoch that is kept. */
  readonly score: number;
  /** Further figures for the log. */
  readonly details: Readonly<Record<string, number>>;
}

/** A line of the log for an epoch. */
export interface EpochEntry extends Validation {
  readonly kind: 'epoch';
  /** From 1. */
  readonly epoch: number;
  /** Means over the epoch's runs. */
  readonly loss: number;
  readonly accuracy: number;
  /** Training and validation. */
  readonly seconds: number;
}

export interface Position {
  /** Epochs finished, and runs of the next one. */
  readonly epoch: number;
  readonly run: number;
  /** The best epoch, from 1; 0 before there is one, or while the weights before training are the best. */
  readonly best: { readonly epoch: number; readonly score: number };
  readonly log: readonly (RunEntry | EpochEntry)[];
}

export const START: Position = { epoch: 0, run: 0, best: { epoch: 0, score: -Infinity }, log: [] };

/** What checkpoints of heads had as their record before heads and encoders shared one loop. */
export interface EarlierHeadRecord {
  readonly bestEpoch: number;
  readonly history: readonly (Omit<EpochEntry, keyof Validation | 'kind'> & {
    readonly validation: number;
  })[];
}

/** The position that a checkpoint's record states. */
export function positionOf(record: Position | EarlierHeadRecord): Position {
  if ('history' in record) {
    const log = record.history.map(({ validation, ...rest }): EpochEntry => ({
      kind: 'epoch',
      score: validation,
      details: {},
      ...rest,
    }));
    const score = log[record.bestEpoch - 1]?.score ?? -Infinity;
    return { epoch: log.length, run: 0, best: { epoch: record.bestEpoch, score }, log };
  }
  const { epoch, run, best, log } = record;
  // JSON has no −∞: it is stored as null.
  return { epoch, run, best: (best.score as number | null) === null ? START.best : best, log };
}

/** `epoch   3  loss 1.204  accuracy 0.561  validation 0.5980 (fer2013 0.5710, rafdb 0.6250)  321.4 s` */
export function describeEpoch({ epoch, loss, accuracy, seconds, ...validation }: EpochEntry): string {
  return (
    `epoch ${String(epoch).padStart(3)}  loss ${loss.toFixed(3)}  accuracy ${accuracy.toFixed(3)}  ` +
    `${describeValidation(validation)}  ${seconds.toFixed(1)} s`
  );
}

/** `validation 0.5980 (fer2013 0.5710, rafdb 0.6250)` */
export function describeValidation({ score, details }: Validation): string {
  const more = Object.entries(details).map(([name, value]) => `${name} ${value.toFixed(4)}`);
  return `validation ${score.toFixed(4)}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}
