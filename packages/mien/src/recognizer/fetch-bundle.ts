// Fetches a bundle from a URL: only the files that inference needs, each verified by size and hash, stored as a whole or
// not at all.
import {
  checkManifest,
  laterFiles,
  MANIFEST_NAME,
  modalitiesOf,
  partOf,
  type BundleManifest,
} from '../bundle/manifest.js';
import { modalities } from '../modalities/list.js';
import {
  type Fetch,
  fetchFile,
  fetchKnown,
  type FetchKnownOptions,
  type FetchOptions,
  inFolder,
  shownAddress,
  storedFile,
  unexpected,
  type FileStore,
  type KnownFile,
} from './fetch-file.js';

export interface FetchBundleOptions {
  /** In place of the global one. */
  readonly fetch?: Fetch | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes fetched and in total. */
  readonly onProgress?: ((loaded: number, total: number) => void) | undefined;
  /**
   * Stores files so that they are fetched only once; the manifest is fetched each time. A stored bundle is deleted once a
   * newer one is stored completely; until then it is used when that one cannot be fetched.
   */
  readonly store?: FileStore | undefined;
  /** Whether the text's files are fetched first, if the bundle has any, and the other modalities' once they are there. */
  readonly textFirst?: boolean;
}

export interface FetchedBundle {
  readonly manifest: BundleManifest;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/**
 * Names of the files that inference needs at once, which excludes the model card, the evaluation, and what is fetched at
 * the first recording.
 */
export const neededFiles = (manifest: BundleManifest): string[] => {
  const later = laterFiles(manifest);
  const needed = modalitiesOf(manifest).flatMap((one) =>
    modalities[one].files(partOf(manifest, one) as never),
  );
  return [...needed.filter((name) => !later.includes(name)), manifest.decision];
};

/** A file of a bundle. @throws MienError as `fetchBundle`. */
export const fetchBundleFile = (
  folder: string | URL,
  manifest: BundleManifest,
  name: string,
  options: Omit<FetchKnownOptions, 'mismatch'> = {},
): Promise<Uint8Array> =>
  fetchKnown(inFolder(folder, name), manifest.files[name]!, {
    ...options,
    mismatch: { code: 'bundle', message: 'is not the file that the bundle was made with' },
  });

/** Opens a bundle whose files arrive one by one. */
export type OpenArriving<T> = (
  manifest: BundleManifest,
  /** The content of one of the needed files, once it has arrived and been verified. After a failure, it is fetched again. */
  file: (name: string) => Promise<Uint8Array>,
) => Promise<T>;

/** What was opened, while files may still be on their way or being stored. */
export interface Opened<T> {
  readonly opened: T;
  /** Resolves once all files have arrived or failed; never rejects. */
  readonly arrived: Promise<void>;
  /** Resolves once those that arrived have been stored, as far as that succeeds; never rejects. */
  readonly stored: Promise<void>;
}

/**
 * Fetches a bundle, or falls back to the stored one. Its files are stored by then.
 * @throws MienError `offline` when a file cannot be fetched, `bundle` when it is not the one in the manifest,
 *   `interrupted` when the signal is aborted.
 */
export async function fetchBundle(
  folder: string | URL,
  options: FetchBundleOptions = {},
): Promise<FetchedBundle> {
  const { opened, stored } = await openFetched(folder, options, async (manifest, file) => {
    const names = neededFiles(manifest);
    const contents = await Promise.all(names.map(file));
    return { manifest, files: Object.fromEntries(names.map((name, i) => [name, contents[i]!])) };
  });
  await stored;
  return opened;
}

/**
 * Fetches a bundle's files and opens it while they arrive; they are stored once it is open. If one that `open` waits for
 * cannot be fetched, the stored bundle is opened instead.
 * @throws MienError as `fetchBundle` and `open` do.
 */
export async function openFetched<T>(
  folder: string | URL,
  options: FetchBundleOptions,
  open: OpenArriving<T>,
): Promise<Opened<T>> {
  const { store, signal } = options;
  const manifestUrl = inFolder(folder, MANIFEST_NAME);
  const previous = store && (await storedManifest(manifestUrl, store));
  let fetching: Fetching | undefined;
  try {
    fetching = await startFetching(folder, options);
    const { manifest, file, end, storeArrived } = fetching;
    const opened = await open(manifest, file);
    const arrived = end();
    const finish = async (): Promise<void> => {
      await arrived;
      await storeArrived();
      if (store) await storeManifest(manifestUrl, manifest, previous, store);
    };
    return { opened, arrived, stored: finish().catch(() => undefined) };
  } catch (error) {
    await fetching?.stop();
    // An older bundle helps only if this one could not be fetched.
    if (signal?.aborted || !previous || fetching?.hasFailed() === false) throw error;
    const stored = await storedBundle(previous, options);
    if (!stored) throw error;
    const opened = await open(stored.manifest, async (name) => stored.files[name]!);
    return { opened, arrived: Promise.resolve(), stored: Promise.resolve() };
  }
}

/** The files that inference needs, by name. */
const filesOf = (manifest: BundleManifest): (readonly [string, KnownFile])[] =>
  neededFiles(manifest).map((name) => {
    const file = manifest.files[name];
    // `checkManifest` has verified that every file is listed.
    if (!file) throw new Error(`${name} is not in the manifest`);
    return [name, file];
  });

/** The files of a bundle on their way. */
interface Fetching {
  readonly manifest: BundleManifest;
  readonly file: (name: string) => Promise<Uint8Array>;
  /** Waits until all have arrived or failed. */
  end(): Promise<void>;
  /** Stores those that arrived. */
  storeArrived(): Promise<void>;
  /** Whether one could not be fetched. */
  hasFailed(): boolean;
  /** Ends the transfers, so that nothing happens after an error, and stores what arrived. */
  stop(): Promise<void>;
}

async function startFetching(
  folder: string | URL,
  { fetch: ask, signal: given, store, onProgress, textFirst = false }: FetchBundleOptions,
): Promise<Fetching> {
  const manifest = await fetchManifest(inFolder(folder, MANIFEST_NAME), { fetch: ask, signal: given });
  const known = filesOf(manifest);
  const total = known.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  let loaded = 0;
  onProgress?.(0, total);
  const stopped = new AbortController();
  const signal = given ? AbortSignal.any([given, stopped.signal]) : stopped.signal;
  const storing: (() => Promise<void>)[] = [];
  let first: { readonly cause: unknown } | undefined;
  const fetching = async (name: string): Promise<Uint8Array> =>
    fetchBundleFile(folder, manifest, name, {
      fetch: ask,
      signal,
      store,
      onBytes: (count) => onProgress?.((loaded += count), total),
      storeLater: (put) => storing.push(put),
    }).catch((cause: unknown) => {
      // The first error ends the other transfers, whose errors say nothing.
      first ??= { cause };
      stopped.abort();
      throw first.cause;
    });
  const files = new Map<string, Promise<Uint8Array>>();
  const begin = (name: string, content: Promise<Uint8Array>): void => {
    // An error of a file that nobody waits for yet is not unhandled.
    content.catch(() => undefined);
    files.set(name, content);
  };
  // What an answer to a text needs.
  const { text, decision } = manifest;
  const early = textFirst && text ? [...modalities.text.files(text), decision] : [];
  for (const name of early) begin(name, fetching(name));
  const sooner = Promise.all(files.values());
  for (const [name] of known)
    if (!files.has(name))
      begin(
        name,
        sooner.then(() => fetching(name)),
      );
  const end = async (): Promise<void> => void (await Promise.allSettled(files.values()));
  const storeArrived = async (): Promise<void> => {
    for (const put of storing.splice(0)) await put();
  };
  return {
    manifest,
    file(name) {
      const content = files.get(name);
      if (!content) return fetchBundleFile(folder, manifest, name, { fetch: ask, signal: given, store });
      // Nobody asks twice, unless for another attempt; and the content need not be held any longer.
      const drop = (): boolean => files.delete(name);
      content.then(drop, drop);
      return content;
    },
    end,
    storeArrived,
    hasFailed: () => first !== undefined,
    async stop() {
      stopped.abort();
      await end();
      await storeArrived();
    },
  };
}

async function fetchManifest(
  url: string,
  options: Pick<FetchOptions, 'fetch' | 'signal'>,
): Promise<BundleManifest> {
  const hint = 'A bundle is a folder with a manifest.json; pass the folder’s URL.';
  const received = await fetchFile(url, { ...options, hint, cache: 'no-cache' });
  return parse(received.content, shownAddress(url), () =>
    unexpected(url, received, { code: 'bundle', message: 'is not JSON, so this is not a bundle' }),
  );
}

/** Stores the manifest once all of its files are stored, and deletes those that only the previous manifest lists. */
async function storeManifest(
  url: string,
  manifest: BundleManifest,
  previous: BundleManifest | undefined,
  store: FileStore,
): Promise<void> {
  const hashesOf = (one: BundleManifest): string[] => filesOf(one).map(([, { sha256 }]) => sha256);
  const withLater = (one: BundleManifest): string[] => [
    ...hashesOf(one),
    ...laterFiles(one).flatMap((name) => one.files[name]?.sha256 ?? []),
  ];
  const needed = new Set(hashesOf(manifest));
  for (const hash of needed) if (!(await store.has(hash))) return;
  await store.put(url, new TextEncoder().encode(JSON.stringify(manifest)));
  const kept = new Set(withLater(manifest));
  for (const hash of previous ? withLater(previous) : []) if (!kept.has(hash)) await store.delete(hash);
}

/** The stored bundle, if it is complete and every file has the expected hash. */
async function storedBundle(
  manifest: BundleManifest,
  { store, onProgress }: FetchBundleOptions,
): Promise<FetchedBundle | undefined> {
  const files: Record<string, Uint8Array> = {};
  let total = 0;
  for (const [name, known] of filesOf(manifest)) {
    const file = await storedFile(known, store);
    if (!file) return undefined;
    files[name] = file;
    total += file.length;
  }
  onProgress?.(total, total);
  return { manifest, files };
}

/** The stored manifest; undefined if there is none, or one of another version. */
async function storedManifest(url: string, store: FileStore): Promise<BundleManifest | undefined> {
  const stored = await store.get(url);
  try {
    return stored && parse(stored, url, (cause) => cause);
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
