// Fetches files of Hugging Face hub repositories into the standard cache, checked by hash, or finds them there.
import { open, rm, stat } from 'node:fs/promises';
import { messageOf, MienError } from 'mien-engine/base';
import { fileError, sha256File } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import {
  checkName,
  findCached,
  hubSettings,
  isCommit,
  matchesEtag,
  removeCached,
  storeBlob,
  temporaryBlob,
} from './hub-cache.js';
import type { CachedFile, EnvironmentVariables, HubFileName, HubSettings } from './hub-cache.js';

export interface HubRequest extends HubFileName {
  /** Expected SHA-256; without it, the file is checked against the hub's hash. */
  readonly sha256?: string | undefined;
}

export interface HubOptions {
  /** Source of the `HF_*` variables; the process's environment by default. */
  environment?: EnvironmentVariables;
  progress?: Progress;
  signal?: AbortSignal;
  /** Fetch nothing, as with `HF_HUB_OFFLINE`. */
  offline?: boolean;
  /** Milliseconds without data after which a connection is closed (default 30,000). */
  timeout?: number;
  /** How many times an interrupted transfer is resumed (default 4). */
  retries?: number;
}

/** A file of the hub on disk. */
export interface HubFile {
  readonly path: string;
  /** Commit of the repository. */
  readonly revision: string;
  /** Verified hash of the file; undefined if neither the hub nor the request states one. */
  readonly sha256: string | undefined;
}

/** A file's metadata in the hub's response headers. */
interface Served {
  readonly commit: string;
  readonly etag: string;
  readonly size: number | undefined;
}

/** A failure after which another attempt may succeed. */
class TransferError extends Error {}

const FOLDER_HINT =
  'Put the files into a folder and specify it with --weights, or fetch them into the cache on a machine with a network.';

const describe = ({ id, revision, path }: HubFileName): string => `${id}@${revision.slice(0, 12)}/${path}`;

const offline = (name: HubFileName, message: string, cause?: unknown): MienError =>
  new MienError('offline', `${describe(name)}: ${message}`, { hint: FOLDER_HINT, cause });

/** The message of the error that caused `fetch` to fail. */
function reason(error: unknown): string {
  const cause = (error as Error | undefined)?.cause ?? error;
  return messageOf(cause) || String((cause as NodeJS.ErrnoException).code);
}

/** The error for an HTTP status other than success. */
function statusError(name: HubFileName, response: Response, settings: HubSettings): Error {
  const { status } = response;
  const code = response.headers.get('x-error-code');
  if (status === 429 || status >= 500) return new TransferError(`the hub responded with status ${status}`);
  const known: Record<string, string> = {
    RepoNotFound: `there is no repository ${name.id}, or it is private`,
    RevisionNotFound: `${name.id} has no revision ${name.revision}`,
    EntryNotFound: `${name.id} has no file ${name.path} at ${name.revision}`,
    GatedRepo: `the terms of ${name.id} must be accepted first`,
  };
  const denied = status === 401 || status === 403;
  return new MienError(
    'weights',
    known[code ?? ''] ?? `the hub responded with status ${status} for ${describe(name)}`,
    {
      hint:
        denied && settings.token === undefined
          ? 'If the repository is private or gated, set HF_TOKEN.'
          : 'Check the id and the revision.',
    },
  );
}

/** Follows redirects manually: the hub's own response has the hash, and the token must not be sent to other hosts. */
async function request(
  name: HubFileName,
  settings: HubSettings,
  from: number,
  signal: AbortSignal,
): Promise<{ served: Served; response: Response }> {
  const revision = encodeURIComponent(name.revision);
  let url = new URL(`${settings.endpoint}/${name.id}/resolve/${revision}/${name.path}`);
  const { origin } = url;
  let served: Served | undefined;
  for (let hops = 0; hops < 8; hops++) {
    const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'mien' };
    if (from > 0) headers['range'] = `bytes=${from}-`;
    if (settings.token !== undefined && url.origin === origin)
      headers['authorization'] = `Bearer ${settings.token}`;
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    const header = (key: string): string | undefined => response.headers.get(key) ?? undefined;
    const location = response.status >= 300 && response.status < 400 ? header('location') : undefined;
    const next = location === undefined ? undefined : new URL(location, url);
    const commit = header('x-repo-commit');
    // Redirects within the hub (a renamed repository, its own file cache) have no metadata yet.
    if (served === undefined && commit !== undefined && response.status < 400 && next?.origin !== origin) {
      const etag = (header('x-linked-etag') ?? header('etag') ?? '')
        .replace(/^W\//, '')
        .replace(/^"|"$/g, '');
      const size =
        header('x-linked-size') ?? (response.status === 200 ? header('content-length') : undefined);
      if (!isCommit(commit) || !/^[\w-]+$/.test(etag)) break;
      served = { commit, etag, size: size === undefined ? undefined : Number(size) };
    }
    if (next !== undefined) {
      await response.body?.cancel();
      url = next;
      continue;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw statusError(name, response, settings);
    }
    if (served === undefined) break;
    return { served, response };
  }
  throw new MienError('weights', `${settings.endpoint} does not respond like a Hugging Face hub`, {
    hint: 'Check HF_ENDPOINT, and whether a proxy or a login page intercepts requests.',
  });
}

/** Writes or appends a response body to a file, calling `alive` for every chunk. */
async function save(
  response: Response,
  path: string,
  append: boolean,
  alive: () => void,
  progress: Progress,
): Promise<void> {
  const file = await open(path, append ? 'a' : 'w').catch((cause: unknown) => {
    throw fileError('write', path, cause);
  });
  try {
    for await (const chunk of response.body ?? []) {
      alive();
      await file.writeFile(chunk).catch((cause: unknown) => {
        throw fileError('write', path, cause);
      });
      progress.advance(chunk.byteLength);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A transfer in progress: its temporary file, and the metadata from the hub. */
interface Transfer {
  readonly temporary: string;
  served: Served | undefined;
}

/** One attempt: requests the missing part of the temporary file and appends it. */
async function attempt(
  name: HubRequest,
  settings: HubSettings,
  transfer: Transfer,
  options: HubOptions,
): Promise<Served> {
  const { progress = silentProgress, timeout = 30_000 } = options;
  const { temporary, served: known } = transfer;
  const controller = new AbortController();
  const stalled = (): void => controller.abort(new TransferError(`no data for ${timeout / 1000} s`));
  let timer = setTimeout(stalled, timeout);
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(stalled, timeout);
  };
  try {
    const signal = options.signal ? AbortSignal.any([controller.signal, options.signal]) : controller.signal;
    const have = known === undefined ? 0 : await sizeOnDisk(temporary);
    if (known !== undefined && have > 0 && have === known.size) return known;
    const { served, response } = await request(name, settings, have, signal);
    if (name.sha256 !== undefined && served.etag.length === 64 && served.etag !== name.sha256) {
      await response.body?.cancel();
      throw new MienError('weights', `${describe(name)} has sha256 ${served.etag}; expected ${name.sha256}`, {
        hint: 'The repository contains other weights than those to which this profile is pinned.',
      });
    }
    transfer.served = served;
    const resumed = response.headers.get('content-range')?.startsWith(`bytes ${have}-`) === true;
    if (response.status === 206 && (!resumed || known?.etag !== served.etag)) {
      await response.body?.cancel();
      await rm(temporary, { force: true });
      throw new TransferError('the file changed during the transfer');
    }
    if (!resumed) progress.begin(`fetching ${name.id} ${name.path}`, served.size, 'byte');
    await save(response, temporary, resumed, alive, progress);
    const size = await sizeOnDisk(temporary);
    if (served.size !== undefined && size < served.size)
      throw new TransferError(`the connection ended after ${size} of ${served.size} bytes`);
    return served;
  } finally {
    clearTimeout(timer);
  }
}

/** Size of a file in bytes; 0 if it does not exist. */
const sizeOnDisk = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

/** Fetches a file into the cache, which never contains an incomplete file under the final name. */
async function download(name: HubRequest, settings: HubSettings, options: HubOptions): Promise<CachedFile> {
  const { retries = 4, progress = silentProgress } = options;
  const temporary = await temporaryBlob(settings.cache, name.id);
  const transfer: Transfer = { temporary, served: undefined };
  try {
    for (let tries = 0; ; tries++) {
      try {
        const served = await attempt(name, settings, transfer, options);
        const intact =
          (served.size === undefined || served.size === (await sizeOnDisk(temporary))) &&
          (await matchesEtag(temporary, served.etag)) !== false &&
          (name.sha256 === undefined || (await sha256File(temporary)) === name.sha256);
        if (intact) return await storeBlob(settings.cache, name, { temporary, ...served });
        await rm(temporary, { force: true });
        throw new TransferError('the received file does not have the expected hash');
      } catch (error) {
        if (error instanceof MienError) throw error;
        if (options.signal?.aborted)
          throw new MienError('interrupted', `fetching ${describe(name)} was interrupted`, { cause: error });
        const unreachable = ['ENOTFOUND', 'ECONNREFUSED', 'EAI_AGAIN', 'ENETUNREACH'].includes(
          ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? '',
        );
        if (unreachable || tries >= retries)
          throw offline(name, `cannot be fetched from ${settings.endpoint}: ${reason(error)}`, error);
        await pause(Math.min(200 * 2 ** tries, 5000));
      }
    }
  } finally {
    progress.end();
    await rm(temporary, { force: true });
  }
}

/**
 * A file of a hub repository: from the cache if it is there and intact, otherwise fetched. A branch is resolved once:
 * afterwards the commit recorded in the cache is used, so that runs stay comparable. mien has its own client because the
 * published one does not check hashes and prints to the console.
 * @throws MienError `offline` if it must be fetched but cannot be; `weights` if the hub lacks the file or has other
 *   bytes than `sha256`; `interrupted` if `signal` is aborted; `file` if the cache cannot be written; `config` for
 *   invalid names
 */
export async function hubFile(name: HubRequest, options: HubOptions = {}): Promise<HubFile> {
  checkName(name);
  const settings = hubSettings(options.environment);
  const { progress = silentProgress } = options;
  const cached = await findCached(settings.cache, name);
  let defect: 'damaged' | 'not the pinned file' | undefined;
  if (cached !== undefined) {
    const intact = cached.etag === undefined ? undefined : await matchesEtag(cached.path, cached.etag);
    const known = intact === true && cached.etag?.length === 64 ? cached.etag : undefined;
    const pinned = name.sha256 === undefined || (known ?? (await sha256File(cached.path))) === name.sha256;
    if (intact !== false && pinned)
      return { path: cached.path, revision: cached.commit, sha256: known ?? name.sha256 };
    defect = intact === true ? 'not the pinned file' : 'damaged';
  }
  if (settings.offline || options.offline === true) {
    const found = defect === undefined ? 'is not in the cache' : `is ${defect} in the cache`;
    throw offline(name, `${found} (${settings.cache}), and fetching is disabled`);
  }
  if (defect !== undefined) progress.warn(`${cached?.path} is ${defect}: fetching it again`);
  const fetched = await download(name, settings, options);
  // A damaged file under another commit would be found again; an intact one may belong to another program.
  if (cached !== undefined && defect === 'damaged' && cached.path !== fetched.path)
    await removeCached(cached);
  const hash = fetched.etag?.length === 64 ? fetched.etag : name.sha256;
  return { path: fetched.path, revision: fetched.commit, sha256: hash };
}
