// A package's own files: modules, models, page.
import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MienError } from './errors.js';
import { moduleFile, type ModuleFile, type Package } from './module-file.js';

export interface PackageFiles {
  /** @throws MienError `file` if the code was bundled and the package is not installed beside it. */
  locate(): Package;
  /** The path of one of its files, such as `models/lite`. @throws MienError as `locate` does. */
  path(file: string): string;
  /** Its version. @throws MienError as `locate` does. */
  version(): string;
  /**
   * One of its modules, such as `recognizer/node/child`.
   * @throws MienError `file` if it does not exist, and as `locate` does.
   */
  module(name: string): ModuleFile;
}

/**
 * The files of the package `name`. `here` is the `import.meta.url` of one of its modules, one folder below `src` or the
 * build output. Bundlers keep `import.meta.url`, replace it by the URL of their output, or (for CommonJS) leave it undefined.
 */
export function packageFiles(name: string, here: string | undefined): PackageFiles {
  let located: Package | undefined;
  const locate = (): Package => {
    located ??= enclosing(name, here) ?? installed(name, here);
    if (!located)
      throw new MienError('file', `the package ${name} is not installed where this program runs`, {
        hint: `Bundled code reads ${name}'s models from node_modules. Install ${name} there, or set \`bundle\` and \`detector\` to the models' paths.`,
      });
    return located;
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

/** The package that contains the module; undefined if the module is part of an application's bundle. */
function enclosing(name: string, here: string | undefined): Package | undefined {
  if (!here?.startsWith('file:')) return undefined;
  const file = fileURLToPath(here);
  const modules = dirname(dirname(file));
  const root = dirname(modules);
  return isPackage(root, name) ? { root, modules, extension: extname(file) } : undefined;
}

/**
 * The package in `node_modules`, searched upwards from the application's bundle and from the working directory. Not by
 * `require.resolve`, which webpack evaluates at build time.
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
