// The Hugging Face hub's cache on disk, in the layout of the Python library, so that each finds what the other fetched:
// models--org--name/blobs/<etag>, refs/<revision> with a commit, snapshots/<commit>/<file> as a link to a blob.
// Source: the hub documentation, "Understand caching", and its environment variables.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, relative, sep } from 'node:path';
import { MienError } from 'mien-engine/base';
import { fileError, sha256File, writeFileAtomic } from 'mien-engine/node';

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** Settings of the hub from the environment. */
export interface HubSettings {
  /** Without a trailing slash. */
  readonly endpoint: string;
  /** Folder that contains the `models--…` folders. */
  readonly cache: string;
  readonly offline: boolean;
  readonly token: string | undefined;
}

const isTrue = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? '');

const expandHome = (path: string): string =>
  path === '~' || path.startsWith(`~${sep}`) || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;

/** Reads `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN`. */
export function hubSettings(environment: EnvironmentVariables = process.env): HubSettings {
  const home =
    environment['HF_HOME'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, ''),
    cache: expandHome(environment['HF_HUB_CACHE'] || join(home, 'hub')),
    offline: isTrue(environment['HF_HUB_OFFLINE']) || isTrue(environment['TRANSFORMERS_OFFLINE']),
    token: environment['HF_TOKEN']?.trim() || undefined,
  };
}

/** A file of a hub repository. */
export interface HubFileName {
  /** `org/name`. */
  readonly id: string;
  /** Commit, branch or tag. */
  readonly revision: string;
  /** Path inside the repository, for instance `model.safetensors`. */
  readonly path: string;
}

/** @throws MienError `config` if a part could lead out of the cache or is not allowed by the hub */
export function checkName({ id, revision, path }: HubFileName): void {
  const plain = (text: string): boolean =>
    text.split('/').every((part) => /^[\w.-]+$/.test(part) && part !== '.' && part !== '..');
  if (!plain(id) || id.split('/').length > 2 || id.includes('--'))
    throw new MienError('config', `"${id}" is not the id of a hub repository`, {
      hint: 'Ids have the form org/name.',
    });
  if (!plain(revision)) throw new MienError('config', `"${revision}" is not a revision of ${id}`);
  if (!plain(path)) throw new MienError('config', `"${path}" is not a file of ${id}`);
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

const repoFolder = (cache: string, id: string): string => join(cache, `models--${id.replace('/', '--')}`);

const snapshotPath = (cache: string, id: string, commit: string, path: string): string =>
  join(repoFolder(cache, id), 'snapshots', commit, ...path.split('/'));

/** Git's SHA-1 of a file's content: the hub's etag of files outside large-file storage. */
async function gitSha1(path: string): Promise<string> {
  const { size } = await stat(path);
  const hash = createHash('sha1').update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Whether a file has the hash in an etag; undefined if the etag is not a hash. */
export async function matchesEtag(path: string, etag: string): Promise<boolean | undefined> {
  if (/^[0-9a-f]{64}$/.test(etag)) return (await sha256File(path)) === etag;
  if (/^[0-9a-f]{40}$/.test(etag)) return (await gitSha1(path)) === etag;
  return undefined;
}

/** A file found in the cache. */
export interface CachedFile {
  /** Path in the snapshot. */
  readonly path: string;
  readonly commit: string;
  /** Etag under which it is stored; undefined if the cache contains a copy instead of a link. */
  readonly etag: string | undefined;
}

/** Finds a file in the cache, without network access or hash check. */
export async function findCached(cache: string, name: HubFileName): Promise<CachedFile | undefined> {
  const { id, revision, path } = name;
  const commit = isCommit(revision)
    ? revision
    : (await readFile(join(repoFolder(cache, id), 'refs', revision), 'utf8').catch(() => '')).trim();
  if (!isCommit(commit)) return undefined;
  const pointer = snapshotPath(cache, id, commit, path);
  const target = await realpath(pointer).catch(() => undefined);
  if (target === undefined) return undefined;
  const linked = basename(dirname(target)) === 'blobs';
  return { path: pointer, commit, etag: linked ? basename(target) : undefined };
}

/** Removes a damaged file: the link in the snapshot and its target. */
export async function removeCached({ path }: CachedFile): Promise<void> {
  const target = await realpath(path).catch(() => undefined);
  await rm(path, { force: true });
  if (target !== undefined) await rm(target, { force: true });
}

/** Path of a new temporary file beside the blobs; removes those left by killed processes more than two days ago. */
export async function temporaryBlob(cache: string, id: string): Promise<string> {
  const blobs = join(repoFolder(cache, id), 'blobs');
  try {
    await mkdir(blobs, { recursive: true });
    for (const name of (await readdir(blobs)).filter((entry) => entry.endsWith('.mien.incomplete'))) {
      const { mtimeMs } = await stat(join(blobs, name));
      if (Date.now() - mtimeMs > 2 * 86_400_000) await rm(join(blobs, name), { force: true });
    }
  } catch (cause) {
    throw fileError('write', blobs, cause);
  }
  return join(blobs, `${randomBytes(8).toString('hex')}.mien.incomplete`);
}

/** Moves a complete temporary file into the cache: as the blob of its etag, in the snapshot, under the revision. */
export async function storeBlob(
  cache: string,
  name: HubFileName,
  { temporary, commit, etag }: { temporary: string; commit: string; etag: string },
): Promise<CachedFile> {
  const repo = repoFolder(cache, name.id);
  const blob = join(repo, 'blobs', etag);
  const path = snapshotPath(cache, name.id, commit, name.path);
  try {
    await rename(temporary, blob);
    await mkdir(dirname(path), { recursive: true });
    const pointer = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    // If links are not allowed (Windows without developer mode), the file is copied.
    await symlink(relative(dirname(path), blob), pointer).catch(() => copyFile(blob, pointer));
    await rename(pointer, path);
  } catch (cause) {
    throw fileError('write', path, cause);
  }
  if (!isCommit(name.revision)) await writeFileAtomic(join(repo, 'refs', name.revision), commit);
  return { path, commit, etag };
}
