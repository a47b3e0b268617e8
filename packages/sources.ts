// The packages of this repository and where their sources are, for tools that do not read tsconfig.json.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** By name, the folder in `packages/`. */
export const PACKAGES: Readonly<Record<string, string>> = {
  'mien-engine': 'engine',
  mien: 'mien',
  'mien-lab': 'lab',
};

export const folderOf = (name: string): string => join(root, 'packages', PACKAGES[name]!);

/** `mien-engine/node` is `packages/engine/src/node.ts`. */
export const entries: readonly { readonly name: string; readonly source: string }[] = Object.keys(
  PACKAGES,
).flatMap((name) =>
  readdirSync(join(folderOf(name), 'src'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({
      name: file === 'index.ts' ? name : `${name}/${file.replace(/\.ts$/, '')}`,
      source: join(folderOf(name), 'src', file),
    })),
);
