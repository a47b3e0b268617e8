// The command line as a process: help, wrong usage, exit codes, signals, pipes, JSON and colour.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeError } from '../../src/cli/run.js';
import { builtOf } from '../../../../test/support/build.js';

const bin = join(builtOf('mien'), 'cli/main.js');
const fixture = join(builtOf('mien'), 'test/cli/fixture.js');

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a script; `onOutput` is called for each chunk of standard output. */
function run(
  script: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  onOutput?: (child: ReturnType<typeof spawn>) => void,
): Promise<Ended> {
  const unset = { NO_COLOR: undefined, FORCE_COLOR: undefined, MIEN_DEBUG: undefined, COLUMNS: undefined };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      env: { ...process.env, ...unset, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (piece: Buffer) => {
      ended.stdout += piece.toString();
      onOutput?.(child);
    });
    child.stderr.on('data', (piece: Buffer) => (ended.stderr += piece.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...ended, code }));
  });
}

test('--help lists commands and exit codes; --version prints the package’s', async () => {
  const help = await run(bin, ['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('Usage: mien');
  for (const code of ['0 ', '1 ', '2 ', '130 ']) expect(help.stdout).toMatch(new RegExp(`^ {2}${code}`, 'm'));
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await run(bin, ['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test.each([
  [['--hlep'], '(Did you mean --help?)'],
  [['resul'], '(Did you mean result?)'],
  [['result', '--jsno'], '(Did you mean --json?)'],
  [['result', 'surplus'], 'too many arguments'],
  [['result', '--shard'], "option '--shard <i/n>' argument missing"],
  [['help', 'nothing'], ''],
])('%j is wrong usage', async (args, message) => {
  const ended = await run(fixture, args);
  expect(ended.stdout).toBe('');
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain(message);
});

test('a command’s help shows its options and the common ones', async () => {
  const { code, stdout } = await run(fixture, ['result', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/--shard <i\/n>[\s\S]*--quiet/);
});

describe('errors', () => {
  test('of a command have location, message and hint, without a stack', async () => {
    expect(await run(fixture, ['fail'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'mien: fer2013.csv, row 7: has 2,303 pixels, not 2,304\nSkip it with --skip-invalid.\n',
    });
    expect((await run(fixture, ['misconfigure'])).code).toBe(2);
  });

  test('have a stack on request', async () => {
    expect((await run(fixture, ['fail', '--debug'])).stderr).toMatch(/\n +at .*fixture\.js/);
    expect((await run(fixture, ['--debug', 'crash'])).stderr).toMatch(/TypeError.*\n +at /);
    expect((await run(fixture, ['fail'], { MIEN_DEBUG: '1' })).stderr).toMatch(/\n +at /);
  });

  test.each(['crash', 'crash-later'])('that are unexpected (%s) are reported as such', async (command) => {
    const { code, stderr } = await run(fixture, [command]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^mien: unexpected error, probably a bug in mien: (x is not a function|later)\n/);
    expect(stderr).not.toMatch(/\n +at /);
  });
});

test('errors of the operating system are reported in plain words, wherever they occur', async () => {
  const messageFor = (code: string, syscall: string, path?: string) =>
    describeError(Object.assign(new Error(`${code}: whatever`), { code, syscall, path }), false);
  expect(messageFor('EMFILE', 'open', '/a.js')).toMatch(
    /^mien: \/a\.js: cannot read: too many files are open/,
  );
  expect(messageFor('EACCES', 'open', '/a.jsonl')).toBe('mien: /a.jsonl: cannot read: permission denied');
  expect(messageFor('EISDIR', 'read')).toBe('mien: a file: cannot read: is a folder, a file was expected');
  expect(messageFor('ENOSPC', 'write')).toBe('mien: a file: cannot write: the disk is full');
  expect(messageFor('ERR_ASSERTION', 'open')).toMatch(/probably a bug/);
  if (process.platform !== 'linux') return;
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, ['--import', 'tsx', fixture, 'result'], {
    stdio: ['ignore', full, 'pipe'],
  });
  let stderr = '';
  child.stderr!.on('data', (piece: Buffer) => (stderr += piece.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  closeSync(full);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^mien: standard output: cannot write: the disk is full$/m);
});

describe('output', () => {
  test('with --json, standard output is only the value', async () => {
    const { stdout, stderr } = await run(fixture, ['result', '--json'], { FORCE_COLOR: '1' });
    expect(JSON.parse(stdout)).toEqual({ values: [1, 2] });
    expect(stderr).toContain('a remark');
    expect(stderr).toContain('for people');
  });

  test('is coloured with FORCE_COLOR, but not on a pipe or with NO_COLOR', async () => {
    const plain = await run(fixture, ['result'], { CI: 'true' });
    expect(plain.stdout).toBe('for people\n1 and 2\n');
    expect(plain.stderr).toBe('a remark\nwarning: a warning\n');
    expect((await run(fixture, ['result'], { FORCE_COLOR: '1' })).stdout).toContain('\u001b[1m1 and 2');
    const never = await run(fixture, ['result'], { FORCE_COLOR: '1', NO_COLOR: '1' });
    expect(never.stdout + never.stderr).not.toContain('\u001b');
  });

  test('with --quiet, prints only results and warnings', async () => {
    const { stdout, stderr } = await run(fixture, ['result', '--quiet']);
    expect(stdout).toBe('for people\n1 and 2\n');
    expect(stderr).toBe('warning: a warning\n');
    expect((await run(fixture, ['work', '-q'])).stderr).toBe('warning: one was empty\n');
  });

  test('shows progress as plain lines without a terminal', async () => {
    const { stdout, stderr } = await run(fixture, ['work'], { CI: 'true' });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^warning: one was empty\ntexts: 30 texts \(10 from an earlier run\) in 0 s\n$/);
  });

  test('ends quietly when its reader closes the pipe', async () => {
    const { code, stderr } = await run(fixture, ['flood'], {}, (child) => child.stdout?.destroy());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('signals', () => {
  test('exit with 130 after SIGINT, 143 after SIGTERM', async () => {
    const interrupt = await run(fixture, ['wait'], {}, (child) => child.kill('SIGINT'));
    expect(interrupt.code).toBe(130);
    const terminate = await run(fixture, ['wait'], {}, (child) => child.kill('SIGTERM'));
    expect(terminate.code).toBe(143);
  });

  test('let a command stop at a safe point first', async () => {
    const ended = await run(fixture, ['wait-politely'], {}, (child) => child.kill('SIGINT'));
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain('stopping at the next safe point');
    expect(ended.stderr).toContain('finished work is kept');
  });
});
