// Writes files so that a reader never sees a half-written one: temporary file, fsync, rename.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, MienError } from './errors.js';

type Chunk = string | Uint8Array;

/**
 * Writes `content` (or its chunks, one after the other) to `path` atomically; folders are made as needed.
 * @throws MienError `file` when the disk is full, the folder cannot be written, or the path is a folder.
 */
export async function writeFileAtomic(
  path: string,
  content: Chunk | Iterable<Chunk> | AsyncIterable<Chunk>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, 'w');
    try {
      const chunks = typeof content === 'string' || ArrayBuffer.isView(content) ? [content] : content;
      for await (const chunk of chunks) await handle.writeFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (cause instanceof MienError) throw cause;
    throw fileError('write', path, cause);
  }
}

/** A `file` error that says in plain words what the operating system refused. */
export function fileError(action: 'read' | 'write', path: string, cause: unknown): MienError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const reasons: Record<string, string> = {
    ENOENT: 'no such file or folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'is a folder, a file was expected',
    ENOTDIR: 'a part of the path is a file, not a folder',
    ENOSPC: 'the disk is full',
    EROFS: 'the file system is read-only',
  };
  const reason = (code && reasons[code]) ?? messageOf(cause);
  return new MienError('file', `cannot ${action}: ${reason}`, { file: path, cause });
}

/** @throws MienError `file` when it cannot be read, `format` when it is not JSON. */
export const readJson = async (path: string): Promise<unknown> => parseJson(await readText(path), path);

/** @throws MienError `file` when it cannot be read. */
export const readText = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });

/** The value of a file's text. @throws MienError `format` when it is not JSON. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new MienError('format', `is not valid JSON (${(cause as Error).message})`, { file: path, cause });
  }
}

/** Hexadecimal SHA-256 of a file, read in pieces. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw fileError('read', path, cause);
  }
  return hash.digest('hex');
}

/** Hexadecimal SHA-256 of bytes or text. */
export const sha256 = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');
