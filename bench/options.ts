// What every benchmark is told, and what those that are run by themselves read from the command line.
import { parseArgs, type ParseArgsConfig } from 'node:util';

export interface BenchOptions {
  /** Fewer items, to see that everything works. */
  readonly quick: boolean;
  /** Threads of us and of the peers alike. */
  readonly threads: number;
}

/** The folder an environment variable names. @throws Error that says what the folder must hold. */
export function folderOf(variable: 'MIEN_DATA' | 'MIEN_WEIGHTS', holds: string): string {
  const folder = process.env[variable];
  if (folder === undefined) throw new Error(`set ${variable} to a folder that holds ${holds}`);
  return folder;
}

/**
 * Options and operands of a benchmark that is run by itself; without an operand it says how it is used, and ends.
 * @param usage `SPEECH [--weights FOLDER]`
 */
export function readArguments<Options extends NonNullable<ParseArgsConfig['options']>>(
  file: string,
  usage: string,
  options: Options,
) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [first, ...others] = positionals;
  if (first === undefined) {
    console.error(`Usage: node --import tsx bench/${file} ${usage}`);
    process.exit(2);
  }
  return { values, first, others };
}
