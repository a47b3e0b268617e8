// FER+ votes: both forms of the table, how they join FER2013's two forms, and what a vote comes to.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FACE_LABELS, type FaceLabel, type FaceVotes, type LoadedFer2013 } from 'mien/parts/data';
import { findDataSets } from '../../src/data/open.js';
import { joinVotes, majorityOf, readVotes, voteDistribution } from '../../src/data/votes.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mien-votes-'));
});
afterAll(() => rm(dir, { recursive: true }));

const COUNTS = 'neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF';

async function table(name: string, lines: readonly string[]): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, `\ufeff${lines.join('\r\n')}\r\n`);
  return path;
}

const item = (label: FaceLabel, file: string, id: string, usage: 'Training' | 'PrivateTest') => ({
  id,
  label,
  file,
  usage,
  dataset: 'fer2013' as const,
  split: usage === 'Training' ? ('train' as const) : ('test' as const),
  image: { kind: 'file' as const, path: file },
});
const fer = (form: LoadedFer2013['form'], items: LoadedFer2013['items']): LoadedFer2013 => ({
  path: 'fer2013',
  form,
  items,
  skipped: [],
  warnings: [],
});

test('joins by label and file name, since file names repeat under other labels', async () => {
  const votes = await readVotes(
    await table('ferplus.csv', [
      `file,rows,${COUNTS}`,
      'train/angry/Training_1.jpg,1,1,0,0,0,9,0,0,0,0,0',
      'train/sad/Training_1.jpg,2,4,0,0,16,0,0,0,0,0,0',
    ]),
  );
  const set = fer('folders', [
    item('sadness', join('x', 'train', 'sad', 'Training_1.png'), 'a', 'Training'),
    item('anger', 'C:\\x\\train\\Angry\\Training_1.jpg', 'b', 'Training'),
    item('anger', join('x', 'train', 'angry', 'Training_2.jpg'), 'c', 'Training'),
  ]);
  const { items, warnings } = joinVotes(set, votes);
  expect(items.map(({ votes: found }) => found?.labels.sadness)).toEqual([16, 0, undefined]);
  expect(items[1]!.votes).toMatchObject({ labels: { anger: 9, neutral: 1 }, contempt: 0, noFace: 0 });
  expect(warnings).toEqual([expect.stringContaining('no votes for 1 of 3')]);
});

test('joins the official table by the order of rows in each part, and rejects an incomplete one', async () => {
  const rows = ['Training,fer1.png,0,10,0,0,0,0,0,0,0,0', 'PrivateTest,,0,0,0,0,0,0,0,0,0,10'];
  const votes = await readVotes(await table('fer2013new.csv', [`Usage,Image name,${COUNTS}`, ...rows]));
  const training = item('joy', 'f.csv', 'fer2013/Training/00001', 'Training');
  const test = item('fear', 'f.csv', 'fer2013/PrivateTest/00001', 'PrivateTest');
  const joined = joinVotes(fer('csv', [test, training]), votes).items;
  expect(joined.map(({ votes: found }) => [found?.labels.joy, found?.noFace])).toEqual([
    [0, 10],
    [10, 0],
  ]);
  expect(() => joinVotes(fer('csv', [training]), votes)).toThrow(/1 rows of PrivateTest.*has 0/);
});

test('reports which table a form of FER2013 needs', async () => {
  const files = await readVotes(
    await table('a.csv', [`file,rows,${COUNTS}`, 'train/sad/T_1.jpg,1,0,0,0,9,0,0,0,0,0,0']),
  );
  const rows = await readVotes(await table('b.csv', [`Usage,Image name,${COUNTS}`]));
  const set = [item('joy', 'f.csv', 'fer2013/Training/00001', 'Training')];
  expect(() => joinVotes(fer('csv', set), files)).toThrow(/fer2013new\.csv/);
  expect(() => joinVotes(fer('folders', set), rows)).toThrow(/ferplus\.csv/);
  expect(() => joinVotes(fer('folders', set), files)).toThrow(/no votes for any of the images/);
});

test.each([
  ['a header of another table', ['emotion,pixels,Usage'], /not a table of FER\+ votes/],
  [
    'an invalid count',
    [`file,rows,${COUNTS}`, 'train/sad/T_1.jpg,1,x,0,0,0,0,0,0,0,0,0'],
    /row 2.*"x" is not a number/,
  ],
  ['a short row', [`file,rows,${COUNTS}`, 'train/sad/T_1.jpg,1,1,2'], /row 2.*not a number of votes/],
  [
    'a folder that is no label',
    [`file,rows,${COUNTS}`, 'train/bored/T_1.jpg,1,1,0,0,0,0,0,0,0,0,0'],
    /has no file name/,
  ],
  ['an unknown part', [`Usage,Image name,${COUNTS}`, 'Valid,,1,0,0,0,0,0,0,0,0,0'], /unknown usage "Valid"/],
])('rejects %s', async (_what, lines, message) => {
  await expect(table('bad.csv', lines).then(readVotes)).rejects.toThrow(message);
});

const votesOf = (
  counts: Partial<Record<FaceLabel | 'contempt' | 'unknown' | 'noFace', number>>,
): FaceVotes => {
  const { contempt = 0, unknown = 0, noFace = 0, ...labels } = counts;
  const all = Object.fromEntries(FACE_LABELS.map((label) => [label, labels[label] ?? 0]));
  return { labels: all as FaceVotes['labels'], contempt, unknown, noFace };
};

test('a majority is unique, and single votes are ignored', () => {
  expect(majorityOf(votesOf({ joy: 6, neutral: 4 }))).toBe('joy');
  expect(majorityOf(votesOf({ joy: 5, neutral: 5 }))).toBeUndefined();
  expect(majorityOf(votesOf({ joy: 3, contempt: 7 }))).toBe('contempt');
  const at = (label: FaceLabel): number => FACE_LABELS.indexOf(label);
  const mixed = voteDistribution(votesOf({ joy: 6, neutral: 2, fear: 1, unknown: 1 }))!;
  expect(mixed[at('joy')]).toBeCloseTo(0.75);
  expect(mixed[at('neutral')]).toBeCloseTo(0.25);
  expect(mixed[at('fear')]).toBe(0);
  for (const nothing of ['contempt', 'unknown', 'noFace'] as const)
    expect(voteDistribution(votesOf({ joy: 4, [nothing]: 6 }))).toBeUndefined();
  expect(voteDistribution(votesOf({ joy: 1, fear: 1 }))).toBeUndefined();
});

test('finds a table in the data folder or a subfolder', async () => {
  await mkdir(join(dir, 'data', 'Faces'), { recursive: true });
  expect(await findDataSets(join(dir, 'data'))).toEqual({});
  await writeFile(join(dir, 'data', 'Faces', 'ferplus.csv'), '');
  expect(await findDataSets(join(dir, 'data'))).toEqual({ votes: join(dir, 'data', 'Faces', 'ferplus.csv') });
});
