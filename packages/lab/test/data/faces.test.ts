// FER2013 and RAF-DB in all their forms, and every kind of bad input that people have.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadFer2013 } from '../../src/data/fer2013.js';
import { loadRafdb } from '../../src/data/rafdb.js';
import { findDataSets, openDataSets } from '../../src/data/open.js';
import {
  ferFiles,
  ferRow,
  folderWith,
  pattern,
  PIPE_HEADER,
  pipeRow,
  rafFiles,
  rafOfficialFiles,
} from './fixtures.js';

const labelsBy = (items: readonly { label: string; split: string }[], split: string): string[] =>
  items.filter((item) => item.split === split).map(({ label }) => label);

const SEVEN = ['anger', 'disgust', 'fear', 'joy', 'neutral', 'sadness', 'surprise'];

describe('FER2013', () => {
  it('reads folders in any case, from the folder itself or its parent', async () => {
    const folder = await folderWith(await ferFiles('FER-2013/'));
    for (const path of [folder, join(folder, 'FER-2013')]) {
      const { form, items, warnings } = await loadFer2013(path);
      expect(form).toBe('folders');
      expect(labelsBy(items, 'train')).toEqual(SEVEN);
      expect(items.filter(({ usage }) => usage === 'PrivateTest')).toHaveLength(7);
      expect(new Set(items.map(({ id }) => id)).size).toBe(21);
      expect(items.map(({ id }) => id)).toContain('fer2013/train/joy/Training_109');
      expect(warnings[0]).toMatch(/7 training and 14 test images; FER2013 has 28709 and 7178/);
    }
  });

  it.each([
    ['fer2013.csv', 'emotion,pixels,Usage', (row: string) => row],
    [
      'icml_face_data.csv',
      'emotion, Usage, pixels',
      (row: string) => row.replace(/^(.*?),(.*),(.*)$/, '$1,$3,$2'),
    ],
  ])('reads %s', async (name, header, arrange) => {
    const rows = [ferRow(3, 'Training', 1), ferRow(6, 'PublicTest', 2), ferRow(4, 'PrivateTest', 3)].map(
      arrange,
    );
    const folder = await folderWith({ [name]: [header, ...rows].join('\n') });
    for (const path of [folder, join(folder, name)]) {
      const { form, items } = await loadFer2013(path);
      expect(form).toBe('csv');
      expect(items.map(({ id, label, split, usage, row }) => [id, label, split, usage, row])).toEqual([
        ['fer2013/Training/00001', 'joy', 'train', 'Training', 2],
        ['fer2013/PublicTest/00001', 'neutral', 'test', 'PublicTest', 3],
        ['fer2013/PrivateTest/00001', 'sadness', 'test', 'PrivateTest', 4],
      ]);
      const data = pattern(2, 49).subarray(0, 2304);
      expect(items[1]!.image).toEqual({ kind: 'pixels', width: 48, height: 48, data });
    }
  });

  const HEADER = 'emotion,pixels,Usage';
  it.each([
    ['a row of 2,303 pixels', ferRow(0, 'Training', 1, 2303), /row 3: 2303 pixels\nExpected 2304/],
    ['a row of 2,305 pixels', ferRow(0, 'Training', 1, 2305), /row 3: 2305 pixels/],
    ['an unknown label', ferRow(7, 'Training', 1), /row 3: unknown label "7"\nExpected 0 angry/],
    [
      'an unknown usage',
      ferRow(1, 'PrivatTest', 1),
      /row 3: unknown usage "PrivatTest"\nDid you mean "PrivateTest"/,
    ],
    [
      'a value above 255',
      ferRow(1, 'Training', 1).replace(/ \d+,/, ' 256,'),
      /row 3: pixel 2304 is above 255/,
    ],
    [
      'a value that is no number',
      ferRow(1, 'Training', 1).replace(/,\d+ /, ',x '),
      /pixel 1 is not a number/,
    ],
    ['a missing field', '1,2 3 4', /row 3: 2 fields\nExpected 3/],
  ])('reports file and row of %s, or skips it', async (_, bad, message) => {
    const csv = [HEADER, ferRow(1, 'Training', 5), bad, ferRow(1, 'PublicTest', 6)].join('\n');
    const file = join(await folderWith({ 'fer2013.csv': csv }), 'fer2013.csv');
    await expect(loadFer2013(file)).rejects.toThrow(message);
    await expect(loadFer2013(file)).rejects.toMatchObject({ code: 'data', place: { file, row: 3 } });
    const { items, skipped } = await loadFer2013(file, { skipInvalid: true });
    expect(items.map(({ row }) => row)).toEqual([2, 4]);
    expect(skipped).toMatchObject([{ file, row: 3 }]);
  });

  it.each([
    ['an empty file', '', /the file is empty/],
    [
      'ISEAR',
      `${PIPE_HEADER}\n${pipeRow('1', 'joy', 'Yes.')}`,
      /is ISEAR, not FER2013; were two sets swapped/,
    ],
    ['ISEAR as a CSV', 'sentiment,content\njoy,Yes.', /is ISEAR, not FER2013/],
    ["RAF-DB's labels", 'image,label\ntrain_00001_aligned.jpg,5', /RAF-DB's labels, not FER2013/],
    ['UTF-16', Buffer.from(`${HEADER}\n${ferRow(1, 'Training', 5)}`, 'utf16le'), /is UTF-16/],
    ['only a header', HEADER, /contains no usable record/],
  ])('rejects %s given as its table', async (_, content, message) => {
    const file = join(await folderWith({ 'fer2013.csv': content }), 'fer2013.csv');
    await expect(loadFer2013(file)).rejects.toThrow(message);
  });

  it('reads its table in UTF-16 with a byte order mark', async () => {
    const text = `\ufeff${HEADER}\r\n${ferRow(1, 'Training', 5)}\r\n`;
    const file = join(await folderWith({ 'fer2013.csv': Buffer.from(text, 'utf16le') }), 'fer2013.csv');
    expect((await loadFer2013(file)).items).toMatchObject([{ label: 'disgust', row: 2 }]);
  });

  it('rejects RAF-DB, and missing, unknown and misplaced folders', async () => {
    const raf = await folderWith(await rafFiles());
    await expect(loadFer2013(raf)).rejects.toThrow(/folders 1–7 of RAF-DB.*swapped/);
    await expect(loadFer2013(await folderWith(await rafOfficialFiles()))).rejects.toThrow(
      /is RAF-DB, not FER2013/,
    );
    await expect(loadFer2013(join(raf, 'none'))).rejects.toMatchObject({ code: 'file' });

    const folder = await folderWith(await ferFiles());
    await rm(join(folder, 'train/fear'), { recursive: true });
    await expect(loadFer2013(folder)).rejects.toThrow(/train\/fear: the folder is missing/);
    await mkdir(join(folder, 'train/fear'));
    await mkdir(join(folder, 'test/hapy'));
    await expect(loadFer2013(folder)).rejects.toThrow(/unknown label "hapy"\nDid you mean "happy"/);
    await rm(join(folder, 'test/hapy'), { recursive: true });
    await writeFile(join(folder, 'test/fear/PublicTest_1.txt'), 'notes');
    await writeFile(join(folder, 'test/fear/Training_1.jpg'), 'x');
    const { skipped } = await loadFer2013(folder, { skipInvalid: true });
    expect(skipped.map(({ reason }) => reason)).toEqual([
      'is not an image',
      'its name says Training, its folder test',
    ]);
    await rm(join(folder, 'test'), { recursive: true });
    await expect(loadFer2013(folder)).rejects.toThrow(/contains no test images/);
  });
});

describe('RAF-DB', () => {
  it('reads DATASET/ folders', async () => {
    const folder = await folderWith(await rafFiles());
    const { form, items, warnings } = await loadRafdb(folder);
    expect(form).toBe('folders');
    expect(labelsBy(items, 'train')).toEqual([
      'surprise',
      'fear',
      'disgust',
      'joy',
      'sadness',
      'anger',
      'neutral',
    ]);
    expect(items[0]!.id).toBe('rafdb/train_00001');
    expect(warnings).toEqual([expect.stringContaining('7 training and 7 test images') as string]);
  });

  it('reads the official form with the same ids', async () => {
    const folder = await folderWith(await rafOfficialFiles());
    const { form, items } = await loadRafdb(folder);
    expect(form).toBe('official');
    expect(labelsBy(items, 'test')).toEqual([
      'surprise',
      'fear',
      'disgust',
      'joy',
      'sadness',
      'anger',
      'neutral',
    ]);
    expect(items[0]).toMatchObject({ id: 'rafdb/train_00001', label: 'surprise', row: 1 });
  });

  it('reports rows that contradict the folders, and missing images', async () => {
    const folder = await folderWith(await rafFiles());
    const table = join(folder, 'DATASET/train_labels.csv');
    await writeFile(table, 'image,label\ntrain_00001_aligned.jpg,2\ntrain_00099_aligned.jpg,1\n');
    await expect(loadRafdb(folder)).rejects.toMatchObject({ place: { file: table, row: 2 } });
    const { items, skipped } = await loadRafdb(folder, { skipInvalid: true });
    expect(items).toHaveLength(13);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      'train_00001_aligned.jpg has label 2 here, but is in folder 1',
      'the image train_00099 is missing',
    ]);
  });

  it('reports the row of an invalid line in the official list', async () => {
    const folder = await folderWith(await rafOfficialFiles());
    const list = join(folder, 'EmoLabel/list_patition_label.txt');
    const good = ['train_00001.jpg 1', 'test_00001.jpg 1'];
    for (const [bad, message] of [
      ['train_00002.jpg 8', /row 2: unknown label "8"\nExpected 1 surprise/],
      ['train_00077.jpg 1', /row 2: the image of train_00077 is missing/],
      ['valid_00002.jpg 1', /row 2: the name valid_00002 gives no split/],
      ['something', /row 2: no image name/],
    ] as const) {
      await writeFile(list, [good[0], bad, good[1]].join('\n'));
      await expect(loadRafdb(folder)).rejects.toThrow(message);
      const { items, skipped } = await loadRafdb(folder, { skipInvalid: true });
      expect(items).toHaveLength(2);
      expect(skipped).toMatchObject([{ file: list, row: 2 }]);
    }
    await writeFile(list, '');
    await expect(loadRafdb(folder)).rejects.toThrow(/the file is empty/);
  });

  it('rejects FER2013, files and missing folders', async () => {
    const fer = await folderWith(await ferFiles());
    await expect(loadRafdb(fer)).rejects.toThrow(/folders of FER2013.*swapped/);
    const table = await folderWith({ 'fer2013.csv': `emotion,pixels,Usage\n${ferRow(0, 'Training', 1)}` });
    await expect(loadRafdb(table)).rejects.toThrow(/is FER2013, not RAF-DB/);
    await expect(loadRafdb(join(table, 'fer2013.csv'))).rejects.toThrow(/is a table of FER2013, not RAF-DB/);
    await expect(loadRafdb(join(fer, 'none'))).rejects.toMatchObject({ code: 'file' });
    const raf = await folderWith(await rafFiles());
    await rm(join(raf, 'DATASET/test/3'), { recursive: true });
    await expect(loadRafdb(raf)).rejects.toThrow(/test\/3: the folder is missing/);
  });
});

describe('a folder of sets', () => {
  it('finds them in any spelling and lists those missing', async () => {
    const fer = await ferFiles('FER-2013/');
    const folder = await folderWith({ ...fer, 'ISEAR/data.csv': 'sentiment,content\njoy,Yes.\n' });
    expect(await findDataSets(folder)).toEqual({
      isear: join(folder, 'ISEAR'),
      fer2013: join(folder, 'FER-2013'),
    });
    const sets = await openDataSets(folder);
    expect(sets.missing).toEqual(['rafdb']);
    expect(sets.isear?.items).toHaveLength(1);
    expect(sets.fer2013?.items).toHaveLength(21);
  });

  it('accepts a separate path for each set', async () => {
    const folder = await folderWith({ 'isear/a.csv': 'sentiment,content\njoy,Yes.\n' });
    await copyFile(join(folder, 'isear/a.csv'), join(folder, 'b.csv'));
    const { isear, missing } = await openDataSets(undefined, { paths: { isear: join(folder, 'b.csv') } });
    expect(isear?.path).toBe(join(folder, 'b.csv'));
    expect(missing).toEqual(['fer2013', 'rafdb']);
  });

  it('rejects a folder that does not exist or contains no set', async () => {
    const folder = await folderWith({ 'readme.txt': 'x' });
    await expect(openDataSets(folder)).rejects.toThrow(/contains none of the data sets/);
    await expect(openDataSets(join(folder, 'none'))).rejects.toThrow(/no such folder/);
  });
});
