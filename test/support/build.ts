// Before any test: the sources, and what tests start as processes, as JavaScript. A process that compiles TypeScript as
// it starts takes several times as long.
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { entries, folderOf, PACKAGES, root } from '../../packages/sources.js';

/** Where a package's are; as deep in the tree as `src/` and `dist/`, since files name others relative to themselves. */
export const builtOf = (name: string): string => join(folderOf(name), '.built');

/** Scripts outside of `src/` that tests run, and the modules of tests that these import, by package. */
const scripts: Readonly<Record<string, readonly string[]>> = {
  'mien-engine': ['test/base/pool-child.ts', 'test/base/pool-parent.ts'],
  mien: [
    'test/cli/fixture.ts',
    '../../examples/hono.ts',
    '../../examples/node.ts',
    '../../examples/serve.ts',
    '../../examples/stream.ts',
  ],
  'mien-lab': [
    'test/features/fakes.ts',
    'test/features/fill-child.ts',
    'test/features/memory-child.ts',
    'test/train/checkpoint-child.ts',
  ],
};

const settings = {
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  write: false,
} as const;

export default async function setup(): Promise<void> {
  await Promise.all(Object.keys(PACKAGES).map(buildPackage));
}

async function buildPackage(name: string): Promise<void> {
  const [folder, outdir] = [folderOf(name), builtOf(name)];
  const src = join(folder, 'src');
  const sources = (await readdir(src, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const paths = scripts[name]!.map((file) => join(folder, file));
  const parts = [
    { entryPoints: sources.map((file) => join(src, file)), outbase: src },
    { entryPoints: paths.filter((path) => path.startsWith(folder)), outbase: folder },
    { entryPoints: paths.filter((path) => !path.startsWith(folder)), outbase: root },
  ];
  for (const { entryPoints, outbase } of parts) {
    if (entryPoints.length === 0) continue;
    const { outputFiles } = await build({ ...settings, outdir, entryPoints, outbase });
    for (const { path, text } of outputFiles) await replace(path, onBuilt(path, text));
  }
}

/** What another run of tests may be reading is replaced whole, and only when it changed. */
async function replace(path: string, contents: string): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before === contents) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, contents);
  await rename(`${path}.${process.pid}`, path);
}

/** A module with its imports of packages by name, and of `src/`, led to the built sources. */
function onBuilt(path: string, code: string): string {
  let led = code.replaceAll(/(from "(?:\.\.\/)*)\.\.\/src\//g, '$1../');
  for (const { name, owner, source } of entries) {
    const file = relative(join(folderOf(owner), 'src'), source).replace(/\.ts$/, '.js');
    const built = join(builtOf(owner), file);
    const address = relative(dirname(path), built);
    led = led.replaceAll(
      new RegExp(`(from |import\\(|import |MODULE = )"${name}"`, 'g'),
      `$1"${address.startsWith('.') ? address : `./${address}`}"`,
    );
  }
  return led;
}
