// Stands in for the engine's `base/module-file.ts` in tests: children run from the built sources, which start sooner.
import { join } from 'node:path';
import type * as real from '../../packages/engine/src/base/module-file.js';
import { builtOf } from './build.js';

export type { ModuleFile, Package } from '../../packages/engine/src/base/module-file.js';

export const moduleFile: typeof real.moduleFile = (name, _package, module) => ({
  path: join(builtOf(name), `${module}.js`),
  execArgv: [],
});
