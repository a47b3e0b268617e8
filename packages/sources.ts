// The packages of this repository and where their sources are, for tools that do not read tsconfig.json.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** By name, the folder in `packages/`. */
export const PACKAGES: Readonly<Record<string, string>> = {
  'mien-engine': 'engine',
  mien: 'mien',
  'mien-lab': 'lab',
};

export const folderOf = (name: string): string => join(root, 'packages', PACKAGES[name]!);

/**
 * An entry of a package: `mien-engine/node` of `mien-engine` is `src/node.ts` in its folder, `mien/parts/audio` of `mien`
 * is `src/audio/parts.ts`.
 */
export interface Entry {
  readonly name: string;
  readonly owner: string;
  readonly source: string;
}

export const entries: readonly Entry[] = Object.keys(PACKAGES).flatMap((owner) =>
  readdirSync(join(folderOf(owner), 'src')).flatMap((file) => {
    const source = join(folderOf(owner), 'src', file);
    if (file === 'index.ts') return [{ name: owner, owner, source }];
    if (file.endsWith('.ts')) return [{ name: `${owner}/${file.replace(/\.ts$/, '')}`, owner, source }];
    const parts = join(source, 'parts.ts');
    return existsSync(parts) ? [{ name: `${owner}/parts/${file}`, owner, source: parts }] : [];
  }),
);

/** Vite's and Vitest's `resolve.alias` by which the packages' names stand for their sources. */
export const alias = entries.map(({ name, source }) => ({
  find: new RegExp(`^${name}$`),
  replacement: source,
}));
