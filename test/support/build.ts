// Before any test: the sources as JavaScript, so that commands in tests, which are processes, start in half the time.
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');

/** Where they are; as deep in the tree as `src/` and `dist/`, since files name others relative to themselves. */
export const built = join(root, '.built');

export default async function setup(): Promise<void> {
  const src = join(root, 'src');
  const sources = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const { outputFiles } = await build({
    ...{ entryPoints: sources.map((name) => join(src, name)), outbase: src, outdir: built },
    ...{ format: 'esm', platform: 'node', target: 'node20', sourcemap: 'inline', write: false },
  });
  // What another run of tests may be reading is replaced whole, and only when it changed.
  for (const { path, contents } of outputFiles) {
    const before = await readFile(path).catch(() => undefined);
    if (before?.equals(contents)) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.${process.pid}`, contents);
    await rename(`${path}.${process.pid}`, path);
  }
}
