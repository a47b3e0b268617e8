// What all loaders share: one way to report bad input, to sniff and decode text, and to look into folders.
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
import type { LoadOptions, Skipped } from './types.js';

interface Problem {
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
          ...defined({ row }),
          hint: hint === undefined ? SKIP_HINT : `${hint}\n${SKIP_HINT}`,
        });
      skipped.push({ file, ...defined({ row }), reason: quoted(message, LONGEST_REASON) });
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

/** What systems leave in folders without asking; hidden names are left out anyway. */
const LEFT_BEHIND = /^(\..*|thumbs\.db|desktop\.ini|__macosx|@eadir|\$recycle\.bin)$/i;

/**
 * Names in a folder, sorted, without hidden ones and what systems leave there. Links count as what they point to, as
 * files where that is not there; pipes and devices are left out.
 */
export async function listFolder(path: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    if (LEFT_BEHIND.test(entry.name)) continue;
    const found = entry.isSymbolicLink() ? await stat(join(path, entry.name)).catch(() => undefined) : entry;
    if (found?.isDirectory()) folders.push(entry.name);
    else if (found?.isFile() ?? true) files.push(entry.name);
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

const IMAGE_NAMES = new Set([
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

export const isImageName = (name: string): boolean => IMAGE_NAMES.has(extname(name).toLowerCase());

/**
 * The images of a folder and all that is in it, as sorted paths. Links are followed; one that leads back into a folder
 * on the way to it is not.
 * @throws MienError `file` that names a folder which cannot be read.
 */
export async function imagesIn(folder: string): Promise<string[]> {
  const images: string[] = [];
  const walk = async (path: string, above: readonly string[]): Promise<void> => {
    const real = await realpath(path).catch((cause: unknown) => {
      throw fileError('read', path, cause);
    });
    if (above.includes(real)) return;
    const { files, folders } = await listFolder(path);
    images.push(...files.filter(isImageName).map((name) => join(path, name)));
    for (const name of folders) await walk(join(path, name), [...above, real]);
  };
  await walk(folder, []);
  return images.sort();
}

/** A text file, decoded. */
export interface Lines {
  readonly text: string;
  /** What is wrong with lines whose bytes are not text, by 1-based line. */
  readonly faults: ReadonlyMap<number, Fault>;
}

/**
 * A whole text file; a byte order mark is removed.
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
 * A text file too large to hold, in parts of whole lines that end in `\n`.
 * @throws MienError `file` when it cannot be read, `data` with the row where its bytes are not text.
 */
export async function* readParts(path: string): AsyncGenerator<string, void, undefined> {
  for await (const { text, bad } of decodeParts(readChunks(path), path)) {
    if (bad[0]) throw badTextError(path, bad[0]);
    yield text.replaceAll('\r\n', '\n');
  }
}

/**
 * The first bytes of a text file, decoded, to recognise its form; a byte order mark is removed.
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
      hint: 'Expected a table with one record a line; fetch or unpack the file again.',
    });
  const fault = notText(bytes);
  if (fault) throw faultError(fault, { file });
}
