// The command tree of the bin `mien`. Commands import heavy modules inside their actions, so that help is fast.
import { Command } from 'commander';
import { packageVersion } from '../base/package.js';
import { defineDemo } from './commands/demo.js';
import { defineEvaluate } from './commands/evaluate.js';
import { definePredict } from './commands/predict.js';
import { defineServe } from './commands/serve.js';
import { defineWatch } from './commands/watch.js';
import { exitCodeHelp, linesOf } from './run.js';
import { absentLaboratory, type DefineCommand } from './laboratory.js';

/**
 * The program; parsing throws commander's errors instead of ending the process.
 * @param laboratory the commands of mien-lab, or stand-ins
 */
export function createProgram(laboratory: readonly DefineCommand[] = absentLaboratory): Command {
  const program = new Command('mien')
    .description('Emotion recognition from text and faces: train, evaluate and run on ONNX Runtime.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .option('-q, --quiet', 'print results, warnings and errors only')
    .option('--debug', 'print stack traces of errors (also: MIEN_DEBUG=1)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(linesOf(text.replace(/^error: /, 'mien: '))) })
    .showHelpAfterError('Run with --help for usage.')
    .addHelpText('afterAll', ({ command }) => (command.parent === null ? `\n${exitCodeHelp}` : ''))
    .exitOverride();
  for (const define of [definePredict, defineWatch, defineEvaluate, defineServe, defineDemo, ...laboratory])
    define(program);
  return program;
}
