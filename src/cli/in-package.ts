// Where files of the package are, from `src/cli` as from `dist/cli`.
import { fileURLToPath } from 'node:url';

export const inPackage = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The folder of the bundled model. */
export const BUNDLED_MODEL = inPackage('models/lite');
