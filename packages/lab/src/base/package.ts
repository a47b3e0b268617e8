// Where the laboratory's own files are: its settings, its packs of features, its behaviour items.
import { packageFiles } from 'mien-engine/node';

const files = packageFiles('mien-lab', import.meta.url);

/** The path of one of the package's files, such as `models/behaviour.csv`. @throws MienError `file` when it is not installed. */
export const inPackage = files.path;

/** One of the package's modules for a child process. @throws MienError `file` as above, or when it is not there. */
export const moduleInPackage = files.module;
