// A bin with commands that fail, crash, wait and print, to test how the real one ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { MienError } from 'mien-engine/base';
import { outputOf } from '../../src/cli/output.js';
import { createProgram } from '../../src/cli/program.js';
import { progressOf } from '../../src/cli/progress.js';
import { interruption, runProcess } from '../../src/cli/run.js';

const program = createProgram();
program.command('fail').action(() => {
  throw new MienError('data', 'has 2,303 pixels, not 2,304', {
    file: 'fer2013.csv',
    row: 7,
    hint: 'Skip it with --skip-invalid.',
  });
});
program.command('misconfigure').action(() => {
  throw new MienError('config', 'there is no such setting', { field: 'epochs.patiense' });
});
program.command('crash').action(() => {
  throw new TypeError('x is not a function');
});
program.command('crash-later').action(async () => {
  setTimeout(() => {
    throw new TypeError('later');
  }, 10);
  await sleep(1000);
});
program
  .command('result')
  .option('--json', 'print JSON')
  .option('--shard <i/n>', 'part to do')
  .action((_options, command) => {
    const output = outputOf(command);
    output.message('a remark');
    output.warn('a warning');
    output.print('for people');
    output.result({ values: Float32Array.of(1, 2) }, () => output.colors.bold('1 and 2'));
  });
program.command('flood').action(() => {
  const output = outputOf(program);
  for (let i = 0; i < 20_000; i++) output.print('a line that nobody reads to the end of this flood');
});
program.command('work').action(async (_options, command) => {
  const progress = await progressOf(outputOf(command));
  progress.begin('texts', 30, 'texts');
  progress.skip(10);
  progress.advance(20);
  progress.warn('one was empty');
  progress.end();
});
program.command('wait').action(async () => {
  process.stdout.write('ready\n');
  await sleep(20_000);
});
program.command('wait-politely').action(async () => {
  const signal = interruption();
  process.stdout.write('ready\n');
  await sleep(20_000, undefined, { signal }).catch(() => undefined);
  throw new MienError('interrupted', 'stopped; finished work is kept');
});
await runProcess(program);
