#!/usr/bin/env node
// The bin `mien`: parses the command line, runs the command, and ends with a documented exit code.
import { CommanderError } from 'commander';
import { describeError, exitCodeOf, exitCodes } from './exit.js';
import { handleSignals, interruptedCode } from './interrupt.js';
import { createProgram } from './program.js';

/** Runs one command line (without `node` and the script) and returns its exit code. */
async function run(args: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    report(error, program.opts<{ debug?: boolean }>().debug === true);
    return interruptedCode() ?? exitCodeOf(error);
  }
}

function report(error: unknown, debug: boolean): void {
  const always = !['', '0', undefined].includes(process.env['MIEN_DEBUG']);
  process.stderr.write(`${describeError(error, debug || always)}\n`);
}

/** A reader that closes the pipe early (`mien … | head`) has what it wants: end quietly. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});
process.on('uncaughtException', (error) => {
  report(error, process.argv.includes('--debug'));
  process.exit(exitCodes.failure);
});
handleSignals();
// Not process.exit: standard output may be a pipe that still has to drain.
process.exitCode = await run(process.argv.slice(2));
