// What made a file is kept without the folders of the machine it was made on.
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { commandLine } from '../../src/cli/options.js';

test('contains the given options, with folders as DIR and files by name only', () => {
  const command = new Command('compare')
    .option('--text <dir>')
    .option('--config <file>')
    .option('--rate <n>', '', (value: string, before: string[] = []) => [...before, value])
    .option('--faces <n>', '', Number, 40)
    .option('--skip-invalid')
    .option('--json');
  const given = [
    '--text',
    '/home/me/run',
    '--config',
    '../a/compare.yaml',
    '--rate',
    '1e-3',
    '--rate',
    '1e-4',
  ];
  command.parse([...given, '--skip-invalid', '--json'], { from: 'user' });
  expect(commandLine(command)).toBe(
    'mien compare --text DIR --config compare.yaml --rate 1e-3 --rate 1e-4 --skip-invalid',
  );
});
