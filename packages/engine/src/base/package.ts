// Where a package's own files are: its modules, its models, its page.
import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MienError } from './errors.js';
import { moduleFile, type ModuleFile, type Package } from './module-file.js';

export interface PackageFiles {
  /** @throws MienError `file` when the code was bundled and the package is not installed beside it. */
  locate(): Package;
  /** The path of one of its files, such as `models/lite`. @throws MienError as `locate` does. */
  path(file: string): string;
  /** Its version. @throws MienError as `locate` does. */
  version(): string;
  /**
   * One of its modules, such as `recognizer/node/child`.
   * @throws MienError `file` when it is not there, and as `locate` does.
   */
  module(name: string): ModuleFile;
}

/**
 * The files of the package `name`, of which the module at `here` lies one folder below `src`, or what was built of it.
 * Bundlers keep `import.meta.url`, replace it by the address of their output, or (for CommonJS) leave it undefined.
 */
export function packageFiles(name: string, here: string | undefined): PackageFiles {
  let found: Package | undefined;
  const locate = (): Package => {
    found ??= around(name, here) ?? installed(name, here);
    if (!found)
      throw new MienError('file', `the package ${name} is not installed where this program runs`, {
        hint: `Code that was bundled reads ${name}'s models from node_modules. Install ${name} there, or say with \`bundle\` and \`detector\` where the models are.`,
      });
    return found;
  };
  const path = (file: string): string => join(locate().root, file);
  return {
    locate,
    path,
    version: () => versionIn(path('package.json')),
    module: (module) => moduleFile(name, locate(), module),
  };
}

/** The version in a package.json. */
export const versionIn = (manifest: string): string =>
  (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;

function isPackage(root: string, name: string): boolean {
  try {
    return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name?: string }).name === name;
  } catch {
    return false;
  }
}

/** Around the module; undefined where it is part of an application's bundle. */
function around(name: string, here: string | undefined): Package | undefined {
  if (!here?.startsWith('file:')) return undefined;
  const file = fileURLToPath(here);
  const modules = dirname(dirname(file));
  const root = dirname(modules);
  return isPackage(root, name) ? { root, modules, extension: extname(file) } : undefined;
}

/**
 * In `node_modules`, from the application's bundle upwards and from the folder it was started in. Looked for by hand:
 * webpack answers `require.resolve` while it builds.
 */
function installed(name: string, here: string | undefined): Package | undefined {
  for (const start of [here?.startsWith('file:') ? fileURLToPath(here) : undefined, process.cwd()])
    for (let folder = start; folder !== undefined; folder = parentOf(folder)) {
      const root = join(folder, 'node_modules', name);
      if (isPackage(root, name)) return { root, modules: join(root, 'dist'), extension: '.js' };
    }
  return undefined;
}

const parentOf = (folder: string): string | undefined =>
  dirname(folder) === folder ? undefined : dirname(folder);
