// One file over HTTP, as it came; and files whose hash is known, which nobody sees or keeps before they were checked.
import { defined, type ErrorCode, MienError } from 'mien-engine/base';
import { networkReason, shownAddress, statusHint } from './address.js';

/** Files kept from an earlier time, by SHA-256; a manifest, which has none of its own, by address. */
export interface FileStore {
  get(key: string): Promise<Uint8Array | undefined>;
  has(key: string): Promise<boolean>;
  /** Keeps a file if it can: that it could not is no error. */
  put(key: string, content: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

/** What a host answered with. */
export interface Received {
  readonly content: Uint8Array<ArrayBuffer>;
  /** Media type, without parameters; empty where none was sent. */
  readonly type: string;
}

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told the bytes of each piece. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Told how many bytes there will be, where the host says so and does not compress them. */
  readonly onLength?: ((bytes: number) => void) | undefined;
  /** What the browser's own cache may answer; Node has none. */
  readonly cache?: 'default' | 'no-cache' | 'reload';
  /** Reading ends once more bytes than these have come. */
  readonly atMost?: number;
  /** What to do where it cannot be fetched. */
  readonly hint?: string;
}

/**
 * Fetches a file.
 * @throws MienError `offline` when it cannot be fetched as a whole, `interrupted` when the signal is given.
 */
export async function fetchFile(
  url: string,
  { signal, onBytes, onLength, cache = 'default', atMost = Infinity, hint }: FetchOptions = {},
): Promise<Received> {
  const failed = (how: string, cause?: unknown, advice = hint): MienError =>
    signal?.aborted
      ? new MienError('interrupted', 'loading was aborted', { cause })
      : new MienError('offline', `could not be fetched (${how})`, {
          file: shownAddress(url),
          hint: advice,
          cause,
        });
  // Node's types know no cache.
  const init = { cache, ...defined({ signal }) } as RequestInit;
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw failed(networkReason(cause), cause);
  });
  // A part of a file (206) is not the file.
  if (!response.ok || response.status === 206) {
    const { status, statusText } = response;
    throw failed(`status ${`${status} ${statusText}`.trim()}`, undefined, statusHint(status) ?? hint);
  }
  if (!response.headers.has('content-encoding'))
    onLength?.(Number(response.headers.get('content-length') ?? 0));
  const type = response.headers.get('content-type')?.split(';')[0]!.trim().toLowerCase() ?? '';
  try {
    return { type, content: await contentOf(response, atMost, onBytes) };
  } catch (cause) {
    throw failed(`it broke off: ${networkReason(cause)}`, cause);
  }
}

async function contentOf(
  response: Response,
  atMost: number,
  onBytes: FetchOptions['onBytes'],
): Promise<Uint8Array<ArrayBuffer>> {
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    onBytes?.(value.length);
    if ((length += value.length) > atMost) {
      await reader.cancel();
      break;
    }
  }
  const content = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    content.set(piece, at);
    at += piece.length;
  }
  return content;
}

/** A file that is known beforehand. */
export interface KnownFile {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface FetchKnownOptions extends Pick<FetchOptions, 'signal' | 'onBytes'> {
  /** Where it is kept once it was checked. */
  readonly store?: FileStore | undefined;
  /** What another file in its place is called. */
  readonly mismatch: { readonly code: ErrorCode; readonly message: string };
}

/**
 * A file whose hash is known: the kept one, else fetched, checked and kept. What the browser's own cache holds may be
 * older, or a page that a network answered with: it is then passed over.
 * @throws MienError `offline` when it cannot be fetched, `interrupted` when the signal is given, and `mismatch`, with
 *   what came, for another file.
 */
export async function fetchKnown(
  url: string,
  file: KnownFile,
  { signal, onBytes, store, mismatch }: FetchKnownOptions,
): Promise<Uint8Array> {
  const kept = await keptKnown(file, store);
  if (kept) {
    onBytes?.(kept.length);
    return kept;
  }
  const options = { signal, onBytes, atMost: file.bytes };
  let received = await fetchFile(url, options);
  if (!(await isKnown(received.content, file))) {
    onBytes?.(-received.content.length);
    received = await fetchFile(url, { ...options, cache: 'reload' });
    if (!(await isKnown(received.content, file))) throw unexpected(url, received, mismatch);
  }
  await store?.put(file.sha256, received.content);
  return received.content;
}

/** The kept file, if it is what its hash says. */
export async function keptKnown(
  file: KnownFile,
  store: FileStore | undefined,
): Promise<Uint8Array | undefined> {
  const kept = await store?.get(file.sha256);
  return kept && (await isKnown(kept, file)) ? kept : undefined;
}

/** Whether bytes are a file; by their number alone where a page has no cryptography, that is, without https. */
async function isKnown(content: Uint8Array, { bytes, sha256 }: KnownFile): Promise<boolean> {
  if (content.length !== bytes) return false;
  if (globalThis.crypto?.subtle === undefined) return true;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') === sha256;
}

/** An error that says what came in a file's place. */
export function unexpected(
  url: string,
  received: Received,
  { code, message }: FetchKnownOptions['mismatch'],
): MienError {
  const isPage =
    received.type === 'text/html' || /^\s*<(!doctype html|html)/i.test(startOf(received.content));
  return new MienError(code, `${message}: what came is ${described(received)}`, {
    file: shownAddress(url),
    hint: isPage
      ? 'A page came in its place: the host answers so for files that it does not have, or a network wants a login first.'
      : 'The file may have been changed, or cut off on its way.',
  });
}

const SHOWN = 60;

function startOf(content: Uint8Array): string {
  return new TextDecoder('latin1').decode(content.subarray(0, SHOWN));
}

/** Type, and the first characters, or bytes where they are no text. */
function described({ content, type }: Received): string {
  const named = type || 'of no stated type';
  if (content.length === 0) return `${named}, and empty`;
  const start = startOf(content);
  // eslint-disable-next-line no-control-regex -- what is no text has them.
  if (!/[\u0000-\u0008\u000e-\u001f\u007f-\u009f]/.test(start))
    return `${named} and begins with “${start.replace(/\s+/g, ' ').trim()}”`;
  const bytes = Array.from(content.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0'));
  return `${named} and begins with the bytes ${bytes.join(' ')}`;
}
