// `mien` names the laboratory's commands where mien-lab is not installed: the same as there are, and what to install.
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram, runProgram } from 'mien/cli';
import { commands } from '../../src/cli.js';

const namesOf = (program: Command): string[] => program.commands.map((command) => command.name());

test('the stand-ins are named like the commands that they stand for', () => {
  expect(namesOf(createProgram())).toEqual(namesOf(createProgram(commands)));
});

test('a stand-in takes whatever it is given, says what to install, and is wrong usage', async () => {
  let written = '';
  const { write } = process.stderr;
  process.stderr.write = ((piece: string) => ((written += piece), true)) as typeof write;
  try {
    expect(await runProgram(createProgram(), ['train', '--data', 'mine.csv', '--anything'])).toBe(2);
  } finally {
    process.stderr.write = write;
  }
  expect(written).toContain('npm install mien-lab');
});
