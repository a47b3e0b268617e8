// Killed with SIGKILL at any moment, again and again, a store ends byte-identical to one that was filled undisturbed;
// a full disk leaves no half-written file.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { mergeParts } from '../../src/features/merge.js';
import { openStore } from '../../src/features/store.js';
import { builtOf } from '../../../../test/support/build.js';
import type { ChildTask } from './fill-child.js';
import { folderBytes } from './fakes.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-kill-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const nodeArgs = (task: ChildTask): string[] => [
  join(builtOf('mien-lab'), 'test/features/fill-child.js'),
  JSON.stringify(task),
];

interface Ended {
  code: number | null;
  killed: boolean;
  batches: number;
  errors: string;
}

/** Runs the task; kills it when `afterBatches` batches are done and `delay` more milliseconds have passed. */
function run(task: ChildTask, kill?: { afterBatches: number; delay: number }): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, nodeArgs(task), { stdio: ['ignore', 'pipe', 'pipe'] });
    let batches = 0;
    let errors = '';
    running.stdout.on('data', (chunk: Buffer) => {
      const before = batches;
      batches += chunk.toString().match(/batch/g)?.length ?? 0;
      if (kill !== undefined && before < kill.afterBatches && batches >= kill.afterBatches)
        void setTimeout(kill.delay).then(() => running.kill('SIGKILL'));
    });
    running.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    running.on('error', reject);
    running.on('close', (code, signal) => resolve({ code, killed: signal === 'SIGKILL', batches, errors }));
  });
}

/** Kills the task at `kills` random points, then lets it finish; gives how often it was killed while working. */
async function runKilled(task: ChildTask, kills: number, seed: number): Promise<number> {
  const draw = randomStream(seed, 'kill');
  let killed = 0;
  for (let i = 0; i < kills; i++) {
    const ended = await run(task, { afterBatches: 1 + draw.integer(14), delay: draw.integer(9) });
    expect(ended.errors).toBe('');
    if (ended.killed) killed++;
  }
  expect(await run(task)).toMatchObject({ code: 0, errors: '' });
  return killed;
}

test.each(['text', 'face'] as const)(
  'a %s store killed again and again ends as one that was not',
  async (kind) => {
    const task: ChildTask = {
      dir: join(root, 'undisturbed'),
      kind,
      count: 420,
      delay: 2,
      withStates: kind === 'text',
    };
    expect(await run(task)).toMatchObject({ code: 0 });
    const killed = await runKilled({ ...task, dir: join(root, 'killed') }, 6, 1);
    expect(killed).toBeGreaterThanOrEqual(4);
    expect(await folderBytes(join(root, 'killed'))).toEqual(await folderBytes(join(root, 'undisturbed')));
    expect((await openStore(join(root, 'killed'))).ids.length).toBe(420);
  },
);

test('a store killed during an update stays readable and ends with the bytes of a fresh one', async () => {
  const dir = join(root, 'store');
  const shorter: ChildTask = { dir, kind: 'face', count: 300, without: 130, delay: 2 };
  expect(await run(shorter)).toMatchObject({ code: 0 });
  const whole: ChildTask = { dir, kind: 'face', count: 300, delay: 2 };
  for (let i = 0; i < 3; i++) {
    const ended = await run(whole, { afterBatches: 4 + 3 * i, delay: 2 * i });
    if (ended.killed) expect([170, 300]).toContain((await openStore(dir)).ids.length);
  }
  expect(await run(whole)).toMatchObject({ code: 0, errors: '' });
  expect(await run({ ...whole, dir: join(root, 'fresh') })).toMatchObject({ code: 0 });
  expect(await folderBytes(dir)).toEqual(await folderBytes(join(root, 'fresh')));
});

test('three machines, killed repeatedly, fill one folder like a single machine', async () => {
  const task: ChildTask = { dir: join(root, 'shared'), kind: 'face', count: 300, delay: 1 };
  await Promise.all([0, 1, 2].map((index) => runKilled({ ...task, part: { index, of: 3 } }, 1, index)));
  await mergeParts(task.dir);
  expect(await run({ ...task, dir: join(root, 'one') })).toMatchObject({ code: 0 });
  expect(await folderBytes(task.dir)).toEqual(await folderBytes(join(root, 'one')));
});

test('a full disk is a clear error and leaves no half-written file', async () => {
  const dir = join(root, 'store');
  const task: ChildTask = { dir, kind: 'face', count: 64, delay: 0, width: 3000 }; // 384 kB a shard
  const ended = await new Promise<Ended>((resolve, reject) => {
    // A limit on file sizes stands in for the disk: the operating system refuses the write in the same way.
    const script = 'ulimit -f 128; exec "$0" "$@"';
    const running = spawn('bash', ['-c', script, process.execPath, ...nodeArgs(task)]);
    let errors = '';
    running.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    running.on('error', reject);
    running.on('close', (code) => resolve({ code, killed: false, batches: 0, errors }));
  });
  expect(ended.code).toBe(1);
  expect(ended.errors).toMatch(/shard-00000-.*cannot write/);
  expect(await readdir(dir)).toEqual(['manifest.json']);
  expect(await run(task)).toMatchObject({ code: 0 });
  expect((await openStore(dir)).ids.length).toBe(64);
});

test('reports a folder that cannot be created', async () => {
  await writeFile(join(root, 'file'), 'not a folder');
  const ended = await run({ dir: join(root, 'file', 'store'), kind: 'face', count: 4, delay: 0 });
  expect(ended).toMatchObject({ code: 1 });
  expect(ended.errors).toMatch(/file.store: cannot write: part of the path is a file/);
});
