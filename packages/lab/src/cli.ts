/**
 * The commands that mien-lab adds to the bin `mien`.
 * @module mien-lab/cli
 */
import { defineCompare } from './cli/commands/compare.js';
import { defineData } from './cli/commands/data.js';
import { defineExport } from './cli/commands/export.js';
import { defineExtract } from './cli/commands/extract.js';
import { defineLearn } from './cli/commands/learn.js';
import { definePack } from './cli/commands/pack.js';
import { defineReport } from './cli/commands/report.js';
import { defineReproduce } from './cli/commands/reproduce.js';
import { defineTrain } from './cli/commands/train.js';

/** One `define` per file of `cli/commands/`, in the order of `mien --help`. */
export const commands = [
  defineReproduce,
  defineReport,
  defineData,
  defineExtract,
  definePack,
  defineLearn,
  defineExport,
  defineCompare,
  defineTrain,
];
