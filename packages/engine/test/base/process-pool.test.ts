// Tasks in child processes: results and errors arrive as in this process, and no process is left behind.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ProcessEvent,
  type ProcessPool,
  type ProcessPoolOptions,
  startProcessPool,
} from '../../src/base/process-pool.js';
import { runInProcesses, type RunInProcessesOptions } from '../../src/base/run-in-processes.js';
import { builtOf } from '../../../../test/support/build.js';
import type { Chore, Setup } from './pool-child.js';

type Pool = ProcessPool<Chore, unknown, { pid: number }, string>;

const built = (name: string): string => join(builtOf('mien-engine'), `test/base/${name}.js`);
const module = { path: built('pool-child'), execArgv: [] };
const open = (given: Partial<ProcessPoolOptions<Setup>> = {}): Promise<Pool> =>
  startProcessPool({ module, processes: 1, setup: 'open', ...given });

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};
/** A promise, and what to call for it to resolve. */
function event(): { readonly happened: Promise<void>; readonly happen: () => void } {
  let happen = (): void => undefined;
  const happened = new Promise<void>((resolve) => (happen = resolve));
  return { happened, happen };
}

describe('a pool', () => {
  let pool: Pool;
  beforeAll(async () => {
    pool = await open({ processes: 2 });
  });
  afterAll(() => pool.close());

  test('returns the result of each task, for any values that can be cloned', async () => {
    const values = fc.anything({ withTypedArray: true, withBigInt: true, withDate: true, withMap: true });
    await fc.assert(
      fc.asyncProperty(fc.array(values, { maxLength: 8 }), async (given) => {
        const answers = await Promise.all(given.map((say, i) => pool.run({ say }, { load: i })));
        expect(answers).toEqual(given);
      }),
      { numRuns: 50 },
    );
    const view = Float32Array.of(NaN, -0, 1e-45, 4).subarray(1, 3);
    expect(await pool.run({ say: { view, gone: undefined } })).toStrictEqual({ view, gone: undefined });
  });

  test('passes on the notes of a task in order', async () => {
    const notes: string[] = [];
    const answer = await pool.run({ say: 3, first: ['a', 'b'] }, { onNote: (note) => notes.push(note) });
    expect([notes, answer]).toEqual([['a', 'b'], 3]);
  });

  test('rejects with the error of a task', async () => {
    const error: unknown = await pool.run({ fail: 'here' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'MienError',
      code: 'data',
      message: `texts.csv, row 7: ${'x'.repeat(390)}\nLeave it out.`,
      place: { file: 'texts.csv', row: 7 },
      hint: 'Leave it out.',
      stack: expect.stringContaining('pool-child') as string,
    });
    const plain: unknown = await pool.run({ fail: 'elsewhere' }).catch((thrown: unknown) => thrown);
    expect(plain).toMatchObject({
      message: 'too far',
      stack: expect.stringContaining('pool-child') as string,
    });
    expect(plain).not.toHaveProperty('code');
  });

  test('rejects tasks and results that cannot be cloned, and continues', async () => {
    await expect(pool.run({ say: () => undefined })).rejects.toMatchObject({ code: 'usage' });
    await expect(pool.run({ answer: 'uncloneable' })).rejects.toThrow(/could not be cloned/);
    expect(await pool.run({ say: 'still here' })).toBe('still here');
  });

  test('aborts one task and no other', async () => {
    const [stop, begun] = [new AbortController(), event()];
    const told = pool.run({ until: 'stopped' }, { signal: stop.signal, onNote: begun.happen });
    // Both processes have a task; this one's comes to stand behind one of them.
    const other = pool.run({ say: 'other' }, { load: 5, signal: new AbortController().signal });
    await begun.happened;
    stop.abort();
    await expect(told).rejects.toMatchObject({ code: 'interrupted', message: 'put down' });
    expect(await other).toBe('other');
    await expect(pool.run({ say: 1 }, { signal: stop.signal })).rejects.toMatchObject({
      code: 'interrupted',
    });
  });
});

test('a process that ends is restarted, and only its own tasks reject', async () => {
  const events: ProcessEvent[] = [];
  const pool = await open({ processes: 2, onEvent: (one) => events.push(one) });
  expect(events.map(({ kind, ready }) => [kind, ready])).toEqual([
    ['ready', 1],
    ['ready', 2],
  ]);
  const [begun, stop] = [event(), new AbortController()];
  const kept = pool.run({ until: 'stopped' }, { load: 9, onNote: begun.happen, signal: stop.signal });
  await begun.happened;
  // The other process is the less busy.
  const lost = [pool.run({ end: 3 }), pool.run({ say: 'never' }, { load: 0 })];
  for (const one of lost) await expect(one).rejects.toMatchObject({ code: 'crashed' });
  expect(await pool.run({ say: 'again' })).toBe('again');
  await until(() => events.length === 4);
  expect(events.slice(2)).toMatchObject([
    { kind: 'ended', how: 'code 3', ready: 1, lost: 0 },
    { kind: 'ready', ready: 2, lost: 0 },
  ]);
  expect(events[3]!.pid).not.toBe(events[2]!.pid);
  stop.abort();
  await expect(kept).rejects.toMatchObject({ code: 'interrupted' });
  await pool.close();
  expect(events).toHaveLength(4);
  for (const { pid } of events) expect(isAlive(pid!)).toBe(false);
});

test('a process that ends five times in a row is not restarted; a completed task resets the count', async () => {
  const events: ProcessEvent[] = [];
  const pool = await open({ onEvent: (one) => events.push(one) });
  const crash = async (): Promise<void> =>
    expect(pool.run({ end: 1 })).rejects.toMatchObject({ code: 'crashed', hint: /restarted/ });
  await crash();
  expect(await pool.run({ say: 'well' })).toBe('well');
  for (let i = 0; i < 5; i++) await crash();
  expect(events.at(-1)).toMatchObject({ kind: 'ended', ready: 0, lost: 1 });
  await expect(pool.run({ say: 'anybody?' })).rejects.toThrow(/5 times in a row/);
  await pool.close();
});

test('a process that does not complete a task in time is killed', async () => {
  const pool = await open({ patience: 200 });
  await expect(pool.run({ until: 'killed' })).rejects.toMatchObject({ code: 'crashed', message: /SIGKILL/ });
  await pool.close();
});

test('starting the pool throws the error of a process that cannot start', async () => {
  const refused = open({ processes: 2, setup: 'refuse' });
  await expect(refused).rejects.toMatchObject({ code: 'data', place: { file: 'texts.csv', row: 7 } });
  await expect(open({ setup: 'end' })).rejects.toMatchObject({ code: 'crashed', message: /code 4/ });
  for (const processes of [0, -1, 1.5])
    await expect(open({ processes })).rejects.toMatchObject({ code: 'usage' });
});

test('closing the pool ends busy processes, and it accepts no further tasks', async () => {
  const begun = event();
  const pool = await open();
  const busy = pool.run({ until: 'killed' }, { onNote: begun.happen });
  await begun.happened;
  await Promise.all([pool.close(), expect(busy).rejects.toMatchObject({ code: 'crashed' })]);
  expect(isAlive(pool.info.pid)).toBe(false);
  await expect(pool.run({ say: 1 })).rejects.toMatchObject({ code: 'usage' });
});

test.each(['end', 'stay'])('no process outlives a program that ends or is killed (%s)', async (then) => {
  const parent = fork(built('pool-parent'), [module.path, then], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  parent.channel?.unref();
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
  const pid = Number(line.toString());
  if (then === 'stay') parent.kill('SIGKILL');
  expect((await once(parent, 'exit')) as unknown[]).toEqual(then === 'end' ? [0, null] : [null, 'SIGKILL']);
  await until(() => !isAlive(pid));
});

describe('runInProcesses', () => {
  const run = (
    tasks: readonly Chore[],
    options: Partial<RunInProcessesOptions<Setup, Chore, string>> = {},
  ): Promise<unknown[]> =>
    runInProcesses<Setup, Chore, unknown, string>(tasks, { module, setup: 'open', processes: 2, ...options });

  test('returns results in the order of the tasks, one at a time in each process', async () => {
    const done: Chore[] = [];
    const tasks = Array.from({ length: 9 }, (_, say) => ({ say, first: ['begun'] }));
    let most = 0;
    let begun = 0;
    const answers = await run(tasks, {
      onNote: () => (most = Math.max(most, ++begun - done.length)),
      onDone: (task) => done.push(task),
    });
    expect(answers).toEqual(tasks.map(({ say }) => say));
    expect(new Set(done)).toEqual(new Set(tasks));
    expect(most).toBeLessThanOrEqual(2);
    expect(await run([])).toEqual([]);
    await expect(run(tasks, { processes: 0 })).rejects.toMatchObject({ code: 'usage' });
  });

  test.each<['wait' | 'kill', readonly [Chore, Chore, Chore], object]>([
    ['wait', [{ until: 'stopped' }, { fail: 'here' }, { say: 'not begun' }], { code: 'data' }],
    ['kill', [{ until: 'killed' }, { end: 1 }, { say: 'not begun' }], { code: 'crashed', message: /code 1/ }],
  ])('stops at the first failure (%s)', async (stopping, tasks, error) => {
    const done: Chore[] = [];
    const answers = run(tasks, { stopping, onDone: (task) => done.push(task) });
    await expect(answers).rejects.toMatchObject(error);
    expect(done).toEqual([]);
  });

  test('stops when aborted: tasks end by their signal, or their processes are killed', async () => {
    const stopped = (tasks: readonly Chore[], stopping: 'wait' | 'kill', when: Chore) => {
      const stop = new AbortController();
      const stopAt = (task: Chore): void => (task === when ? stop.abort() : undefined);
      return run(tasks, { stopping, signal: stop.signal, onNote: stopAt, onDone: stopAt });
    };
    const [said, waits, deaf] = [{ say: 1 }, { until: 'stopped' }, { until: 'killed' }] as const;
    await expect(stopped([said, waits, said], 'wait', waits)).rejects.toThrow('put down');
    await expect(stopped([waits, deaf], 'kill', deaf)).rejects.toMatchObject({
      code: 'interrupted',
      message: /0 of 2/,
    });
    // All were done: there was nothing to stop.
    expect(await stopped([said], 'wait', said)).toEqual([1]);
    await expect(run([said], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'interrupted' });
  });
});
