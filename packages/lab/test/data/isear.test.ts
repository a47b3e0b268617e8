// ISEAR in its four forms: recognised by content, repaired, and refused where it is something else.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadIsear, repairText } from '../../src/data/isear.js';
import { ferRow, folderWith, PIPE_HEADER, pipeRow } from './fixtures.js';

const PIPE = [
  PIPE_HEADER,
  pipeRow('11001', 'joy', 'When we met and á especially after a long time.'),
  pipeRow('11001', 'anger', 'He disturbed me by \\terror ringing\\", i.e á|continously phoning."'),
  pipeRow('11002', 'guilt', 'One|two.'),
].join('\n');

const load = async (content: string | Uint8Array, options = {}) =>
  loadIsear(join(await folderWith({ 'some name.dat': content }), 'some name.dat'), options);

describe('forms', () => {
  it('reads the original form with subjects, repaired texts and lines', async () => {
    const { form, items } = await load(PIPE);
    expect(form).toBe('pipe');
    expect(items.map(({ label, text, subject, row, id }) => ({ label, text, subject, row, id }))).toEqual([
      {
        label: 'joy',
        text: 'When we met and\nespecially after a long time.',
        subject: '11001',
        row: 2,
        id: 'isear/00001',
      },
      {
        label: 'anger',
        text: 'He disturbed me by "terror ringing", i.e\ncontinously phoning.',
        subject: '11001',
        row: 3,
        id: 'isear/00002',
      },
      { label: 'guilt', text: 'One two.', subject: '11002', row: 4, id: 'isear/00003' },
    ]);
    expect(items[0]).toMatchObject({ country: '20', sex: '2', age: 33 });
  });

  it('reads sentiment,content', async () => {
    const { form, items } = await load('sentiment,content\njoy,"Met her, and á laughed."\nshame,I lied.\n');
    expect(form).toBe('sentiment-content');
    expect(items.map(({ label, text }) => [label, text])).toEqual([
      ['joy', 'Met her, and\nlaughed.'],
      ['shame', 'I lied.'],
    ]);
  });

  it('reads Emotions,Statements, with the line on which a record starts as its row', async () => {
    const { form, items } = await load(
      '\ufeffEmotions,Statements\r\nfear,"Dark \nroom."\r\nsadness,Alone.\r\n',
    );
    expect(form).toBe('emotions-statements');
    expect(items.map(({ label, text, row }) => [label, text, row])).toEqual([
      ['fear', 'Dark \nroom.', 2],
      ['sadness', 'Alone.', 4],
    ]);
  });

  it('reads the form without header, with unquoted commas, and guit as guilt with a warning', async () => {
    const { form, items, warnings } = await load('joy,"At last.",\nguit,I lied, to her.\ndisgust,Worms.,\n');
    expect(form).toBe('headerless');
    expect(items.map(({ label, text, id }) => [label, text, id])).toEqual([
      ['joy', 'At last.', 'isear/00001'],
      ['guilt', 'I lied, to her.', 'isear/00002'],
      ['disgust', 'Worms.', 'isear/00003'],
    ]);
    expect(warnings.join('\n')).toMatch(/row 2.*"guit" is read as guilt/);
  });

  it('reads UTF-16 with a byte order mark', async () => {
    const { items } = await load(Buffer.from(`\ufeff${PIPE}`, 'utf16le'));
    expect(items.map(({ text }) => text)).toEqual((await load(PIPE)).items.map(({ text }) => text));
  });

  it('prefers the form with subjects if a folder contains several, with a warning', async () => {
    const folder = await folderWith({
      'a.csv': 'sentiment,content\njoy,Yes.\n',
      'z.csv': PIPE,
      'b.txt': 'notes',
    });
    const { form, path, warnings } = await loadIsear(folder);
    expect(form).toBe('pipe');
    expect(path).toBe(join(folder, 'z.csv'));
    expect(warnings[0]).toMatch(/2 forms; .*z\.csv/);
  });

  it('repairs quotation marks that the export turned into backslashes', () => {
    expect(repairText('the lesson was \\fun\\" á (really).')).toBe('the lesson was "fun"\n(really).');
    expect(repairText('she said \\wait!\\""')).toBe('she said "wait!"');
    expect(repairText('he said "no"')).toBe('he said "no"');
  });
});

describe('bad input', () => {
  it('reports file, row and the most similar label', async () => {
    const csv = 'sentiment,content\njoy,Yes.\nsadnes,No.\nfear,Dark.\n';
    await expect(load(csv)).rejects.toMatchObject({ code: 'data', place: { row: 3 } });
    await expect(load(csv)).rejects.toThrow(
      /some name\.dat, row 3: unknown label "sadnes"\nDid you mean "sadness"/,
    );
    const { items, skipped } = await load(csv, { skipInvalid: true });
    expect(items.map(({ label }) => label)).toEqual(['joy', 'fear']);
    expect(skipped).toEqual([
      { file: expect.stringContaining('some name.dat') as string, row: 3, reason: 'unknown label "sadnes"' },
    ]);
  });

  it.each([
    ['an empty file', '', /the file is empty/],
    [
      'a table of FER2013',
      `emotion,pixels,Usage\n${ferRow(0, 'Training', 1)}\n`,
      /is a table of FER2013.*swapped/,
    ],
    ["a table of RAF-DB's labels", 'image,label\ntrain_00001_aligned.jpg,5\n', /RAF-DB's labels.*swapped/],
    ['other text', 'hello world\n', /not a form of ISEAR[^]*Expected ISEAR/],
    [
      'UTF-16 without a mark',
      Buffer.from(PIPE, 'utf16le'),
      /is UTF-16 without a byte order mark\nExpected UTF-8/,
    ],
    ['Latin-1', Buffer.from(PIPE, 'latin1'), /row 2: bytes that are not UTF-8 \(0xE1 at byte \d+ of the row/],
    ['an open quotation mark', 'sentiment,content\njoy,"cut of', /not a valid CSV[^]*truncated/],
    ['a truncated row', `${PIPE}\n11003|1|1`, /row 5: 2 columns\nExpected 42/],
    ['a row with three fields', 'sentiment,content\njoy,a,b\n', /row 2: 3 fields/],
    ['only a header', 'sentiment,content\n', /contains no usable record/],
    [
      'columns that disagree',
      PIPE.replace('|3|', '|4|'),
      /row 3: Field1 says anger and EMOT says 4 \(sadness\)/,
    ],
  ])('rejects %s', async (_, content, message) => {
    await expect(load(content)).rejects.toThrow(message);
  });

  it('skips rows that are not UTF-8 or are truncated', async () => {
    const content = Buffer.from(`${PIPE}\n11003|1|1`, 'latin1');
    const { items, skipped } = await load(content, { skipInvalid: true });
    expect(items.map(({ row }) => row)).toEqual([4]);
    expect(skipped.map(({ row }) => row)).toEqual([2, 3, 5]);
  });

  it('reports what is missing, or which other data set was given', async () => {
    const folder = await folderWith({ 'train/angry/Training_1.jpg': 'x' });
    await expect(loadIsear(join(folder, 'none'))).rejects.toMatchObject({ code: 'file' });
    await expect(loadIsear(folder)).rejects.toThrow(/contains faces, not ISEAR; were two sets swapped/);
  });
});
