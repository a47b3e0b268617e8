// Stands in for `src/base/script.ts` in tests: children run from the built sources, which start sooner than TypeScript.
import { join } from 'node:path';
import type * as real from '../../src/base/script.js';
import { built } from './build.js';

export const moduleInPackage: typeof real.moduleInPackage = (name) => ({
  path: join(built, `${name}.js`),
  execArgv: [],
});
