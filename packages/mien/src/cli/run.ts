// Runs a program as a process: signals, closed pipes and errors end in one message and a documented exit code.
import { CommanderError, type Command } from 'commander';
import { MienError, quoted } from 'mien-engine/base';
import { asFileError, fileError } from 'mien-engine/node';

/** As documented in `mien --help` and docs/commands.md. */
const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  interrupted: 130,
  terminated: 143,
} as const;

export const exitCodeHelp = `Exit codes:
  0    success
  1    failure; the message names the file, row or field and what to do
  2    wrong usage: an unknown command, option, argument, or configuration key or value
  130  interrupted (Ctrl-C); 143 when terminated. Finished work is kept; run the same command again to resume`;

/** In UTF-16 units; longer lines are shortened in the middle. */
const MAX_LINE_LENGTH = 400;

/** The exit code of an error. */
function exitCodeOf(error: unknown): number {
  if (!(error instanceof MienError)) return exitCodes.failure;
  if (error.code === 'usage' || error.code === 'config') return exitCodes.usage;
  return error.code === 'interrupted' ? exitCodes.interrupted : exitCodes.failure;
}

/** The text to print for an error: message and hint; with `debug` also the stack and its causes. */
export function describeError(error: unknown, debug: boolean): string {
  if (debug) return `mien: ${stackOf(error)}`;
  const known = error instanceof MienError ? error : asFileError(error);
  if (known) return `mien: ${known.message}`;
  const message = error instanceof Error ? error.message : String(error);
  return `mien: unexpected error, probably a bug in mien: ${linesOf(message)}\nRun again with --debug for the stack trace, and please report it.`;
}

/** Shortens each line of a message, which may quote input such as a path. */
export const linesOf = (text: string): string =>
  text
    .split('\n')
    .map((line) => quoted(line, MAX_LINE_LENGTH))
    .join('\n');

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return linesOf(String(error));
  const stack = linesOf(error.stack ?? error.message);
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackOf(error.cause)}`;
}

const controller = new AbortController();
/** Whether a command handles the signal. */
let isHandled = false;

/**
 * A signal that is aborted by the first SIGINT or SIGTERM. A command that requests it must then stop at the next safe
 * point with a `MienError` `interrupted`; without it, or at a second signal, the process ends immediately.
 */
export function interruption(): AbortSignal {
  isHandled = true;
  return controller.signal;
}

/** The exit code of the received signal, if any. */
const interruptedCode = (): number | undefined =>
  controller.signal.aborted ? (controller.signal.reason as number) : undefined;

function handleSignals(): void {
  const handle = (code: number) => (): void => {
    const isSecond = controller.signal.aborted;
    controller.abort(code);
    if (isSecond || !isHandled) process.exit(code);
    process.stderr.write('\nmien: stopping at the next safe point; press Ctrl-C again to stop immediately\n');
  };
  process.on('SIGINT', handle(exitCodes.interrupted));
  process.on('SIGTERM', handle(exitCodes.terminated));
}

function report(error: unknown, debug: boolean): void {
  const always = !['', '0', undefined].includes(process.env['MIEN_DEBUG']);
  process.stderr.write(`${describeError(error, debug || always)}\n`);
}

/** Runs one command line (without `node` and the script) and returns its exit code. */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    report(error, program.opts<{ debug?: boolean }>().debug === true);
    return interruptedCode() ?? exitCodeOf(error);
  }
}

/** Runs the process's arguments and sets its exit code. */
export async function runProcess(program: Command): Promise<void> {
  const fail = (error: unknown): never => {
    report(error, process.argv.includes('--debug'));
    process.exit(exitCodes.failure);
  };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that closes the pipe early (`mien … | head`) is no error.
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
    fail(fileError('write', 'standard output', error));
  });
  // Losing standard error must not end the command.
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', fail);
  handleSignals();
  // Not process.exit, since standard output may be a pipe that still has to drain.
  process.exitCode = await runProgram(program, process.argv.slice(2));
}
