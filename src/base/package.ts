// Where the package's own files are: its models and its page.
import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MienError } from './errors.js';

export const NAME = 'mien';

/**
 * The address of this module, which bundlers keep, replace by that of their output, or (for CommonJS) leave undefined.
 * By itself, since they take `new URL('…', import.meta.url)` for an asset that they have to copy.
 */
const HERE = import.meta.url as string | undefined;

export interface Package {
  /** The folder with package.json. */
  readonly root: string;
  /** The folder of its modules: `src`, or what was built of it. */
  readonly modules: string;
  /** `.ts` where sources run as they are. */
  readonly extension: string;
}

function isPackage(root: string): boolean {
  try {
    return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name?: string }).name === NAME;
  } catch {
    return false;
  }
}

/** Around this module; undefined where this module is part of an application's bundle. */
function around(): Package | undefined {
  if (!HERE?.startsWith('file:')) return undefined;
  const file = fileURLToPath(HERE);
  const modules = dirname(dirname(file));
  const root = dirname(modules);
  return isPackage(root) ? { root, modules, extension: extname(file) } : undefined;
}

/**
 * In `node_modules`, from the application's bundle upwards and from the folder it was started in. Looked for by hand:
 * webpack answers `require.resolve` while it builds.
 */
function installed(): Package | undefined {
  for (const start of [HERE?.startsWith('file:') ? fileURLToPath(HERE) : undefined, process.cwd()])
    for (let folder = start; folder !== undefined; folder = parentOf(folder)) {
      const root = join(folder, 'node_modules', NAME);
      if (isPackage(root)) return { root, modules: join(root, 'dist'), extension: '.js' };
    }
  return undefined;
}

const parentOf = (folder: string): string | undefined =>
  dirname(folder) === folder ? undefined : dirname(folder);

let found: Package | undefined;

/** @throws MienError `file` when the code was bundled and the package is not installed beside it. */
export function ownPackage(): Package {
  found ??= around() ?? installed();
  if (!found)
    throw new MienError('file', `the package ${NAME} is not installed where this program runs`, {
      hint: `Code that was bundled reads ${NAME}'s models from node_modules. Install ${NAME} there, or say with \`bundle\` and \`detector\` where the models are.`,
    });
  return found;
}

/** The path of one of the package's files, such as `models/lite`. @throws MienError `file` as above. */
export const inPackage = (path: string): string => join(ownPackage().root, path);

/** The folder of the model that comes with the package. @throws MienError `file` as above. */
export const bundledModel = (): string => inPackage('models/lite');

/** The version in a package.json. */
export const versionIn = (manifest: string): string =>
  (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;

/** The version of this package. @throws MienError `file` as above. */
export const packageVersion = (): string => versionIn(inPackage('package.json'));
