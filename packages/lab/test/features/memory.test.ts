// Filling a store takes the memory of a few shards, however long the list is.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtOf } from '../../../../test/support/build.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-memory-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function heldBy(count: number): Promise<number> {
  const child = join(builtOf('mien-lab'), 'test/features/memory-child.js');
  const args = ['--expose-gc', child, join(folder, `store-${count}`), String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result = JSON.parse(stdout) as { items: number; held: number };
  expect(result.items).toBe(count);
  return result.held;
}

test('memory does not grow with the number of items: 90 MB of rows are not held', async () => {
  const few = await heldBy(10_000);
  const many = await heldBy(40_000);
  // 30,000 further rows of 768 floats are 92 MB; a shard of 1,024 is 3.
  expect(many - few).toBeLessThan(20e6);
});
