// Turns whatever ends a command into one message on standard error and one documented exit code.
import { MienError, quoted } from 'mien-engine/base';
import { asFileError } from 'mien-engine/node';

/** Exit codes, as `mien --help` and docs/commands.md state them. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  interrupted: 130,
  terminated: 143,
} as const;

export const exitCodeHelp = `Exit codes:
  0    the command did what it was asked
  1    it failed; the message names the file, row or field and what to do
  2    wrong usage: a command, option, argument or configuration key or value that mien does not know
  130  interrupted (Ctrl-C); 143 when terminated. What was finished is kept, the same command goes on from there`;

/** In UTF-16 units; longer lines are cut in the middle. */
const LONGEST_LINE = 400;

/** The exit code an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof MienError)) return exitCodes.failure;
  if (error.code === 'usage' || error.code === 'config') return exitCodes.usage;
  return error.code === 'interrupted' ? exitCodes.interrupted : exitCodes.failure;
}

/** What to print for an error: message and hint; with `debug` also the stack and its causes. */
export function describeError(error: unknown, debug: boolean): string {
  if (debug) return `mien: ${stackOf(error)}`;
  const known = error instanceof MienError ? error : asFileError(error);
  if (known) return `mien: ${known.message}`;
  const message = error instanceof Error ? error.message : String(error);
  return `mien: unexpected error, probably a bug in mien: ${linesOf(message)}\nRun again with --debug for the stack trace, and report it.`;
}

/** A text whose lines may each quote what was given, in a path for instance. */
export const linesOf = (text: string): string =>
  text
    .split('\n')
    .map((line) => quoted(line, LONGEST_LINE))
    .join('\n');

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return linesOf(String(error));
  const own = linesOf(error.stack ?? error.message);
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause)}`;
}
