// Strict decoding: text round-trips however it is split into chunks, and invalid bytes are reported with their position.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeLines, decodeParts, decodeText, type Decoded } from '../../src/base/decode.js';

const encodings: Readonly<Record<string, (text: string) => Uint8Array>> = {
  'UTF-8': (text) => Buffer.from(text),
  'UTF-8 with a mark': (text) => Buffer.from(`\ufeff${text}`),
  'UTF-16 LE': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16 BE': (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
};
/** Characters of every length, some with bytes like newlines (Ċ, 上, U+0A00), and a byte order mark inside the text. */
const characters = fc.constantFrom(...'a\n\r"é\u010a\u0a0a上😡\u2028\ufeff');
const texts = fc
  .array(characters, { maxLength: 40 })
  .map((all) => all.join(''))
  .filter((text) => !text.startsWith('\ufeff'));

async function partsOf(bytes: Uint8Array, cuts: readonly number[] = []): Promise<Decoded[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
    for (const [i, end] of ends.entries()) yield bytes.subarray(ends[i - 1] ?? 0, end);
  }
  const parts: Decoded[] = [];
  for await (const part of decodeParts(chunks(), 'f')) parts.push(part);
  return parts;
}

test.each(Object.entries(encodings))('decodes %s, whole or in parts of whole lines', async (_, encode) => {
  await fc.assert(
    fc.asyncProperty(texts, fc.array(fc.nat(), { maxLength: 6 }), async (text, cuts) => {
      const bytes = encode(text);
      expect(decodeText(bytes, 'f')).toBe(text);
      const parts = await partsOf(bytes, cuts);
      expect(parts.map((part) => part.text).join('')).toBe(text);
      for (const part of parts.slice(0, -1)) expect(part.text.endsWith('\n')).toBe(true);
      expect(parts.flatMap(({ bad }) => bad)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('reports the first invalid byte of each row and keeps everything else', async () => {
  const bytes = Buffer.concat([
    Buffer.from('id,text\n1,naïve\n2,caf'),
    Buffer.from([0xe9]),
    Buffer.from(' au lait, '),
    Buffer.from([0xff]),
    Buffer.from('\n3,fine\n4,cut '),
    Buffer.from([0xf0, 0x9f]),
  ]);
  const bad = [
    { row: 3, byte: 6, value: 0xe9, encoding: 'utf-8' },
    { row: 5, byte: 7, value: 0xf0, encoding: 'utf-8' },
  ];
  expect(decodeLines(bytes).bad).toEqual(bad);
  expect(decodeLines(bytes).text.split('\n').slice(0, 4)).toEqual([
    'id,text',
    '1,naïve',
    '2,caf\ufffd au lait, \ufffd',
    '3,fine',
  ]);
  for (const cut of [10, 20, 21, 22, bytes.length - 1])
    expect((await partsOf(bytes, [cut])).flatMap((part) => part.bad)).toEqual(bad);
  expect(() => decodeText(bytes, 'latin1.csv')).toThrow(
    /^latin1\.csv, row 3: bytes that are not UTF-8 \(0xE9 at byte 6 of the row; .*Windows-1252.*\n.*iconv -f WINDOWS-1252/,
  );
  // A replacement character in the file is valid.
  expect(decodeText(Buffer.from('lost \ufffd'), 'f')).toBe('lost \ufffd');
  const odd = Buffer.concat([Buffer.from('\ufeffa\nb', 'utf16le'), Buffer.from([0x41])]);
  expect(() => decodeText(odd, 'f')).toThrow(/^f, row 2: bytes that are not UTF-16 \(0x41 at byte 3/);
});

test.each([
  ['a spreadsheet', [0x50, 0x4b, 3, 4, 20, 0], /spreadsheet \(\.xlsx, \.ods\)[^]*CSV UTF-8/],
  ['an old spreadsheet', [0xd0, 0xcf, 0x11, 0xe0, 0xa1], /\.xls/],
  ['gzip', [0x1f, 0x8b, 8, 0], /gzip/],
  ['UTF-32', [0xff, 0xfe, 0, 0, 0x61, 0, 0, 0], /UTF-32/],
  ['UTF-16 without a mark', [0x61, 0, 0x62, 0, 10, 0], /UTF-16 without a byte order mark/],
  ['arbitrary bytes', [1, 2, 3, 0, 5, 6, 7, 8], /not a text file/],
])('names the kind of a file that is %s', async (_, bytes, message) => {
  expect(() => decodeText(Uint8Array.from(bytes), 'f')).toThrow(message);
  await expect(partsOf(Uint8Array.from(bytes))).rejects.toThrow(message);
});
