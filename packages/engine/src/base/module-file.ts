// The file that a child process runs for a module of a package. A module of its own because tests replace it: their
// child processes run built sources.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MienError } from './errors.js';

export interface Package {
  /** The folder with package.json. */
  readonly root: string;
  /** The folder of its modules: `src`, or its build output. */
  readonly modules: string;
  /** `.ts` where sources run directly. */
  readonly extension: string;
}

/** A module to run in a child process. */
export interface ModuleFile {
  readonly path: string;
  readonly execArgv: readonly string[];
}

/** @throws MienError `file` if it does not exist. */
export function moduleFile(name: string, { modules, extension }: Package, module: string): ModuleFile {
  const path = join(modules, `${module}${extension}`);
  if (!existsSync(path))
    throw new MienError('file', 'is missing, so that it cannot run as a child process', {
      file: path,
      hint: `Install all of ${name} there with its dependencies, or compute in this process.`,
    });
  // In development sources run directly, through tsx.
  return { path, execArgv: extension === '.ts' ? ['--import', 'tsx'] : [] };
}
