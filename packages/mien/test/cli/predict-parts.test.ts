// `mien predict` on tables of any size: formats, shares of several processes, interrupted and repeated runs.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects, asyncBufferFromFile } from 'hyparquet';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeLegible } from '../../../../test/support/bundle.js';
import { runMien, type Ended } from '../../../../test/support/mien.js';

const WORDS = ['joy', 'fear', 'anger', 'sadness', 'disgust', 'joy', 'fear'];

let root: string;
let whole: Record<string, string>[];
const at = (...names: string[]): string => join(root, ...names);
const predict = (args: readonly string[]): Promise<Ended> =>
  runMien(['predict', '--bundle', at('bundle'), '--threads', '1', ...args]);
const csvRows = (text: string): Record<string, string>[] => parse(text, { columns: true });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-parts-'));
  await writeLegible(at('bundle'));
  await mkdir(at('in'));
  await writeFile(at('in', 'a.csv'), `id,text\n${WORDS.map((word, i) => `a${i},${word}`).join('\n')}\n`);
  await writeFile(
    at('in', 'b.jsonl'),
    WORDS.map((text, i) => `${JSON.stringify({ id: `b${i}`, text })}\n`).join(''),
  );
  parquetWriteFile({
    filename: at('in', 'c.parquet'),
    columnData: [
      { name: 'id', data: WORDS.map((_, i) => `c${i}`), type: 'STRING' },
      { name: 'text', data: WORDS.map((word, i) => (i === 4 ? null : word)), type: 'STRING' },
    ],
    rowGroupSize: 3,
  });
  await writeFile(at('in', '_SUCCESS'), '');
  const { stdout } = await predict(['--input', at('in'), '--format', 'csv']);
  whole = csvRows(stdout);
});
afterAll(() => rm(root, { recursive: true }));

const namesOf = async (dir: string): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.startsWith('part-')).sort();
const rowsIn = async (dir: string): Promise<Record<string, string>[]> => {
  const texts = (await namesOf(dir)).map((name) => readFile(join(dir, name), 'utf8'));
  return (await Promise.all(texts)).flatMap(csvRows);
};

test('reads a folder of CSV, JSONL and Parquet as one table', () => {
  expect(whole.map(({ id }) => id)).toEqual(
    ['a', 'b', 'c'].flatMap((table) => WORDS.map((_, i) => `${table}${i}`)),
  );
  const labels = whole.map(({ label, error }) => label || error);
  expect(labels).toEqual([...WORDS, ...WORDS, ...WORDS.map((word, i) => (i === 4 ? 'no-input' : word))]);
});

test('shares parts among processes; together they are the whole, and are joined once complete', async () => {
  const dir = at('shared');
  const share = (args: readonly string[], env?: Record<string, string>): Promise<Ended> =>
    runMien(
      [
        'predict',
        '--bundle',
        at('bundle'),
        '--threads',
        '1',
        '--input',
        at('in', '*'),
        '--out',
        dir,
        '--rows-per-part',
        '2',
        ...args,
      ],
      env ? { env } : {},
    );
  expect((await share(['--shard', '1/2'])).code).toBe(0);
  const early = await predict(['merge', dir, at('early.csv')]);
  expect(early).toMatchObject({ code: 1 });
  expect(early.stderr).toMatch(/is not complete: \d+ parts/);
  expect((await share(['--shards', '2'], { SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_MIN: '5' })).code).toBe(
    0,
  );
  expect(await rowsIn(dir)).toEqual(whole);
  expect(await namesOf(dir)).toHaveLength(12);
  const merged = await predict(['merge', dir, at('merged.csv')]);
  expect(merged).toMatchObject({ code: 0 });
  expect(csvRows(await readFile(at('merged.csv'), 'utf8'))).toEqual(whole);
});

test('computes again only what an interrupted run has not written', async () => {
  const dir = at('resumed');
  const args = ['--input', at('in'), '--out', dir, '--rows-per-part', '3'];
  expect((await predict(args)).code).toBe(0);
  const names = await namesOf(dir);
  const times = async () =>
    new Map(
      await Promise.all(names.map(async (name) => [name, (await stat(join(dir, name))).mtimeMs] as const)),
    );
  const before = await times();
  // As a killed run leaves it: a part and a count are missing, and a temporary file is there.
  const [lost] = names.slice(4);
  await rm(join(dir, lost!));
  await rm(join(dir, '_rows-00001.json'));
  await writeFile(join(dir, `${names[8]!}.1a2b.tmp`), 'half');
  const again = await predict(args);
  expect(again.stderr).toMatch(/: 3 rows/);
  expect(await rowsIn(dir)).toEqual(whole);
  const after = await times();
  expect(names.filter((name) => before.get(name) !== after.get(name))).toEqual([lost]);
  expect((await predict(args)).stderr).toMatch(/nothing to do/);

  const other = await predict([...args, '--prior', 'even']);
  expect(other).toMatchObject({ code: 1 });
  expect(other.stderr).toMatch(/belongs to a run with other items, another model or other options/);
  expect((await predict([...args, '--prior', 'even', '--overwrite'])).stderr).toMatch(/: 21 rows/);
});

test('writes one Parquet file with the values of the CSV', async () => {
  const out = at('out.parquet');
  const args = ['--input', at('in'), '--out', out, '--rows-per-part', '4'];
  expect((await predict(args)).code).toBe(0);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(out) });
  expect(rows.map(({ id, label, error }) => [id, label ?? '', error ?? ''])).toEqual(
    whole.map(({ id, label, error }) => [id, label, error]),
  );
  expect(rows.map(({ p_joy: p }) => (p as number | null)?.toPrecision(6) ?? '')).toEqual(
    whole.map(({ p_joy: p }) => p),
  );
  expect(await readdir(root)).not.toContain('out.parquet.parts');
  expect(await predict(args)).toMatchObject({ code: 1 });
});

test('rejects a share without a folder, a folder with other files, and what no file matches', async () => {
  const run = async (...args: string[]) => (await predict(args)).stderr;
  const table = ['--input', at('in', 'a.csv')];
  expect(await run(...table, '--out', at('x.csv'), '--shard', '0/2')).toMatch(/folder of parts/);
  expect(await run(...table, '--out', at('bundle'))).toMatch(/is a folder with other files/);
  expect(await run('--input', at('in', '*.tsv'), '--out', at('none'))).toMatch(/no file matches/);
  expect(await run('--text', 'joy', '--out', at('none'))).toMatch(/for tables only/);
  expect(await run('merge', at('in'), at('x.csv'))).toMatch(/is not a folder of results/);
  expect(await readdir(root)).not.toContain('none');
});
