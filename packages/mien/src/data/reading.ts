// Shared by all loaders: reporting bad input, sniffing and decoding text, listing folders.
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import {
  defined,
  badText,
  badTextError,
  decodeLines,
  decodeParts,
  type Fault,
  faultError,
  MienError,
  notText,
  quoted,
} from 'mien-engine/base';
import { fileError, readChunks } from 'mien-engine/node';
import type { DataSetOptions, Skipped } from './types.js';

interface Problem {
  readonly file: string;
  readonly row?: number;
  readonly message: string;
  /** What was expected, or how to fix it. */
  readonly hint?: string;
}

export interface Problems {
  readonly skipped: Skipped[];
  /** Throws, or, with `skipInvalid`, records the problem and returns. */
  report(problem: Problem): void;
}

/** In UTF-16 units: a message may quote the whole item. */
const MAX_REASON_LENGTH = 400;
const SKIP_HINT = 'Use skipInvalid (--skip-invalid) to skip such items and list them.';

export function problems(options: DataSetOptions): Problems {
  const skipped: Skipped[] = [];
  return {
    skipped,
    report({ file, row, message, hint }) {
      if (!options.skipInvalid)
        throw new MienError('data', message, {
          file,
          ...defined({ row }),
          hint: hint === undefined ? SKIP_HINT : `${hint}\n${SKIP_HINT}`,
        });
      skipped.push({ file, ...defined({ row }), reason: quoted(message, MAX_REASON_LENGTH) });
    },
  };
}

/** @throws MienError `file` when the path cannot be examined. */
export async function kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
  const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw fileError('read', path, cause);
  });
  if (stats === undefined) return 'missing';
  return stats.isDirectory() ? 'folder' : 'file';
}

/** Hidden files, and those that operating systems create in folders. */
const IGNORED = /^(\..*|thumbs\.db|desktop\.ini|__macosx|@eadir|\$recycle\.bin)$/i;

/**
 * Names in a folder, sorted, without hidden and system files. Symbolic links count as their targets, broken ones as
 * files; pipes and devices are left out.
 */
export async function listFolder(path: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    if (IGNORED.test(entry.name)) continue;
    const target = entry.isSymbolicLink() ? await stat(join(path, entry.name)).catch(() => undefined) : entry;
    if (target?.isDirectory()) folders.push(entry.name);
    else if (target?.isFile() ?? true) files.push(entry.name);
  }
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return { files: files.sort(order), folders: folders.sort(order) };
}

/** The path of the first subfolder with one of these names, in any case. */
export async function findFolder(path: string, ...names: string[]): Promise<string | undefined> {
  const { folders } = await listFolder(path);
  for (const name of names) {
    const match = folders.find((folder) => folder.toLowerCase() === name.toLowerCase());
    if (match !== undefined) return join(path, match);
  }
  return undefined;
}

const IMAGE_EXTENSIONS = new Set([
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.jif',
  '.pjpeg',
  '.pjp',
  '.png',
  '.apng',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
  '.heic',
  '.heif',
  '.bmp',
]);

export const isImageName = (name: string): boolean => IMAGE_EXTENSIONS.has(extname(name).toLowerCase());

/**
 * Sorted paths of all images in a folder and its subfolders. Links are followed, except into a folder that contains them.
 * @throws MienError `file` that names a folder which cannot be read.
 */
export async function imagesIn(folder: string): Promise<string[]> {
  const images: string[] = [];
  const walk = async (path: string, parents: readonly string[]): Promise<void> => {
    const real = await realpath(path).catch((cause: unknown) => {
      throw fileError('read', path, cause);
    });
    if (parents.includes(real)) return;
    const { files, folders } = await listFolder(path);
    images.push(...files.filter(isImageName).map((name) => join(path, name)));
    for (const name of folders) await walk(join(path, name), [...parents, real]);
  };
  await walk(folder, []);
  return images.sort();
}

/** A decoded text file. */
export interface Lines {
  readonly text: string;
  /** Faults of lines whose bytes are not text, by 1-based line. */
  readonly faults: ReadonlyMap<number, Fault>;
}

/**
 * Reads a whole text file; a byte order mark is removed.
 * @throws MienError `file` when it cannot be read, `data` when it is empty or not text at all.
 */
export async function readLines(path: string): Promise<Lines> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  checkIsText(bytes, path);
  const { text, bad } = decodeLines(bytes);
  return { text, faults: new Map(bad.map((one) => [one.row, badText(one)])) };
}

/**
 * Reads a text file too large for memory, in parts of whole lines that end in `\n`.
 * @throws MienError `file` when it cannot be read, `data` with the row where its bytes are not text.
 */
export async function* readParts(path: string): AsyncGenerator<string, void, undefined> {
  for await (const { text, bad } of decodeParts(readChunks(path), path)) {
    if (bad[0]) throw badTextError(path, bad[0]);
    yield text.replaceAll('\r\n', '\n');
  }
}

/**
 * The first bytes of a text file, decoded, to recognise its format; a byte order mark is removed.
 * @throws MienError `file` when it cannot be read, `data` when it is empty or not text at all.
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
  checkIsText(start, path);
  return decodeLines(start).text;
}

function checkIsText(bytes: Uint8Array, file: string): void {
  if (bytes.length === 0)
    throw new MienError('data', 'the file is empty', {
      file,
      hint: 'Expected a table with one record per line; download or unpack the file again.',
    });
  const fault = notText(bytes);
  if (fault) throw faultError(fault, { file });
}
