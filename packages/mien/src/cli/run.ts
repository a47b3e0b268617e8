// Runs a program as a process: signals, closed pipes and errors all end in a message and a documented exit code.
import { CommanderError, type Command } from 'commander';
import { fileError } from 'mien-engine/node';
import { describeError, exitCodeOf, exitCodes } from './exit.js';
import { handleSignals, interruptedCode } from './interrupt.js';

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

/** Takes over the process: runs its arguments and sets its exit code. */
export async function runProcess(program: Command): Promise<void> {
  const fail = (error: unknown): never => {
    report(error, process.argv.includes('--debug'));
    process.exit(exitCodes.failure);
  };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that closes the pipe early (`mien … | head`) has what it wants: end quietly.
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
    fail(fileError('write', 'standard output', error));
  });
  // Remarks that nobody can read end nothing.
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', fail);
  handleSignals();
  // Not process.exit: standard output may be a pipe that still has to drain.
  process.exitCode = await runProgram(program, process.argv.slice(2));
}
