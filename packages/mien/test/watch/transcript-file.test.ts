// Transcripts of recordings from files: tables, SubRip and WebVTT, and files that are none.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTranscript } from '../../src/watch/transcript-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-transcripts-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(content: string | Uint8Array, name = 'said.srt') {
  const file = join(folder, name);
  await writeFile(file, content);
  return readTranscript(file);
}

const SRT = `1
00:00:01,000 --> 00:00:02,500
I am <i>so</i> glad
to see you.

2
00:00:02,000 --> 01:00:03,250
- {\\an8}<font color="#fff">Me</font>   too!

3
00:01:00,000 --> 00:01:01,000

`;

const SAID = [
  { start: 1, end: 2.5, text: 'I am so glad to see you.' },
  { start: 2, end: 3603.25, text: '- Me too!' },
];

const VTT = `WEBVTT - a film
Kind: captions

STYLE
::cue { color: red }

NOTE of 00:01
that --- nothing is said

note
00:01.000 --> 00:02.500 align:start position:0%
<v.loud Anna>I <b>am</b> &lt;glad&gt;</v> &amp; <00:00:01.500><c.yellow>calm</c>

REGION
id:fred

100:00:00.000 --> 100:00:00.001
I <3 you&nbsp;5 < 6
`;

const HEARD = [
  { start: 1, end: 2.5, text: 'I am <glad> & calm' },
  { start: 360_000, end: 360_000.001, text: 'I <3 you 5 < 6' },
];

describe('subtitles', () => {
  it('of SubRip: hours, several lines, overlaps; markup and empty ones are left out', async () => {
    expect(await read(SRT)).toEqual(SAID);
  });

  it('of WebVTT: without hours, with names, settings, comments and entities', async () => {
    expect(await read(VTT, 'said.vtt')).toEqual(HEARD);
    const close = 'WEBVTT\n00:01.000 --> 00:02.000\nHi\n\nNOTE\n\nNOTES\n00:02.000 --> 00:03.000\nHo';
    expect(await read(close, 'said.vtt')).toEqual([
      { start: 1, end: 2, text: 'Hi' },
      { start: 2, end: 3, text: 'Ho' },
    ]);
  });

  it('with any line ends, a byte order mark, UTF-16, blank lines around, whatever the name', async () => {
    for (const [content, expected] of [
      [SRT, SAID],
      [VTT, HEARD],
    ] as const)
      for (const text of [content, content.replaceAll('\n', '\r\n'), content.replaceAll('\n', '\r')])
        for (const bytes of [text, `\ufeff${text}`, `\n \n${text}`, Buffer.from(`\ufeff${text}`, 'utf16le')])
          for (const name of ['said.srt', 'said.vtt', 'said.txt', 'said'])
            expect(await read(bytes, name)).toEqual(expected);
  });

  it('without numbers, with dots, coordinates or hours of one digit', async () => {
    const text =
      '0:00:01.000-->0:00:02.000 X1:1 X2:2\nHi\n\n\n\n00:00:02,000 --> 00:00:02,000\nHo\n00:00:03 is late';
    expect(await read(text)).toEqual([
      { start: 1, end: 2, text: 'Hi' },
      { start: 2, end: 2, text: 'Ho 00:00:03 is late' },
    ]);
  });

  it.each([
    [
      'an arrow that is none',
      '1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\n00:00:02,000 -> 00:00:03,000\nHo',
      5,
    ],
    ['an end before the start', '1\n00:00:02,000 --> 00:00:01,000\nHi', 2],
    ['no end', '1\n00:00:01,000 -->\nHi', 2],
    ['no milliseconds', 'WEBVTT\r\n\r\n00:00:01 --> 00:00:02\r\nHi', 3],
    ['minutes beyond the hour', '00:61:00,000 --> 00:62:00,000\nHi', 1],
    ['a negative time', '-00:00:01,000 --> 00:00:02,000\nHi', 1],
    ['a blank line in a subtitle', '1\n00:00:01,000 --> 00:00:02,000\nHi\n\nthere', 5],
    ['two lines before the times', '1\nname\n00:00:01,000 --> 00:00:02,000\nHi', 2],
    ['text', 'I am so glad\nto see you', 1],
  ])('%s is an error that names file and line', async (_, text, row) => {
    const file = join(folder, 'said.srt');
    await expect(read(text)).rejects.toMatchObject({ code: 'data', place: { file, row } });
    await expect(read(text)).rejects.toThrow(/is not the time of a subtitle\n.*00:01:02,500 -->/);
  });

  it('files without subtitles, that are no text, or not there, are errors that name the file', async () => {
    for (const content of ['', ' \n\n', 'WEBVTT', 'WEBVTT\n\nNOTE nothing\n'])
      await expect(read(content, 'said.vtt')).rejects.toThrow(/said\.vtt: holds no subtitles/);
    await expect(read(Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0]))).rejects.toMatchObject({
      code: 'data',
    });
    const latin1 = Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nJ’étais déçu', 'latin1');
    await expect(read(latin1)).rejects.toMatchObject({ code: 'data', place: { row: 3 } });
    await expect(readTranscript(join(folder, 'none.srt'))).rejects.toMatchObject({ code: 'file' });
  });

  it('any text gives parts or an error of its own, also if long', async () => {
    const piece = fc.constantFrom(
      '\n',
      '-->',
      '00:00:01,000 --> 00:00:02,000',
      'WEBVTT',
      '<v ',
      '>',
      '1',
      'NOTE',
      'a',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
        const parts = await read(pieces.join('')).catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'MienError', code: 'data' });
          return [];
        });
        for (const { start, end, text } of parts) expect([start <= end, text]).toEqual([true, text.trim()]);
      }),
      { numRuns: 100 },
    );
    const long = `00:00:01,000 --> 00:00:02,000\n${'<v.'.repeat(300_000)}`;
    expect((await read(long))[0]!.text).toHaveLength(900_000);
  });
});

describe('tables', () => {
  const parts = [
    { start: 0, end: 1.5, text: 'Hi, <i>you</i>' },
    { start: 1, end: 2, text: 'a --> b' },
  ];

  it('of CSV and JSONL, rows without words left out', async () => {
    const csv = 'start,end,text\n0,1.5,"Hi, <i>you</i>"\n1,2,a --> b\n3,4,\n';
    expect(await read(csv, 'said.csv')).toEqual(parts);
    expect(await read(parts.map((part) => JSON.stringify(part)).join('\n'), 'said.jsonl')).toEqual(parts);
  });

  it('with a row that is none, or without a column, are errors', async () => {
    const file = join(folder, 'said.csv');
    await expect(read('start,end,text\n0,1,Hi\n3,2,Ho\n', 'said.csv')).rejects.toMatchObject({
      code: 'data',
      place: { file, row: 3 },
    });
    await expect(read('start,text\n0,Hi\n', 'said.csv')).rejects.toMatchObject({ code: 'usage' });
  });
});
