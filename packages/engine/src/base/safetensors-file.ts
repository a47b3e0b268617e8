// Safetensors on disk: tensors are read one by one, so that a large file need not fit into memory.
import { open, type FileHandle } from 'node:fs/promises';
import { MienError } from './errors.js';
import { fileError, writeFileAtomic } from './files.js';
import {
  PREFIX_BYTES,
  decodeTensor,
  encodeSafetensors,
  entryOf,
  headerLength,
  parseHeader,
  type ReadOptions,
  type SafetensorsHeader,
} from './safetensors.js';
import type { Tensor, Tensors } from './tensor.js';

/** An open safetensors file: its header is read and validated, its tensors are read on demand. */
export interface SafetensorsFile extends SafetensorsHeader {
  readonly path: string;
  /** Reads one tensor. @throws MienError `format` if it does not exist, `file` if it cannot be read. */
  read(name: string, options?: Pick<ReadOptions, 'floats'>): Promise<Tensor>;
  close(): Promise<void>;
}

/** Node's reads are limited to less than 2 GiB. */
const READ_BYTES = 1 << 30;

async function readBytes(
  handle: FileHandle,
  path: string,
  start: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = Math.min(length - done, READ_BYTES);
    const { bytesRead } = await handle.read(bytes, done, count, start + done).catch((cause: unknown) => {
      throw fileError('read', path, cause);
    });
    if (bytesRead === 0)
      throw new MienError('format', `ends after ${start + done} bytes, while being read`, { file: path });
    done += bytesRead;
  }
  return bytes;
}

/**
 * Opens a file and validates its header; close it when done.
 * @throws MienError `file` if it cannot be read, `format` if it violates the format.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw fileError('read', path, { code: 'EISDIR' });
    const prefix = await readBytes(handle, path, 0, Math.min(PREFIX_BYTES, stat.size));
    const length = headerLength(prefix, stat.size, path);
    const header = parseHeader(await readBytes(handle, path, PREFIX_BYTES, length), stat.size, path);
    return {
      ...header,
      path,
      read: async (name, options = {}) => {
        const entry = entryOf(header, name, path);
        const bytes = await readBytes(handle, path, header.dataStart + entry.start, entry.end - entry.start);
        return decodeTensor(entry, bytes, { file: path, field: name, ...options });
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Reads the tensors of a file, or those in `options.names`.
 * @throws MienError `file` if it cannot be read, `format` if it violates the format.
 */
export async function readSafetensorsFile(
  path: string,
  options: Omit<ReadOptions, 'file'> = {},
): Promise<{ tensors: Tensors; metadata: Readonly<Record<string, string>> }> {
  const file = await openSafetensors(path);
  try {
    const tensors: [string, Tensor][] = [];
    for (const name of options.names ?? file.entries.keys())
      tensors.push([name, await file.read(name, options)]);
    return { tensors: Object.fromEntries(tensors), metadata: file.metadata };
  } finally {
    await file.close();
  }
}

/** Writes tensors atomically; the same tensors and metadata give the same bytes. @throws MienError `file`. */
export const writeSafetensorsFile = (
  path: string,
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> => writeFileAtomic(path, encodeSafetensors(tensors, metadata));
