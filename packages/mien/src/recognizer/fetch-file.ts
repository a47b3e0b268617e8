// Fetches a file over HTTP; a file of known hash is neither used nor stored before it is verified.
import { defined, type ErrorCode, MienError } from 'mien-engine/base';

/** Stored files by SHA-256, and manifests by URL, since their hash is unknown. */
export interface FileStore {
  get(key: string): Promise<Uint8Array | undefined>;
  has(key: string): Promise<boolean>;
  /** Stores a file if possible; failing to is not an error. */
  put(key: string, content: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

/** The content of a response. */
export interface Received {
  readonly content: Uint8Array<ArrayBuffer>;
  /** Media type without parameters; empty if none was sent. */
  readonly type: string;
}

/** The form of `fetch` that is needed. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface FetchOptions {
  /** In place of the global one. */
  readonly fetch?: Fetch | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes of each chunk. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Called with the total number of bytes, if the host sends it and does not compress the file. */
  readonly onLength?: ((bytes: number) => void) | undefined;
  /** Mode of the browser's HTTP cache; Node has none. */
  readonly cache?: 'default' | 'no-cache' | 'reload';
  /** Stops reading once more bytes than this have arrived. */
  readonly atMost?: number;
  /** What to do if it cannot be fetched. */
  readonly hint?: string;
}

/**
 * Fetches a file.
 * @throws MienError `offline` when it cannot be fetched completely, `interrupted` when the signal is aborted.
 */
export async function fetchFile(
  url: string,
  {
    fetch: ask = fetch,
    signal,
    onBytes,
    onLength,
    cache = 'default',
    atMost = Infinity,
    hint,
  }: FetchOptions = {},
): Promise<Received> {
  const failed = (reason: string, cause?: unknown, advice = hint): MienError =>
    signal?.aborted
      ? new MienError('interrupted', 'loading was aborted', { cause })
      : new MienError('offline', `could not be fetched (${reason})`, {
          file: shownAddress(url),
          hint: advice,
          cause,
        });
  // Node's types lack `cache`.
  const init = { cache, ...defined({ signal }) } as RequestInit;
  const response = await ask(url, init).catch((cause: unknown) => {
    throw failed(networkReason(cause), cause);
  });
  // Partial content (206) is not the file.
  if (!response.ok || response.status === 206) {
    const { status, statusText } = response;
    throw failed(`status ${`${status} ${statusText}`.trim()}`, undefined, statusHint(status) ?? hint);
  }
  if (!response.headers.has('content-encoding'))
    onLength?.(Number(response.headers.get('content-length') ?? 0));
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
  try {
    return { type: type.trim().toLowerCase(), content: await contentOf(response, atMost, onBytes) };
  } catch (cause) {
    throw failed(`the connection broke: ${networkReason(cause)}`, cause);
  }
}

/** Bytes for which there is room before any have arrived: a size that somebody states may be wrong. */
const MOST_AHEAD = 2 ** 26;
const LEAST_AHEAD = 2 ** 16;

/** The bytes, copied into place as they arrive: for the end of a large file, its user waits. */
async function contentOf(
  response: Response,
  atMost: number,
  onBytes: FetchOptions['onBytes'],
): Promise<Uint8Array<ArrayBuffer>> {
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  let content = new Uint8Array(Number.isFinite(atMost) ? Math.min(atMost, MOST_AHEAD) : LEAST_AHEAD);
  let length = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (length + value.length > content.length) {
      const larger = new Uint8Array(Math.max(2 * content.length, length + value.length));
      larger.set(content.subarray(0, length));
      content = larger;
    }
    content.set(value, length);
    length += value.length;
    onBytes?.(value.length);
    if (length > atMost) {
      await reader.cancel();
      break;
    }
  }
  return length === content.length ? content : content.slice(0, length);
}

/** A file whose size and hash are known. */
export interface KnownFile {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface FetchKnownOptions extends Pick<FetchOptions, 'fetch' | 'signal' | 'onBytes'> {
  /** Stores it once verified. */
  readonly store?: FileStore | undefined;
  /** Given what stores the verified file, to be called later; by default, the file is stored before the result. */
  readonly storeLater?: ((store: () => Promise<void>) => void) | undefined;
  /** The error when another file is received in its place. */
  readonly mismatch: { readonly code: ErrorCode; readonly message: string };
}

/**
 * A file whose hash is known: the stored one, else fetched, verified and stored. If the browser's HTTP cache has an older
 * file or a login page in its place, the cache is bypassed.
 * @throws MienError `offline` when it cannot be fetched, `interrupted` when the signal is aborted, and `mismatch`, with a
 *   description of the response, for another file.
 */
export async function fetchKnown(
  url: string,
  file: KnownFile,
  { fetch: ask, signal, onBytes, store, storeLater, mismatch }: FetchKnownOptions,
): Promise<Uint8Array> {
  const known = await storedFile(file, store);
  if (known) {
    onBytes?.(known.length);
    return known;
  }
  const options = { fetch: ask, signal, onBytes, atMost: file.bytes };
  let received = await fetchFile(url, options);
  if (!(await isKnown(received.content, file))) {
    onBytes?.(-received.content.length);
    received = await fetchFile(url, { ...options, cache: 'reload' });
    if (!(await isKnown(received.content, file))) throw unexpected(url, received, mismatch);
  }
  const { content } = received;
  if (store) {
    // Whatever a store does, the file can be used.
    const put = (): Promise<void> =>
      Promise.resolve()
        .then(() => store.put(file.sha256, content))
        .catch(() => undefined);
    if (storeLater) storeLater(put);
    else await put();
  }
  return content;
}

/** The stored file, if it has the expected hash. */
export async function storedFile(
  file: KnownFile,
  store: FileStore | undefined,
): Promise<Uint8Array | undefined> {
  const stored = await store?.get(file.sha256);
  return stored && (await isKnown(stored, file)) ? stored : undefined;
}

/** Compares size and hash; only the size on pages without `crypto.subtle`, which requires https. */
async function isKnown(content: Uint8Array, { bytes, sha256 }: KnownFile): Promise<boolean> {
  if (content.length !== bytes) return false;
  if (globalThis.crypto?.subtle === undefined) return true;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') === sha256;
}

/** An error that describes what was received in a file's place. */
export function unexpected(
  url: string,
  received: Received,
  { code, message }: FetchKnownOptions['mismatch'],
): MienError {
  const isPage =
    received.type === 'text/html' || /^\s*<(!doctype html|html)/i.test(startOf(received.content));
  return new MienError(code, `${message}: the response is ${described(received)}`, {
    file: shownAddress(url),
    hint: isPage
      ? 'A web page was sent in its place: the host lacks the file, or the network requires a login.'
      : 'The file may have been modified or truncated.',
  });
}

const SHOWN_CHARACTERS = 60;

function startOf(content: Uint8Array): string {
  return new TextDecoder('latin1').decode(content.subarray(0, SHOWN_CHARACTERS));
}

/** Type, and the first characters, or bytes if it is not text. */
function described({ content, type }: Received): string {
  const named = type || 'of unspecified type';
  if (content.length === 0) return `${named} and empty`;
  const start = startOf(content);
  // eslint-disable-next-line no-control-regex -- they tell binary data from text.
  if (!/[\u0000-\u0008\u000e-\u001f\u007f-\u009f]/.test(start))
    return `${named} and begins with “${start.replace(/\s+/g, ' ').trim()}”`;
  const bytes = Array.from(content.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0'));
  return `${named} and begins with the bytes ${bytes.join(' ')}`;
}

/**
 * The URL of a file in a folder, given by its URL or by that of its `manifest.json`. The folder's query, perhaps a
 * signature, is kept; its fragment is not.
 */
export function inFolder(folder: string | URL, name: string): string {
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/(manifest\.json)?\/*$/, '')}/${name}`;
  url.hash = '';
  return url.href;
}

/** A URL for messages, without its query, which may be secret. */
export function shownAddress(address: string): string {
  const { origin, pathname, search } = new URL(address);
  return `${origin}${pathname}${search && '?…'}`;
}

/** The innermost cause: the error of `fetch` itself says little more than that it failed. */
function networkReason(cause: unknown): string {
  const {
    cause: deeper,
    message,
    code,
  } = (cause ?? {}) as { cause?: unknown; message?: string; code?: string };
  if (deeper !== undefined) return networkReason(deeper);
  return message || code || String(cause);
}

/** What to do about an HTTP error status; undefined for those whose remedy depends on the request. */
const statusHint = (status: number): string | undefined =>
  status === 401 || status === 403
    ? 'The server denies access: if the URL is signed, the signature may be wrong or expired.'
    : status >= 500 || status === 429
      ? 'The server is unavailable or overloaded; try again later.'
      : undefined;
