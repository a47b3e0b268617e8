// Before any test: the sources, and what tests start as processes, as JavaScript. A process that compiles TypeScript as
// it starts takes several times as long.
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');

/** Where they are; as deep in the tree as `src/` and `dist/`, since files name others relative to themselves. */
export const built = join(root, '.built');

/** Scripts outside `src/` that tests run, and the modules of tests that these import. */
const scripts = [
  'test/cli/fixture.ts',
  'test/features/fakes.ts',
  'test/features/fill-child.ts',
  'test/features/memory-child.ts',
  'test/train/checkpoint-child.ts',
  'examples/hono.ts',
  'examples/node.ts',
  'examples/serve.ts',
  'examples/stream.ts',
];

const settings = {
  ...({ format: 'esm', platform: 'node', target: 'node20', sourcemap: 'inline' } as const),
  ...({ outdir: built, write: false } as const),
};

export default async function setup(): Promise<void> {
  const src = join(root, 'src');
  const sources = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const [library, programs] = await Promise.all([
    build({ ...settings, entryPoints: sources.map((name) => join(src, name)), outbase: src }),
    build({ ...settings, entryPoints: scripts.map((name) => join(root, name)), outbase: root }),
  ]);
  // What another run of tests may be reading is replaced whole, and only when it changed.
  const replace = async (path: string, contents: Uint8Array | string): Promise<void> => {
    const before = await readFile(path).catch(() => undefined);
    if (before?.equals(Buffer.from(contents))) return;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.${process.pid}`, contents);
    await rename(`${path}.${process.pid}`, path);
  };
  for (const { path, contents } of library.outputFiles) await replace(path, contents);
  for (const { path, text } of programs.outputFiles) await replace(path, onBuilt(text));
}

/** A script with its imports of `src/`, and of the package by its name, led to the built sources. */
const onBuilt = (code: string): string =>
  code.replaceAll(/(from "(?:\.\.\/)*)\.\.\/src\//g, '$1../').replaceAll(/(from ")mien"/g, '$1../index.js"');
