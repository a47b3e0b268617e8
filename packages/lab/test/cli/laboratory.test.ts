// `mien` names the laboratory's commands where mien-lab is not installed: the same as there are, and what to install.
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram, runProgram } from 'mien/cli';
import { commands } from '../../src/cli.js';

const namesOf = (program: Command): string[] => program.commands.map((command) => command.name());

test('the stubs have the names of the laboratory’s commands', () => {
  expect(namesOf(createProgram())).toEqual(namesOf(createProgram(commands)));
});

test('a stub accepts any arguments, states what to install, and fails as wrong usage', async () => {
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
