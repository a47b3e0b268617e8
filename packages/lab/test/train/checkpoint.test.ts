// A checkpoint is the last whole one, whatever happens while the next is written.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { float32, zeros } from 'mien-engine/base';
import { openCheckpoints } from '../../src/train/checkpoint.js';
import { builtOf } from '../../../../test/support/build.js';

test('a full disk leaves the last checkpoint whole', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mien-checkpoint-'));
  try {
    const child = join(builtOf('mien-lab'), 'test/train/checkpoint-child.js');
    // A limit on file sizes stands in for the disk: the operating system refuses the write in the same way.
    const script = 'ulimit -f 256; exec "$0" "$@"';
    const ended = spawnSync('bash', ['-c', script, process.execPath, child, folder], { encoding: 'utf8' });
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/state-000002\.safetensors: cannot write/);
    expect((await readdir(folder)).sort()).toEqual([
      'checkpoint.json',
      'log.jsonl',
      'state-000001.safetensors',
    ]);
    const checkpoints = await openCheckpoints<{ epoch: number }>(folder, 'a');
    expect(await checkpoints.read()).toEqual({
      tensors: { weights: zeros('float32', [100]) },
      record: { epoch: 1 },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('tensors of another model are named, with how they differ', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mien-checkpoint-'));
  try {
    const first = await openCheckpoints<{ epoch: number }>(folder, 'a');
    const tensors = {
      kept: float32([1], [1]),
      narrow: zeros('float32', [2, 3]),
      gone: zeros('float32', [4]),
    };
    await first.write(1, { tensors, record: { epoch: 1 } }, [{ epoch: 1 }]);
    const other = await openCheckpoints<{ epoch: number }>(folder, 'b');
    const expected = { kept: float32([1], [1]), narrow: zeros('float32', [2, 5]) };
    await expect(other.read(expected)).rejects.toMatchObject({
      code: 'checkpoint',
      message: expect.stringContaining(
        'narrow is [2, 3] there and [2, 5] here; gone is [4] there and missing here',
      ) as string,
    });
    await expect(other.read()).rejects.toThrow(/another configuration/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
