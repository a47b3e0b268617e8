// How long work reports progress without knowing whether a terminal, a log file or a test receives it.

/**
 * Receives the progress of long work, which runs in stages, one at a time. Functions that do such work take a `Progress`
 * (by default `silentProgress`); only the command line renders one.
 */
export interface Progress {
  /** Begins a stage (and ends any earlier one): its name, number of units, and what a unit is called. */
  begin(stage: string, total?: number, unit?: string): void;
  /** `count` more units (by default one) are done. */
  advance(count?: number): void;
  /** `count` units were done by an earlier run: they count towards the total but not towards the rate. */
  skip(count: number): void;
  /** A line to keep, such as an epoch's losses. */
  message(text: string): void;
  /** A line about something that needs attention. */
  warn(text: string): void;
  /** Ends the stage. */
  end(): void;
}

const nothing = (): void => undefined;

/** Discards everything. */
export const silentProgress: Progress = {
  begin: nothing,
  advance: nothing,
  skip: nothing,
  message: nothing,
  warn: nothing,
  end: nothing,
};
