// `mien extract` and `mien pack` on small data sets, with the real encoders if their weights are available.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { runMien, type Ended } from '../../../../test/support/mien.js';

const weights = process.env['MIEN_WEIGHTS'];
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-cli-'));
  const draw = randomStream(1, 'cli');
  await mkdir(join(root, 'data', 'fer2013'), { recursive: true });
  const faces = Array.from({ length: 70 }, (_, i) => {
    const pixels = Array.from({ length: 2304 }, () => draw.integer(256)).join(' ');
    return `${i % 7},${pixels},${['Training', 'Training', 'Training', 'PublicTest', 'PrivateTest'][i % 5]}`;
  });
  await writeFile(
    join(root, 'data', 'fer2013', 'fer2013.csv'),
    `emotion,pixels,Usage\n${faces.join('\n')}\n`,
  );
});
afterAll(() => rm(root, { recursive: true, force: true }));

const mien = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  runMien(args, { env: { XDG_CACHE_HOME: join(root, 'cache'), ...env } });

interface Stores {
  stores: Record<string, { dir: string; items: number; computed: number; unchanged: boolean }>;
}

test.skipIf(!weights)(
  'extract fills the stores, does nothing the second time, and gives the same bytes in parts',
  async () => {
    const common = ['extract', '--data', join(root, 'data'), '--weights', weights!, '--json'];
    const first = await mien([...common, '--out', join(root, 'one')]);
    expect(first.code, first.stderr).toBe(0);
    const { stores } = JSON.parse(first.stdout) as Stores;
    expect(stores).toMatchObject({
      fer2013: { items: 70, computed: 70 },
    });
    const second = JSON.parse((await mien([...common, '--out', join(root, 'one')])).stdout) as Stores;
    expect(second.stores).toMatchObject({
      fer2013: { unchanged: true, computed: 0 },
    });

    const several = await mien([...common, '--out', join(root, 'several'), '--processes', '2']);
    expect(several.code, several.stderr).toBe(0);
    const store = stores['fer2013']!.dir.split('/').at(-1)!;
    expect(await readFile(join(root, 'several', store, 'manifest.json'), 'utf8')).toBe(
      await readFile(join(root, 'one', store, 'manifest.json'), 'utf8'),
    );

    const parts = join(root, 'parts');
    expect((await mien([...common, '--out', parts, '--shard', '0/2'])).code).toBe(0);
    const early = await mien(['extract', 'merge', parts]);
    expect(early).toMatchObject({ code: 1, stdout: '' });
    expect(early.stderr).toMatch(/of 2 parts, 1 are missing: 1/);
    const pod = { JOB_COMPLETION_INDEX: '1' };
    expect((await mien([...common, '--out', parts, '--shards', '2'], pod)).code).toBe(0);
    const merged = await mien(['extract', 'merge', parts]);
    expect(merged.stdout).toMatch(/70 items in 1 shards, from 2 parts/);
    const name = stores['fer2013']!.dir.split('/').at(-1)!;
    expect(await readFile(join(parts, name, 'manifest.json'), 'utf8')).toBe(
      await readFile(join(root, 'one', name, 'manifest.json'), 'utf8'),
    );

    const packed = await mien(['pack', join(root, 'one'), '--out', join(root, 'pack.safetensors')]);
    expect(packed).toMatchObject({ code: 1 });
    expect(packed.stderr).toMatch(/features of fer2013, and none of rafdb/);
  },
  240_000, // four runs that load an encoder each
);

test('wrong usage is reported before anything is read or written', async () => {
  expect(await mien(['extract'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/as --data/) as string,
  });
  const shard = await mien(['extract', '--data', root, '--shard', '2/2']);
  expect(shard).toMatchObject({ code: 2, stderr: expect.stringMatching(/no part 2 of 2/) as string });
  const sets = await mien(['extract', '--data', root, '--sets', 'isear,tess']);
  expect(sets).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/unknown data set "tess"/) as string,
  });
  expect(await mien(['pack', '--out', 'x.bin'])).toMatchObject({ code: 2 });
});
