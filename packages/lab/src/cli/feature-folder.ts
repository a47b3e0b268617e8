// Where commands keep features when no folder is named: they are dear to make and good for every later run.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `mien/features` in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`). */
export const featureFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'mien', 'features');
