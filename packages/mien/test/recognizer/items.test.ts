// Rows and folders as items: columns by name, cells of the wrong kind, rows that cannot be read beside rows that can.
import assert from 'node:assert';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { counted, failureOf, NO_ITEMS } from '../../src/cli/outcome.js';
import { answersOf } from '../../src/recognizer/node/answers.js';
import {
  itemsOfFile,
  itemsOfFolder,
  itemsOfLines,
  type RowItem,
  type ItemOptions,
} from '../../src/recognizer/node/items.js';
import { nodeDecoder } from '../../src/recognizer/node/images.js';
import { createRecognizer } from '../../src/recognizer/recognize.js';
import type { Recognizer, Result } from '../../src/recognizer/types.js';
import { openLegible } from '../../../../test/support/bundle.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-items-'));
});
afterAll(() => rm(root, { recursive: true }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
async function itemsOf(content: string, options?: ItemOptions): Promise<RowItem[]> {
  const file = join(root, 'table');
  await writeFile(file, content);
  return all(itemsOfFile(file, options));
}
const linesOf = (content: string, options?: ItemOptions) =>
  all(itemsOfLines(Readable.from([content]), options));
/** Error codes with texts, ids and images, of a row that holds no item why. */
const told = (items: readonly RowItem[]) =>
  items.map(
    ({ id, text, image, invalid }) => invalid?.message ?? [id, text, image && relative(root, String(image))],
  );

describe('a table', () => {
  test('is read by the requested column names, whatever their case', async () => {
    const content = ' Tweet ;Photo; No.\nI am sad; a b.png;7\n;;\nfine;;\n';
    const columns = { text: 'tweet', image: 'PHOTO', id: 'no.' };
    expect(told(await itemsOf(content, { columns }))).toEqual([
      ['7', 'I am sad', 'a b.png'],
      ['4', 'fine', undefined],
    ]);
    await expect(itemsOf(content, { columns: { text: 'twet' } })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/no column "twet"\nDid you mean "Tweet"/) as string,
    });
    await expect(itemsOf(content)).rejects.toThrow(
      /no column "text", none "image" and none "audio"\n.*Tweet, Photo, No\./,
    );
  });

  test('warns, once, of a column that looks like one that is missing', async () => {
    const warnings: string[] = [];
    const warn = (message: string) => void warnings.push(message);
    await itemsOf('text,imgae\nfine,a.png\nfine,b.png\n', { warn });
    await itemsOf('{"text":"fine"}\n{"text":"fine","images":"a.png"}\n{"text":"fine","images":""}', { warn });
    await itemsOf('text,imgae\nfine,a.png\n', { warn, columns: { image: 'imgae' } });
    expect(warnings.map((message) => /column "(.*?)"/.exec(message)![1])).toEqual(['imgae', 'images']);
  });

  test('has an error of its own for a cell that is not text, and for a row that cannot be read', async () => {
    const rows = [
      { text: ['a'] },
      { text: { a: 1 } },
      { text: true },
      { text: 5 },
      { text: null, image: 7 },
      { image: 'a' },
    ];
    const content = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    expect(told(await itemsOf(`{not JSON\n${content}{"text":"cut`))).toEqual([
      expect.stringMatching(/^is not JSON/),
      'the text is a list, not a string',
      'the text is an object, not a string',
      'the text is a boolean, not a string',
      ['5', '5', undefined],
      'the image is a number, not a string',
      ['7', undefined, 'a'],
      expect.stringMatching(/^is not JSON/),
    ]);
    // Where no row can be read, it is no table.
    await expect(itemsOf('{\n "text": "a"\n}\n')).rejects.toMatchObject({ code: 'data', place: { row: 1 } });
    await expect(itemsOf('text,image\na,b,c\n')).rejects.toMatchObject({ code: 'data', place: { row: 2 } });
  });

  test('gives further columns as names', async () => {
    const options = { further: ['Label', undefined] };
    const values = async (content: string) => (await itemsOf(content, options)).map((item) => item.values);
    expect(await values('text,label\na, joy \n')).toEqual([{ Label: 'joy' }]);
    expect(await values('{"text":"a","label":3}\n{"text":"b","label":false}\n{"text":"c"}')).toEqual([
      { Label: '3' },
      { Label: 'false' },
      { Label: '' },
    ]);
    await expect(values('{"text":"a","label":["joy"]}')).rejects.toThrow(/row 1: Label is a list/);
    await expect(values('text,lable\na,b')).rejects.toThrow(/no column "Label"\nDid you mean "lable"/);
  });

  test('on standard input is distinguished from lines of text', async () => {
    expect(told(await linesOf('text;image\nI am sad;\n'))).toEqual([['2', 'I am sad', undefined]]);
    expect(told(await linesOf('words\n"I am sad, or so"\n', { columns: { text: 'words' } }))).toEqual([
      ['2', 'I am sad, or so', undefined],
    ]);
    await expect(linesOf('text\nI am sad, or so\n')).rejects.toThrow(/row 2: has 2 fields.*\n.*quotation/);
    expect(told(await linesOf('I am sad\n\nso am I\n'))).toEqual([
      ['1', 'I am sad', undefined],
      ['3', 'so am I', undefined],
    ]);
    expect(await linesOf('')).toEqual([]);
  });
});

test('a folder is read with the targets of links, without hidden files', async () => {
  const folder = join(root, 'photos');
  const files = [
    'a.JPG',
    'b.jfif',
    'c.jpe',
    'deep/d.png',
    '._a.JPG',
    '.thumbs/e.png',
    '__MACOSX/f.png',
    'Thumbs.db',
  ];
  for (const name of [...files, 'notes.txt', '../elsewhere/g.webp', '../elsewhere/h.png']) {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, '');
  }
  await symlink('../elsewhere/g.webp', join(folder, 'link.webp'));
  await symlink('../elsewhere', join(folder, 'album'));
  await symlink('..', join(folder, 'deep', 'up'));
  await symlink('nowhere.png', join(folder, 'lost.png'));
  await symlink('self', join(folder, 'self'));
  const images = (await all(itemsOfFolder(folder))).map(({ image }) => relative(folder, String(image)));
  expect(images).toEqual([
    'a.JPG',
    'album/g.webp',
    'album/h.png',
    'b.jfif',
    'c.jpe',
    'deep/d.png',
    'link.webp',
    'lost.png',
  ]);
  await mkdir(join(root, 'bare', '.hidden'), { recursive: true });
  await expect(all(itemsOfFolder(join(root, 'bare')))).rejects.toThrow(/bare: holds no images/);
});

describe('results', () => {
  let recognizer: Recognizer;
  beforeAll(async () => {
    const faces = { find: async () => [], crop: () => assert.fail(), dispose: async () => undefined };
    recognizer = createRecognizer({ bundle: await openLegible(), faces, decode: nodeDecoder() });
  });
  afterAll(() => recognizer.dispose());

  test('belong to their rows, also to rows without an item', async () => {
    const rows = ['joy', { a: 1 }, true, 'fear', ['joy']].map((text) => JSON.stringify({ text }));
    const found: [string, string, boolean][] = [];
    const items = itemsOfLines(Readable.from([rows.join('\n')]));
    for await (const { item, result, last } of answersOf(recognizer, items, { batchSize: 2 }))
      found.push([item.id, result.error ? result.error.code : result.label, last]);
    expect(found.map(([id, outcome]) => [id, outcome])).toEqual([
      ['1', 'joy'],
      ['2', 'invalid-item'],
      ['3', 'invalid-item'],
      ['4', 'fear'],
      ['5', 'invalid-item'],
    ]);
    expect(found.at(-1)![2]).toBe(true);
  });

  test('without any answer are an error; a single one keeps its message', () => {
    const failed = (message: string): Result => ({ error: { code: 'no-face', message }, warnings: [] });
    const answered = { label: 'joy' } as Result;
    const outcome = (...results: Result[]) =>
      counted(
        NO_ITEMS,
        results.map((result) => ({ id: '', result })),
      );
    expect(failureOf(outcome(failed('no face')))?.message).toBe('no face');
    expect(
      failureOf(counted(outcome(failed('first')), [{ id: '', result: failed('second') }]))?.message,
    ).toBe('none of the 2 items could be recognised\nFirst error: first');
    for (const results of [[], [answered], [failed('one'), answered]])
      expect(failureOf(outcome(...results))).toBeUndefined();
  });
});
