// A bundle from a URL: only the files that computing needs, each checked by size and hash.
import { MienError } from '../base/errors.js';
import { checkManifest, MANIFEST_NAME, type BundleManifest } from '../bundle/manifest.js';
import { inFolder, networkReason, shownAddress, statusHint } from './address.js';

/** Files kept from an earlier time, by SHA-256 or, the manifest, by address. */
export interface FileStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, content: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

export interface FetchBundleOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes fetched and bytes to fetch. */
  readonly onProgress?: ((loaded: number, total: number) => void) | undefined;
  /** Where files are kept, so that they are fetched once; the manifest is fetched each time that it can be. */
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
  { signal, onProgress, store }: FetchBundleOptions = {},
): Promise<FetchedBundle> {
  const request = async (name: string): Promise<Response> => {
    const url = inFolder(folder, name);
    const file = shownAddress(url);
    const response = await fetch(url, signal ? { signal } : {}).catch((cause: unknown) => {
      if (signal?.aborted) throw new MienError('interrupted', 'loading was aborted', { cause });
      throw new MienError('offline', `could not be fetched (${networkReason(cause)})`, { file, cause });
    });
    const { ok, status, statusText } = response;
    if (!ok)
      throw new MienError('offline', `could not be fetched (status ${`${status} ${statusText}`.trim()})`, {
        ...{ file, hint: statusHint(status) },
      });
    return response;
  };
  const manifest = await manifestAt(inFolder(folder, MANIFEST_NAME), () => request(MANIFEST_NAME), store);
  const names = neededFiles(manifest);
  const total = names.reduce((sum, name) => sum + manifest.files[name]!.bytes, 0);
  let loaded = 0;
  onProgress?.(0, total);
  const files: Record<string, Uint8Array> = {};
  for (const name of names) {
    const { bytes, sha256 } = manifest.files[name]!;
    const kept = await store?.get(sha256);
    if (kept && kept.length === bytes && (await hasHash(kept, sha256))) {
      files[name] = kept;
      onProgress?.((loaded += bytes), total);
      continue;
    }
    const content = await contentOf(await request(name), bytes, (count) =>
      onProgress?.((loaded += count), total),
    );
    if (content.length !== bytes || !(await hasHash(content, sha256)))
      throw new MienError('bundle', 'is not the file that the bundle was made with', {
        ...{ file: shownAddress(inFolder(folder, name)) },
        hint: 'Fetch it again; a cache may hold an older one.',
      });
    files[name] = content;
    await store?.put(sha256, content);
  }
  return { manifest, files };
}

/** The manifest, the kept one where it cannot be fetched. Files that only the kept one named are let go. */
async function manifestAt(
  url: string,
  request: () => Promise<Response>,
  store: FileStore | undefined,
): Promise<BundleManifest> {
  const kept = await store?.get(url);
  const before = kept && known(kept);
  let text: string;
  try {
    text = await (await request()).text();
  } catch (error) {
    if (before && error instanceof MienError && error.code === 'offline') return before;
    throw error;
  }
  const manifest = parse(text, shownAddress(url));
  await store?.put(url, new TextEncoder().encode(text));
  const hashes = (of: BundleManifest): string[] => Object.values(of.files).map(({ sha256 }) => sha256);
  const needed = new Set(hashes(manifest));
  for (const hash of before ? hashes(before) : []) if (!needed.has(hash)) await store?.delete(hash);
  return manifest;
}

/** A kept manifest, or undefined where it is of another version. */
function known(kept: Uint8Array): BundleManifest | undefined {
  try {
    return parse(new TextDecoder().decode(kept), '');
  } catch {
    return undefined;
  }
}

function parse(text: string, file: string): BundleManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new MienError('bundle', 'is not JSON, so no bundle is here', { file, cause });
  }
  return checkManifest(json, file);
}

/** The body, read piece by piece so that progress can be told. */
async function contentOf(
  response: Response,
  expected: number,
  onBytes: (count: number) => void,
): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  const content = new Uint8Array(expected);
  let length = 0;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return content.subarray(0, length);
    if (length + value.length > expected) {
      await reader.cancel();
      return new Uint8Array(0);
    }
    content.set(value, length);
    length += value.length;
    onBytes(value.length);
  }
}

/** Whether bytes have a hash; true where a page has no cryptography, that is, without https. */
async function hasHash(content: Uint8Array, expected: string): Promise<boolean> {
  if (globalThis.crypto?.subtle === undefined) return true;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') === expected;
}
