/**
 * Helpers for commands of the bin `mien`, for mien-lab. They may change in any version.
 * @module mien/cli
 */
export { bundledModel } from './base/package.js';
export { collect, megapixels, positiveInteger, wholeNumber } from './cli/arguments.js';
export { type Served, servePage } from './cli/commands/demo.js';
export {
  measureAligned,
  type RecognisedTable,
  recognisedTable,
  type LabelledTableOptions,
} from './cli/labelled-table.js';
export { type Output, outputOf } from './cli/output.js';
export { createProgram } from './cli/program.js';
export { progressOf } from './cli/progress.js';
export { interruption, runProgram } from './cli/run.js';
export { type JobShare, jobShareOf } from './cli/shard.js';
