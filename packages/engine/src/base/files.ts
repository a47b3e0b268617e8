// Reads files with typed errors, and writes them so that a reader never sees a half-written one: temporary file, fsync,
// rename.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { decodeText } from './decode.js';
import { messageOf, MienError } from './errors.js';

type Chunk = string | Uint8Array;

/**
 * Writes `content` (or its chunks in order) to `path` atomically, creating folders as needed.
 * @throws MienError `file` if the disk is full, the folder is not writable, or the path is a folder.
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

/** Descriptions of the operating system's error codes. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'is a folder, a file was expected',
  ENOTDIR: 'part of the path is a file, not a folder',
  EEXIST: 'it already exists',
  ELOOP: 'its symbolic links form a loop',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is exceeded',
  EFBIG: 'the file would be too large for the file system',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'input/output error of the device',
  EBUSY: 'it is in use',
  EMFILE: 'too many files are open (raise the limit, `ulimit -n`)',
  ENFILE: 'too many files are open on this machine',
  EPIPE: 'its reader is gone',
  EBADF: 'it is already closed',
};

/** A `file` error that describes in plain words why the operating system failed. */
export function fileError(action: 'read' | 'write', path: string, cause: unknown, hint?: string): MienError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const reason = (code && REASONS[code]) ?? messageOf(cause);
  return new MienError('file', `cannot ${action}: ${reason}`, { file: path, hint, cause });
}

/** System calls that write. */
const WRITING = /^(write|mkdir|rename|unlink|rm|fsync|ftruncate|symlink|copyfile|sendfile)/;

/**
 * A `file` error for an operating system error with a known code, or undefined: wherever it occurred, such an error is
 * not a bug.
 */
export function asFileError(error: unknown): MienError | undefined {
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || !(code in REASONS) || syscall === undefined) return undefined;
  return fileError(WRITING.test(syscall) ? 'write' : 'read', path ?? 'a file', error);
}

/** @throws MienError `file` if it cannot be read, `format` if it is not text or not JSON. */
export const readJson = async (path: string): Promise<unknown> => parseJson(await readText(path), path);

/** @throws MienError `file` if it cannot be read, `format` if its bytes are not text. */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  return decodeText(bytes, path, 'format');
}

/** Parses a file's text. @throws MienError `format` if it is not JSON. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new MienError('format', `is not valid JSON (${(cause as Error).message})`, { file: path, cause });
  }
}

/** A file's bytes in chunks. @throws MienError `file` if it cannot be read. */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    throw fileError('read', path, cause);
  } finally {
    stream.destroy();
  }
}

/** Hexadecimal SHA-256 of a file, read in chunks. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readChunks(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** Hexadecimal SHA-256 of bytes or text. */
export const sha256 = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');
