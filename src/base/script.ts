// Which file a child process runs for a module of the package.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MienError } from './errors.js';
import { NAME, ownPackage } from './package.js';

/**
 * The path of one of the package's modules, such as `recognizer/node/child`, and what Node needs to run it.
 * @throws MienError `file` when it is not there, and as `ownPackage` does.
 */
export function moduleInPackage(name: string): { readonly path: string; readonly execArgv: string[] } {
  const { modules, extension } = ownPackage();
  const path = join(modules, `${name}${extension}`);
  if (!existsSync(path))
    throw new MienError('file', 'is not here, and cannot run as a process of its own', {
      ...{
        file: path,
        hint: `Install all of ${NAME} there with what it depends on, or compute in this process.`,
      },
    });
  // In development the sources run as they are, through tsx.
  return { path, execArgv: extension === '.ts' ? ['--import', 'tsx'] : [] };
}
