// How much longer `mien --help` takes to start than Node itself.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { timed, type Comparison, type Contender } from '../compare.js';

const main = fileURLToPath(new URL('../../packages/mien/dist/cli/main.js', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);

/** A process is short: a round starts it several times, one after the other, and gives the mean. */
const STARTS = 5;

const started = (name: string, args: readonly string[]): Contender => ({
  name,
  round: async () =>
    (await timed(async () => {
      for (let i = 0; i < STARTS; i++) await execute(process.execPath, args);
    })) / STARTS,
  close: () => Promise.resolve(),
});

export async function startupComparisons(): Promise<Comparison[]> {
  if (!existsSync(main)) await execute('npm', ['run', 'build'], { cwd: root });
  return [
    {
      title: 'startup: `mien --help`',
      work: { unit: 'starts', count: 1 },
      notes: [],
      ours: started('mien --help', [main, '--help']),
      peers: [started('node -e 0', ['-e', '0'])],
    },
  ];
}
