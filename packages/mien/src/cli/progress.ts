// Renders progress: a bar with rate and remaining time on a terminal, a plain line every few seconds elsewhere.
import { silentProgress, type Progress } from '../base/progress.js';
import type { Output } from './output.js';

/** Seconds between plain lines when standard error is not a terminal. */
const LINE_INTERVAL = 5;

interface Stage {
  readonly name: string;
  readonly total: number | undefined;
  readonly unit: string;
  readonly started: number;
  /** Units done, including `skipped`. */
  done: number;
  /** Units done by an earlier run. */
  skipped: number;
  /** Time of the last plain line. */
  printed: number;
}

/** `1:05:09`, `4:31` or `12 s`; `–` if unknown. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

const formatCount = (value: number): string => value.toLocaleString('en-US');

/** `1,240/7,666 texts, 312/s, 21 s left`; units of an earlier run do not count towards the rate. */
function describe(stage: Stage, now: number): string {
  const seconds = (now - stage.started) / 1000;
  const rate = seconds > 0 ? (stage.done - stage.skipped) / seconds : 0;
  const parts = [
    `${formatCount(stage.done)}${stage.total === undefined ? '' : `/${formatCount(stage.total)}`} ${stage.unit}`.trim(),
  ];
  if (rate > 0) {
    parts.push(`${rate >= 10 ? formatCount(Math.round(rate)) : rate.toPrecision(2)}/s`);
    if (stage.total !== undefined && stage.done < stage.total)
      parts.push(`${formatSeconds((stage.total - stage.done) / rate)} left`);
  }
  return parts.join(', ');
}

/** Progress on standard error: a bar, plain lines, or with `--quiet` only warnings. */
export async function progressOf(output: Output): Promise<Progress> {
  if (output.quiet) return { ...silentProgress, warn: output.warn };
  if (!process.stderr.isTTY || process.env['TERM'] === 'dumb') return lineProgress(output);
  return barProgress(output, statusLine(process.stderr));
}

const newStage = (name: string, total: number | undefined, unit = '', now = Date.now()): Stage => ({
  name,
  total,
  unit,
  started: now,
  done: 0,
  skipped: 0,
  printed: now,
});

/** How the current stage is displayed. */
interface View {
  begin(stage: Stage): void;
  update(stage: Stage): void;
  /** Clears the display for a message; `begin` follows if the stage continues. */
  clear(): void;
}

/** Counts units stage by stage, and prints a summary at the end of each. */
function stagedProgress(
  output: Pick<Output, 'message' | 'warn'>,
  view: View,
  now: () => number = Date.now,
): Progress {
  let stage: Stage | undefined;
  const add = (count: number, skipped: number): void => {
    if (!stage) return;
    stage.done += count;
    stage.skipped += skipped;
    view.update(stage);
  };
  const end = (): void => {
    view.clear();
    if (stage) output.message(`${stage.name}: ${summary(stage, now())}`);
    stage = undefined;
  };
  const interrupting = (print: (text: string) => void) => (text: string) => {
    view.clear();
    print(text);
    if (stage) view.begin(stage);
  };
  return {
    begin: (name, total, unit) => {
      end();
      stage = newStage(name, total, unit, now());
      view.begin(stage);
    },
    advance: (count = 1) => add(count, 0),
    skip: (count) => add(count, count),
    message: interrupting(output.message),
    warn: interrupting(output.warn),
    end,
  };
}

/** One line every few seconds, and one at the end of a stage. */
export const lineProgress = (
  output: Pick<Output, 'message' | 'warn'>,
  now: () => number = Date.now,
): Progress =>
  stagedProgress(
    output,
    {
      begin: () => undefined,
      clear: () => undefined,
      update: (stage) => {
        if (now() - stage.printed < LINE_INTERVAL * 1000) return;
        stage.printed = now();
        output.message(`${stage.name}: ${describe(stage, now())}`);
      },
    },
    now,
  );

/** `7,666 texts (1,000 from an earlier run) in 24 s`. */
function summary(stage: Stage, now: number): string {
  const earlier = stage.skipped > 0 ? ` (${formatCount(stage.skipped)} from an earlier run)` : '';
  const units = `${formatCount(stage.done)} ${stage.unit}`.trim();
  return `${units}${earlier} in ${formatSeconds((now - stage.started) / 1000)}`;
}

/** A line that is redrawn in place. */
export interface StatusLine {
  show(text: string): void;
  /** Erases the line until the next `show`. */
  clear(): void;
}

/** Milliseconds between redraws. */
const REDRAW_INTERVAL = 100;

export function statusLine(
  screen: Pick<NodeJS.WriteStream, 'write' | 'columns'>,
  now: () => number = Date.now,
): StatusLine {
  let drawn: number | undefined;
  return {
    show(text) {
      if (drawn !== undefined && now() - drawn < REDRAW_INTERVAL) return;
      // A line that wraps could not be redrawn in place.
      screen.write(`\r\x1b[K${text.slice(0, (screen.columns || 80) - 1)}`);
      drawn = now();
    },
    clear() {
      if (drawn !== undefined) screen.write('\r\x1b[K');
      drawn = undefined;
    },
  };
}

const BAR_WIDTH = 24;

/** `embed texts ██████░░░░░░ 50% 3,833/7,666 texts, 312/s, 12 s left` */
function barOf(stage: Stage): string {
  const { name, done, total } = stage;
  if (total === undefined) return `${name} ${describe(stage, Date.now())}`;
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const full = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
  return `${name} ${bar} ${Math.floor(100 * share)}% ${describe(stage, Date.now())}`;
}

/** A bar on the status line, below messages and summaries. */
export function barProgress(output: Pick<Output, 'message' | 'warn'>, line: StatusLine): Progress {
  const show = (stage: Stage): void => line.show(barOf(stage));
  return stagedProgress(output, { begin: show, update: show, clear: () => line.clear() });
}
