// Stands in for `src/base/script.ts` in tests: children run from the built sources, which start sooner than TypeScript.
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as real from '../../src/base/script.js';
import { built } from './build.js';

const src = join(import.meta.dirname, '../../src');

export const scriptBeside: typeof real.scriptBeside = (module, name) => ({
  path: join(built, relative(src, dirname(fileURLToPath(module))), `${name}.js`),
  execArgv: [],
});
