// Tables from the field: whatever their delimiter, encoding and column names, rows are read correctly or reported.
import fc from 'fast-check';
import { stringify } from 'csv-stringify/sync';
import { describe, expect, test } from 'vitest';
import { lookalike } from '../../src/data/columns.js';
import { rowsOf } from '../../src/data/rows.js';

const check = (): void => undefined;

/** Rows as `[line, cells]`, or `[line, message]` for a row that cannot be read. */
async function read(
  content: string | Uint8Array,
  { file = 'table.csv', cuts = [] as readonly number[], wanted = ['text', 'image'], lines = false } = {},
): Promise<[number, unknown][]> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
    for (const [i, end] of ends.entries()) yield bytes.subarray(ends[i - 1] ?? 0, end);
  }
  const rows: [number, unknown][] = [];
  for await (const row of rowsOf(chunks(), { file, wanted, lines, check }))
    rows.push([row.row, row.fault ? row.fault.message : Object.fromEntries(row.cells)]);
  return rows;
}

const sad = { text: 'I was sad, or so', image: 'a.png' };

describe('CSV', () => {
  test.each([
    ['commas', 'text,image\n"I was sad, or so",a.png\n'],
    ['semicolons', 'text;image\r\nI was sad, or so;a.png\r\n'],
    ['tabs', 'text\timage\nI was sad, or so\ta.png'],
    ['bars', 'text|image\nI was sad, or so|a.png\n'],
    ['a declared delimiter', 'sep=;\r\ntext;image\r\nI was sad, or so;a.png\r\n'],
    [
      'a declared delimiter that is not among the candidates',
      '"sep=^"\ntext^image\nI was sad, or so^a.png\n',
    ],
    ['capitals', 'Text,IMAGE\n"I was sad, or so",a.png\n'],
    ['spaces', ' text , image\n"I was sad, or so", a.png\n'],
    ['spaces around quotation marks', '"text" , "image"\n"I was sad, or so" , "a.png"\n'],
    ['invisible characters', '\u200btext,\u00a0image\n"I was sad, or so",a.png\n'],
    ['a byte order mark', '\ufefftext,image\n"I was sad, or so",a.png\n'],
    ['full-width letters', 'ｔｅｘｔ,image\n"I was sad, or so",a.png\n'],
    ['blank lines and rows', '\n\ntext;image\n\nI was sad, or so;a.png\n;\n\n'],
    ['trailing empty fields', 'text;image;;\nI was sad, or so;a.png;;;\n'],
    ['line ends of old Macs', 'text;image\rI was sad, or so;a.png\r'],
  ])('with %s', async (_, content) => {
    const [row] = await read(content);
    expect(row![1]).toMatchObject(sad);
  });

  test('in UTF-16, whose bytes may look like line ends', async () => {
    const content = '\ufefftext\timage\r\n\u0a0aĊ😡 naïve\ta.png\r\n';
    for (const bytes of [Buffer.from(content, 'utf16le'), Buffer.from(content, 'utf16le').swap16()])
      expect(await read(bytes, { cuts: [3, 28, 29, 31] })).toEqual([
        [2, { text: '\u0a0aĊ😡 naïve', image: 'a.png' }],
      ]);
  });

  test('with any cells, in chunks of any size: cells and the lines in which rows begin', async () => {
    const cell = fc
      .array(fc.constantFrom(...'a ,;|\t"\n\u2028é😡'), { maxLength: 6 })
      .map((all) => `x${all.join('')}x`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(',', ';', '\t', '|'),
        fc.constantFrom('\n', '\r\n'),
        fc.array(fc.nat(), { maxLength: 4 }),
        async (cells, delimiter, newline, cuts) => {
          const content = stringify([['text', 'image'], ...cells], {
            delimiter,
            record_delimiter: newline,
            quoted_match: /\n/,
          });
          let line = 2;
          const expected = cells.map(([text, image]) => {
            const row = line;
            line += `${text}${image}`.split('\n').length;
            return [row, { text, image }];
          });
          expect(await read(content, { cuts })).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('quotation marks within a field are literal', async () => {
    const rows = await read(
      'text\timage\nHe said "hi"\t\n"Great" he said\t\n5" of snow\ta.png\n"""Hi"", she\nsaid"\t\n',
    );
    expect(rows).toEqual([
      [2, { text: 'He said "hi"', image: '' }],
      [3, { text: '"Great" he said', image: '' }],
      [4, { text: '5" of snow', image: 'a.png' }],
      [5, { text: '"Hi", she\nsaid', image: '' }],
    ]);
  });

  test.each([
    ['swallows rows up to the next one', 'text\timage\nok\t\n"Great\ta\nfine\tb\n"bad\tc\n', 3],
    ['swallows the rest', 'text,image\nok,\n"never closed,a\nfine,b\n', 3],
  ])('an unclosed quotation mark that %s is reported where it opens', async (_, content, row) => {
    await expect(read(content)).rejects.toMatchObject({ code: 'data', place: { row } });
    await expect(read(content)).rejects.toThrow(/quotation mark opens a field here and is not closed/);
  });

  test('a row with the wrong number of fields is reported by itself', async () => {
    expect(await read('text,image\nI was sad, or so,a.png\nfine\nok,\n')).toEqual([
      [2, 'has 3 fields, but the header names 2 columns'],
      [3, 'has 1 field, but the header names 2 columns'],
      [4, { text: 'ok', image: '' }],
    ]);
  });

  test('a row of bytes that are not text is reported by itself', async () => {
    expect(await read(Buffer.from('text\nI am a caf\u00e9\nfine\n', 'latin1'))).toEqual([
      [2, expect.stringMatching(/0xE9 at byte 11 of the row; .*Windows-1252/)],
      [3, { text: 'fine' }],
    ]);
  });
});

describe('JSONL', () => {
  test('splits at line feeds only, and accepts a byte order mark', async () => {
    const text = 'one\u2028two\u2029three\u0085four';
    const content = `\ufeff{"text":"${text}"}\r\n\r\n{"Text":"${text}"}\n\ufeff{"text":"joined"}`;
    for (const file of ['a.jsonl', 'a.csv', 'a'])
      expect(await read(content, { file })).toEqual([
        [1, { text }],
        [3, { text }],
        [4, { text: 'joined' }],
      ]);
  });

  test('reports rows that are not objects or have a key twice', async () => {
    expect(await read('{"text":"a"}\n{"text":NaN}\n[1]\n{"text":"a","TEXT ":"b"}\n')).toEqual([
      [1, { text: 'a' }],
      [2, expect.stringMatching(/^is not JSON \(Unexpected token/)],
      [3, 'is not a JSON object'],
      [4, 'has both "text" and "TEXT "'],
    ]);
  });
});

test('reads lines of text if allowed and the first is not a header', async () => {
  const lines = { lines: true };
  expect(await read('I am sad, or so\r\n\ntext\u2028 two\n', lines)).toEqual([
    [1, { text: 'I am sad, or so' }],
    [3, { text: 'text\u2028 two' }],
  ]);
  expect(await read('', lines)).toEqual([]);
  for (const table of ['text,image\nfine,', 'text;label\na;b;c\nfine;', 'text\nfine', '{"text":"fine"}'])
    expect((await read(table, lines)).at(-1)![1]).toMatchObject({ text: 'fine' });
});

test.each([
  ['two columns of the same name', 'text,Text \na,b\n', /two columns with the same name, "text" and "Text "/],
  ['nothing', '', /holds no rows/],
  ['a header alone', 'text,image\n', /holds no rows/],
  ['a JSON array', '[\n{"text":"a"}]', /is a JSON array[^]*jq/],
  ['a spreadsheet', 'PK\u0003\u0004\u0014\u0000', /spreadsheet[^]*CSV/],
])('%s is rejected', async (_, content, message) => {
  await expect(read(content)).rejects.toThrow(message);
});

test.each([
  [['text', 'imgae'], 'imgae'],
  [['text', 'images'], 'images'],
  [['text', 'Image Path'], 'Image Path'],
  [['text', 'post_image'], 'post_image'],
  [['text', 'image', 'images'], undefined],
  [['text', 'age', 'page', 'imaginary'], undefined],
])('among %j, the column likely meant by "image" is %s', (names, like) => {
  expect(lookalike(names, 'image')).toBe(like);
});
