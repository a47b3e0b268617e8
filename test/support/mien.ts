// The command line: in this process where its words and its exit code are asked for, as a process of its own where
// that can be killed, or reads and writes while it runs.
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createProgram, runProgram } from 'mien/cli';
import { commands } from 'mien-lab/cli';
import { builtOf } from './build.js';

const bin = join(builtOf('mien'), 'cli/main.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

/** Starts `mien` without colour; not by `execFile`, since a test may have to serve it meanwhile. */
export function startMien(
  args: readonly string[],
  env: Environment = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (piece: Buffer) => (out.stdout += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (out.stderr += piece.toString()));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...out })));
  return { child, ended };
}

export interface RunOptions {
  readonly env?: Environment;
  /** What stands on standard input; nothing by default. */
  readonly stdin?: string;
}

let last: Promise<unknown> = Promise.resolve();

/** Runs a command of `mien` in this process, without colour, after those that were asked for before. */
export function runMien(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const ended = last.then(() => runAlone(args, options));
  last = ended.catch(() => undefined);
  return ended;
}

async function runAlone(args: readonly string[], { env = {}, stdin = '' }: RunOptions): Promise<Ended> {
  const { stdout, stderr } = process;
  const before = { env: process.env, out: stdout.write, err: stderr.write };
  const input = Object.getOwnPropertyDescriptor(process, 'stdin')!;
  const words = { stdout: '', stderr: '' };
  const write = (name: keyof typeof words) =>
    ((piece: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
      words[name] += typeof piece === 'string' ? piece : Buffer.from(piece).toString();
      const written = rest.find((one) => typeof one === 'function');
      written?.();
      return true;
    }) as typeof stdout.write;
  process.env = { ...before.env, NO_COLOR: '1', ...env };
  Object.defineProperty(process, 'stdin', { ...input, get: () => Readable.from([Buffer.from(stdin)]) });
  [stdout.write, stderr.write] = [write('stdout'), write('stderr')];
  try {
    const code = await runProgram(createProgram(commands), args);
    return { code, ...words };
  } finally {
    [stdout.write, stderr.write] = [before.out, before.err];
    Object.defineProperty(process, 'stdin', input);
    process.env = before.env;
  }
}
