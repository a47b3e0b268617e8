// How long work tells what it has done, without knowing whether a terminal, a log file or a test listens.

/**
 * Receives the progress of long work. Work runs in stages, one at a time; a floor that does the work takes a
 * `Progress` (by default `silentProgress`), and only the command line renders one.
 */
export interface Progress {
  /** A stage begins (and any earlier one ends): its name, how many units it has, what a unit is called. */
  begin(stage: string, total?: number, unit?: string): void;
  /** `count` more units (by default one) are done; work found done already counts through `skip`. */
  advance(count?: number): void;
  /** `count` units were done by an earlier run: they count towards the total, not towards the rate. */
  skip(count: number): void;
  /** One line worth keeping, such as an epoch's losses. */
  message(text: string): void;
  /** One line about something the reader should look at. */
  warn(text: string): void;
  /** The stage is over. */
  end(): void;
}

const nothing = (): void => undefined;

/** Listens to nothing. */
export const silentProgress: Progress = {
  begin: nothing,
  advance: nothing,
  skip: nothing,
  message: nothing,
  warn: nothing,
  end: nothing,
};
