// A temporary folder through which items go to a peer and outputs come back.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Scratch {
  path(name: string): string;
  /** Writes a file and returns its path. */
  writeJson(name: string, value: unknown): Promise<string>;
  writeBytes(name: string, bytes: Uint8Array): Promise<string>;
  /** Writes float32 arrays one after another. */
  writeFloats(name: string, parts: readonly Float32Array[]): Promise<string>;
  readFloats(name: string): Promise<Float32Array>;
  remove(): Promise<void>;
}

export async function createScratch(): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), 'mien-bench-'));
  const path = (name: string) => join(folder, name);
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(path(name), content);
    return path(name);
  };
  return {
    path,
    writeJson: (name, value) => write(name, JSON.stringify(value)),
    writeBytes: write,
    writeFloats: (name, parts) =>
      write(
        name,
        Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength))),
      ),
    readFloats: async (name) => {
      const bytes = await readFile(path(name));
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
