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

async function peakOf(count: number): Promise<number> {
  const child = join(builtOf('mien-lab'), 'test/features/memory-child.js');
  // A small young generation makes garbage go soon, so that the peak is what is held.
  const args = ['--max-semi-space-size=4', child, join(folder, `store-${count}`), String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result = JSON.parse(stdout) as { items: number; peak: number };
  expect(result.items).toBe(count);
  return result.peak;
}

test('memory does not grow with the number of items: 180 MB of rows are not held', async () => {
  // Fewer would not fill the heap that Node allows itself before it collects.
  const few = await peakOf(20_000);
  const many = await peakOf(80_000);
  // 60,000 further rows of 768 floats are 184 MB; the heap's own size varies by some 40 MB.
  expect(many - few).toBeLessThan(60e6);
});
