// Model files in browsers: stored in the browser's cache for the next visit, and the progress of loading them.
import type { FileStore } from '../fetch-file.js';

/** Name of the cache; `caches.delete(CACHE_NAME)` deletes all models. */
const CACHE_NAME = 'mien-models';

/** Keys of a cache must be URLs; nothing is ever fetched from this one. */
const addressOf = (key: string): string => `https://mien.invalid/${encodeURIComponent(key)}`;

/** The store; undefined if the page has no access to caches: without HTTPS, and in private windows of some browsers. */
export async function cachedFiles(): Promise<FileStore | undefined> {
  if (typeof caches === 'undefined') return undefined;
  const cache = await caches.open(CACHE_NAME).catch(() => undefined);
  if (!cache) return undefined;
  const find = (key: string): Promise<Response | undefined> =>
    cache.match(addressOf(key)).catch(() => undefined);
  return {
    async get(key) {
      const response = await find(key);
      return response && new Uint8Array(await response.arrayBuffer());
    },
    has: async (key) => (await find(key)) !== undefined,
    // A full disk must not prevent using what has been fetched.
    put: (key, content) =>
      cache.put(addressOf(key), new Response(content as BodyInit)).catch(() => undefined),
    delete: (key) =>
      cache.delete(addressOf(key)).then(
        () => undefined,
        () => undefined,
      ),
  };
}

/** Adds up the progress of several files, whose sizes may become known one after the other. */
export function totalProgress(onProgress: ((progress: LoadProgress) => void) | undefined) {
  const files: { loaded: number; total: number }[] = [];
  return (): ((loaded: number, total: number) => void) | undefined => {
    if (!onProgress) return undefined;
    const file = { loaded: 0, total: 0 };
    files.push(file);
    return (loaded, total) => {
      Object.assign(file, { loaded, total });
      const sum = (of: 'loaded' | 'total'): number => files.reduce((all, one) => all + one[of], 0);
      onProgress({ loaded: sum('loaded'), total: sum('total') });
    };
  };
}

/** Bytes loaded and bytes needed; cached files count as loaded. */
export interface LoadProgress {
  /** Bytes loaded. */
  readonly loaded: number;
  /** Bytes needed, as far as known. */
  readonly total: number;
}
