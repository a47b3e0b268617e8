// What all loaders share: one way to report bad input, to sniff and decode text, and to look into folders.
import { open, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileError } from '../base/files.js';
import { MienError } from '../base/errors.js';
import { quoted } from '../base/quote.js';
import type { LoadOptions, Skipped } from './types.js';

export interface Problem {
  readonly file: string;
  readonly row?: number;
  readonly message: string;
  /** What was expected, or what to do. */
  readonly hint?: string;
}

export interface Problems {
  readonly skipped: Skipped[];
  /** Throws, or, with `skipInvalid`, notes the problem and returns. */
  report(problem: Problem): void;
}

/** In UTF-16 units: what is wrong with an item may quote all of it. */
const LONGEST_REASON = 400;
const SKIP_HINT = 'Use skipInvalid (--skip-invalid) to pass over such items and list them.';

export function problems(options: LoadOptions): Problems {
  const skipped: Skipped[] = [];
  return {
    skipped,
    report({ file, row, message, hint }) {
      if (!options.skipInvalid)
        throw new MienError('data', message, {
          file,
          ...(row === undefined ? {} : { row }),
          hint: hint === undefined ? SKIP_HINT : `${hint}\n${SKIP_HINT}`,
        });
      skipped.push({ file, ...(row === undefined ? {} : { row }), reason: quoted(message, LONGEST_REASON) });
    },
  };
}

/** `file`, `folder` or `missing`. */
export async function kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw fileError('read', path, cause);
  });
  if (found === undefined) return 'missing';
  return found.isDirectory() ? 'folder' : 'file';
}

/** Names in a folder, sorted, without hidden ones; links count as what they point to. */
export async function listFolder(path: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.') || /^(thumbs\.db|desktop\.ini)$/i.test(entry.name)) continue;
    const folder = entry.isSymbolicLink()
      ? (await kindOf(join(path, entry.name))) === 'folder'
      : entry.isDirectory();
    (folder ? folders : files).push(entry.name);
  }
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return { files: files.sort(order), folders: folders.sort(order) };
}

/** The subfolder whose name is one of `names` whatever the case, as a path. */
export async function findFolder(path: string, ...names: string[]): Promise<string | undefined> {
  const { folders } = await listFolder(path);
  for (const name of names) {
    const found = folders.find((folder) => folder.toLowerCase() === name.toLowerCase());
    if (found !== undefined) return join(path, found);
  }
  return undefined;
}

export const isImageName = (name: string): boolean =>
  ['.jpg', '.jpeg', '.png', '.bmp', '.webp'].includes(extname(name).toLowerCase());

/**
 * The first bytes of a text file, decoded, to recognise its form; a byte order mark is removed.
 * @throws MienError `file` when it cannot be read, `data` when it is empty, UTF-16 or not text at all.
 */
export async function sniffText(path: string, bytes = 16384): Promise<string> {
  const buffer = new Uint8Array(bytes);
  let length: number;
  try {
    const handle = await open(path);
    try {
      length = (await handle.read(buffer, 0, bytes, 0)).bytesRead;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw fileError('read', path, cause);
  }
  const start = buffer.subarray(0, length);
  if (length === 0)
    throw new MienError('data', 'the file is empty', {
      file: path,
      hint: 'Expected a table with one record a line; fetch or unpack the file again.',
    });
  const utf16 = (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  if (utf16 || start.includes(0))
    throw new MienError('data', utf16 || looksUtf16(start) ? 'is UTF-16' : 'is not a text file', {
      file: path,
      hint: 'Expected UTF-8; convert it with `iconv -f UTF-16 -t UTF-8`.',
    });
  return new TextDecoder().decode(start);
}

/** UTF-16 of mostly Latin text without a mark: every second byte is 0. */
function looksUtf16(bytes: Uint8Array): boolean {
  let zeros = 0;
  for (const byte of bytes) if (byte === 0) zeros++;
  return Math.abs(zeros / bytes.length - 0.5) < 0.15;
}

/** What stands in a decoded string where bytes were not UTF-8. */
export const BAD_UTF8 = '\ufffd';

export const NOT_UTF8: Pick<Problem, 'message' | 'hint'> = {
  message: 'bytes that are not UTF-8 (Latin-1 or Windows-1252, it seems)',
  hint: 'Expected UTF-8; convert the file with `iconv -f WINDOWS-1252 -t UTF-8`.',
};
