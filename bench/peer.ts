// Peers as child processes that set up once and then do one round for each line they are sent.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Contender } from './compare.js';

/** Where `bench/peers/install` puts them. */
const peersFolder = (): string => process.env['MIEN_PEERS'] ?? join(homedir(), '.cache', 'mien', 'peers');

const RUNTIMES = {
  python: () => join(peersFolder(), 'venv', 'bin', 'python'),
  tfjs: () => join(peersFolder(), 'tfjs', 'node_modules', '@tensorflow', 'tfjs'),
};

export interface Peer {
  /** What it found best for itself while setting up, and its versions. */
  readonly about: string;
  readonly pid: number;
  /** Does `task` once. @throws Error with what the peer wrote when it fails. */
  ask(task: string, options?: Readonly<Record<string, unknown>>): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts `bench/peers/<script>` with options as JSON and waits until it is set up.
 * Returns undefined when what it needs is not installed.
 */
export async function startPeer(
  script: string,
  options: Readonly<Record<string, unknown>>,
): Promise<Peer | undefined> {
  const isPython = script.endsWith('.py');
  const needed = RUNTIMES[isPython ? 'python' : 'tfjs']();
  if (!existsSync(needed)) return undefined;
  const path = fileURLToPath(new URL(`peers/${script}`, import.meta.url));
  const child = spawn(isPython ? needed : process.execPath, [path, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      MIEN_PEERS: peersFolder(),
      TOKENIZERS_PARALLELISM: 'true',
      ORT_DISABLE_TELEMETRY: '1',
    },
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-4000)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the peer ${script} ended:\n${complaints}`);
    return JSON.parse(value) as Record<string, unknown>;
  };
  const { about } = await answer();
  return {
    about: String(about),
    pid: child.pid!,
    ask: async (task, details = {}) => {
      child.stdin.write(`${JSON.stringify({ task, ...details })}\n`);
      return Number((await answer())['seconds']);
    },
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.stdin.end();
        if (child.exitCode !== null) resolve();
      }),
  };
}

/** A peer's task as a contender; `scale` is how many times the benchmark's work the task is short of. */
export const contender = (peer: Peer, name: string, task: string, scale = 1): Contender => ({
  name,
  round: async () => (await peer.ask(task)) * scale,
  close: () => peer.close(),
});

export const notInstalled = (peer: string): string => `${peer}: not installed, run bench/peers/install`;
