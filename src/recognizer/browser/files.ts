// Files of a model in browsers: fetched once, with progress, and kept in the browser's cache for the next visit.
import { messageOf, MienError } from '../../base/errors.js';
import type { FileStore } from '../fetch-bundle.js';

/** Name of the cache; `caches.delete(CACHE_NAME)` forgets all models. */
export const CACHE_NAME = 'mien-models';

/** A cache takes addresses only; nothing is ever fetched from this one. */
const addressOf = (key: string): string => `https://mien.invalid/${encodeURIComponent(key)}`;

/**
 * Files by hash (or by address, where no hash is known), or undefined where a page may keep none: without https, and
 * in private windows of some browsers.
 */
export async function keptFiles(): Promise<FileStore | undefined> {
  if (typeof caches === 'undefined') return undefined;
  const cache = await caches.open(CACHE_NAME).catch(() => undefined);
  if (!cache) return undefined;
  return {
    async get(key) {
      const response = await cache.match(addressOf(key)).catch(() => undefined);
      return response && new Uint8Array(await response.arrayBuffer());
    },
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

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly store?: FileStore | undefined;
  readonly onProgress?: ((loaded: number, total: number) => void) | undefined;
}

/**
 * A file that no manifest knows. It is fetched each time, which costs little while the browser holds it, and taken from
 * the store when it cannot be.
 * @throws MienError `offline` when it is neither there nor kept, `interrupted` when the signal is given.
 */
export async function fetchFile(
  url: URL,
  { signal, store, onProgress }: FetchOptions = {},
): Promise<Uint8Array> {
  try {
    const response = await fetch(url, signal ? { signal } : {});
    if (!response.ok) throw new Error(`status ${response.status}`);
    const content = await contentOf(response, onProgress);
    await store?.put(url.href, content);
    return content;
  } catch (cause) {
    if (signal?.aborted) throw new MienError('interrupted', 'loading was aborted', { cause });
    const kept = await store?.get(url.href);
    if (kept) return kept;
    throw new MienError('offline', `could not be fetched (${messageOf(cause)})`, { file: url.href, cause });
  }
}

async function contentOf(response: Response, onProgress: FetchOptions['onProgress']): Promise<Uint8Array> {
  // What is compressed on its way is longer than its header says.
  const compressed = response.headers.has('content-encoding');
  const expected = compressed ? 0 : Number(response.headers.get('content-length') ?? 0);
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    loaded += value.length;
    onProgress?.(loaded, Math.max(expected, loaded));
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** Adds up the progress of several files; their totals may become known one after the other. */
export function totalProgress(onProgress: ((progress: Progress) => void) | undefined) {
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
export interface Progress {
  /** Bytes that are there. */
  readonly loaded: number;
  /** Bytes that are needed, as far as is known. */
  readonly total: number;
}
