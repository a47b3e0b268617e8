// A bundle from a URL: only the files that computing needs, each checked by size and hash, kept as a whole or not at all.
import { checkManifest, MANIFEST_NAME, type BundleManifest } from '../bundle/manifest.js';
import { inFolder, shownAddress } from './address.js';
import { fetchFile, fetchKnown, keptKnown, unexpected, type FileStore } from './fetch-file.js';

export interface FetchBundleOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes fetched and bytes to fetch. */
  readonly onProgress?: ((loaded: number, total: number) => void) | undefined;
  /**
   * Where files are kept, so that they are fetched once; the manifest is fetched each time that it can be. A kept bundle
   * is let go once another was fetched and kept as a whole; until then it answers where that one cannot be had.
   */
  readonly store?: FileStore | undefined;
}

export interface FetchedBundle {
  readonly manifest: BundleManifest;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Names of the files that are computed with; the card and the evaluation are not. */
export const neededFiles = ({ text, face, fusion }: BundleManifest): string[] =>
  [text?.model, text?.tokenizer, face?.model, fusion?.model].filter((name) => name !== undefined);

/**
 * @throws MienError `offline` when a file cannot be fetched, `bundle` when it is not the one that the manifest names,
 *   `interrupted` when the signal is given.
 */
export async function fetchBundle(
  folder: string | URL,
  options: FetchBundleOptions = {},
): Promise<FetchedBundle> {
  const { store, signal } = options;
  const manifestUrl = inFolder(folder, MANIFEST_NAME);
  const before = store && (await keptManifest(manifestUrl, store));
  try {
    const fetched = await fetchWhole(folder, options);
    if (store) await keep(manifestUrl, fetched.manifest, before, store);
    return fetched;
  } catch (error) {
    if (signal?.aborted || !before) throw error;
    const kept = await keptWhole(before, options);
    if (!kept) throw error;
    return kept;
  }
}

async function fetchWhole(
  folder: string | URL,
  { signal, store, onProgress }: FetchBundleOptions,
): Promise<FetchedBundle> {
  const manifest = await fetchManifest(inFolder(folder, MANIFEST_NAME), signal);
  const names = neededFiles(manifest);
  const total = names.reduce((sum, name) => sum + manifest.files[name]!.bytes, 0);
  let loaded = 0;
  onProgress?.(0, total);
  const files: Record<string, Uint8Array> = {};
  for (const name of names)
    files[name] = await fetchKnown(inFolder(folder, name), manifest.files[name]!, {
      signal,
      store,
      onBytes: (count) => onProgress?.((loaded += count), total),
      mismatch: { code: 'bundle', message: 'is not the file that the bundle was made with' },
    });
  return { manifest, files };
}

async function fetchManifest(url: string, signal: AbortSignal | undefined): Promise<BundleManifest> {
  const hint = 'A bundle is a folder with manifest.json; give the folder’s address.';
  const received = await fetchFile(url, { signal, hint, cache: 'no-cache' });
  return parse(received.content, shownAddress(url), () =>
    unexpected(url, received, { code: 'bundle', message: 'is not JSON, so no bundle is here' }),
  );
}

/** Keeps the manifest, once all of its files are kept, and lets go of those that only the one before named. */
async function keep(
  url: string,
  manifest: BundleManifest,
  before: BundleManifest | undefined,
  store: FileStore,
): Promise<void> {
  const hashes = (of: BundleManifest): string[] => neededFiles(of).map((name) => of.files[name]!.sha256);
  const needed = new Set(hashes(manifest));
  for (const hash of needed) if (!(await store.has(hash))) return;
  await store.put(url, new TextEncoder().encode(JSON.stringify(manifest)));
  for (const hash of before ? hashes(before) : []) if (!needed.has(hash)) await store.delete(hash);
}

/** The kept bundle, where every file of it is there and is what its hash says. */
async function keptWhole(
  manifest: BundleManifest,
  { store, onProgress }: FetchBundleOptions,
): Promise<FetchedBundle | undefined> {
  const files: Record<string, Uint8Array> = {};
  let total = 0;
  for (const name of neededFiles(manifest)) {
    const file = await keptKnown(manifest.files[name]!, store);
    if (!file) return undefined;
    files[name] = file;
    total += file.length;
  }
  onProgress?.(total, total);
  return { manifest, files };
}

/** A kept manifest, or undefined where there is none, or one of another version. */
async function keptManifest(url: string, store: FileStore): Promise<BundleManifest | undefined> {
  const kept = await store.get(url);
  try {
    return kept && parse(kept, url, (cause) => cause);
  } catch {
    return undefined;
  }
}

function parse(content: Uint8Array, url: string, notJson: (cause: unknown) => unknown): BundleManifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(content));
  } catch (cause) {
    throw notJson(cause);
  }
  return checkManifest(json, url);
}
