// Where `mien reproduce` keeps its last results when no folder is named, and `mien report` finds them.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `mien/results` in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`). */
export const resultFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'mien', 'results');
