/**
 * Helpers for commands of the bin `mien`, used by mien-lab. They may change in any version.
 * @module mien/cli
 */
export { bundledModel } from './base/package.js';
export { collect, megapixels, wholeNumber } from './cli/arguments.js';
export { type Served, servePage } from './cli/commands/demo.js';
export { interruption } from './cli/interrupt.js';
export { type Output, outputOf } from './cli/output.js';
export { createProgram } from './cli/program.js';
export { progressOf } from './cli/progress.js';
export {
  measureAligned,
  type RecognisedTable,
  recognisedTable,
  type TableOptions,
} from './cli/recognised.js';
export { runProgram } from './cli/run.js';
