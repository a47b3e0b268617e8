// Files of a model in browsers: kept in the browser's cache for the next visit, and how many bytes of them are there.
import type { FileStore } from '../fetch-file.js';

/** Name of the cache; `caches.delete(CACHE_NAME)` forgets all models. */
const CACHE_NAME = 'mien-models';

/** A cache takes addresses only; nothing is ever fetched from this one. */
const addressOf = (key: string): string => `https://mien.invalid/${encodeURIComponent(key)}`;

/** The store, or undefined where a page may have none: without https, and in private windows of some browsers. */
export async function keptFiles(): Promise<FileStore | undefined> {
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
    // A full disk must not keep anybody from what was fetched already.
    put: (key, content) =>
      cache.put(addressOf(key), new Response(content as BodyInit)).catch(() => undefined),
    delete: (key) =>
      cache.delete(addressOf(key)).then(
        () => undefined,
        () => undefined,
      ),
  };
}

/** Adds up the progress of several files; their totals may become known one after the other. */
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

/** Bytes that are there and bytes that are needed; files kept from an earlier visit count as there. */
export interface LoadProgress {
  /** Bytes that are there. */
  readonly loaded: number;
  /** Bytes that are needed, as far as is known. */
  readonly total: number;
}
