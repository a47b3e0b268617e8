// Which file a child process runs for a module of a package.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MienError } from './errors.js';

export interface Package {
  /** The folder with package.json. */
  readonly root: string;
  /** The folder of its modules: `src`, or what was built of it. */
  readonly modules: string;
  /** `.ts` where sources run as they are. */
  readonly extension: string;
}

/** A module as a child process runs it. */
export interface ModuleFile {
  readonly path: string;
  readonly execArgv: readonly string[];
}

/** @throws MienError `file` when it is not there. */
export function moduleFile(name: string, { modules, extension }: Package, module: string): ModuleFile {
  const path = join(modules, `${module}${extension}`);
  if (!existsSync(path))
    throw new MienError('file', 'is not here, and cannot run as a process of its own', {
      file: path,
      hint: `Install all of ${name} there with what it depends on, or compute in this process.`,
    });
  // In development the sources run as they are, through tsx.
  return { path, execArgv: extension === '.ts' ? ['--import', 'tsx'] : [] };
}
