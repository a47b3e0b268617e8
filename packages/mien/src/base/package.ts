// Locates mien's own files: its models, its page and modules for child processes.
import { packageFiles } from 'mien-engine/node';

/** A constant of its own, since bundlers take `new URL('…', import.meta.url)` for an asset to copy. */
const HERE = import.meta.url as string | undefined;

const files = packageFiles('mien', HERE);

/** The path of a file of the package, such as `models/lite`. @throws MienError `file` when it is not installed. */
export const inPackage = files.path;

/** The folder of the bundled model. @throws MienError `file` when it is not installed. */
export const bundledModel = (): string => inPackage('models/lite');

/** The version of this package. @throws MienError `file` when its package.json cannot be read. */
export const packageVersion = files.version;

/** The path of a module of the package, to run in a child process. @throws MienError `file` when it is missing. */
export const moduleInPackage = files.module;
