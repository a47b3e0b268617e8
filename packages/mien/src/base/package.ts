// Where mien's own files are: its models and its page.
import { packageFiles } from 'mien-engine/node';

/** By itself, since bundlers take `new URL('…', import.meta.url)` for an asset that they have to copy. */
const HERE = import.meta.url as string | undefined;

const files = packageFiles('mien', HERE);

/** The path of one of the package's files, such as `models/lite`. @throws MienError `file` when it is not installed. */
export const inPackage = files.path;

/** The folder of the model that comes with the package. @throws MienError `file` as above. */
export const bundledModel = (): string => inPackage('models/lite');

/** The version of this package. @throws MienError `file` as above. */
export const packageVersion = files.version;

/** One of the package's modules for a child process. @throws MienError `file` as above, or when it is not there. */
export const moduleInPackage = files.module;
