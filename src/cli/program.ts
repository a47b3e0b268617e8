// The command tree of the bin `mien`. Commands import heavy floors inside their actions, so that help stays quick.
import { Command } from 'commander';
import { packageVersion } from '../base/package.js';
import { defineCompare } from './commands/compare.js';
import { defineData } from './commands/data.js';
import { defineDemo } from './commands/demo.js';
import { defineEvaluate } from './commands/evaluate.js';
import { defineExport } from './commands/export.js';
import { defineExtract } from './commands/extract.js';
import { defineLearn } from './commands/learn.js';
import { definePack } from './commands/pack.js';
import { definePredict } from './commands/predict.js';
import { defineReport } from './commands/report.js';
import { defineReproduce } from './commands/reproduce.js';
import { defineServe } from './commands/serve.js';
import { defineTrain } from './commands/train.js';
import { exitCodeHelp, linesOf } from './exit.js';

/** One `define` per file of `commands/`, in the order of `mien --help`. */
const commands: readonly ((program: Command) => void)[] = [
  definePredict,
  defineEvaluate,
  defineServe,
  defineReproduce,
  defineReport,
  defineDemo,
  defineData,
  defineExtract,
  definePack,
  defineLearn,
  defineExport,
  defineCompare,
  defineTrain,
];

/** The whole program; parsing it throws commander's error instead of ending the process. */
export function createProgram(): Command {
  const program = new Command('mien')
    .description('Emotion recognition from text and faces: train, evaluate and run on ONNX Runtime.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .option('-q, --quiet', 'print results, warnings and errors only')
    .option('--debug', 'print stack traces of errors (also: MIEN_DEBUG=1)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(linesOf(text.replace(/^error: /, 'mien: '))) })
    .showHelpAfterError('Run with --help to see what there is.')
    .addHelpText('afterAll', ({ command }) => (command.parent === null ? `\n${exitCodeHelp}` : ''))
    .exitOverride();
  for (const define of commands) define(program);
  return program;
}
