// A program that leaves a pool open: it ends when nothing is left to do, and prints the pool's processes first.
import { startProcessPool } from '../../src/base/process-pool.js';
import type { Chore, Setup } from './pool-child.js';

const [path, then] = process.argv.slice(2) as [string, 'end' | 'stay'];
const module = { path, execArgv: [] };
const pool = await startProcessPool<Setup, Chore, unknown, { pid: number }>({
  module,
  processes: 1,
  setup: 'open',
});
await pool.run({ say: 'once' });
process.stdout.write(`${pool.info.pid}\n`);
if (then === 'stay') await pool.run({ until: 'stopped' });
