// Progress: without a terminal one line every few seconds, on one a bar that is redrawn in place; work of an earlier run
// does not count towards rates.
import { expect, test } from 'vitest';
import { barProgress, formatSeconds, lineProgress, statusLine } from '../../src/cli/progress.js';

test('prints a line every five seconds with rate and remaining time, and one at the end', () => {
  const lines: string[] = [];
  let now = 0;
  const progress = lineProgress(
    { message: (text) => lines.push(text), warn: (text) => lines.push(`warning: ${text}`) },
    () => now,
  );
  progress.begin('ISEAR', 7000, 'texts');
  progress.skip(1000);
  for (now = 1000; now <= 10_000; now += 1000) progress.advance(100);
  progress.message('epoch 1');
  now = 70_000;
  progress.advance(5000);
  progress.begin('FER2013', undefined, 'images');
  progress.advance();
  progress.end();
  expect(lines).toEqual([
    'ISEAR: 1,500/7,000 texts, 100/s, 55 s left',
    'ISEAR: 2,000/7,000 texts, 100/s, 50 s left',
    'epoch 1',
    'ISEAR: 7,000/7,000 texts, 86/s',
    'ISEAR: 7,000 texts (1,000 from an earlier run) in 1:10',
    'FER2013: 1 images in 0 s',
  ]);
});

test('draws a bar on one line, with messages above it', () => {
  const calls: string[] = [];
  const line = { show: (text: string) => calls.push(`[${text}]`), clear: () => calls.push('-') };
  const print = (text: string): void => void calls.push(text);
  const progress = barProgress({ message: print, warn: print }, line);
  progress.begin('ISEAR', 8, 'texts');
  progress.skip(4);
  progress.message('a message');
  progress.begin('faces', undefined, 'images');
  progress.end();
  const half = `${'█'.repeat(12)}${'░'.repeat(12)} 50% 4/8 texts`;
  expect(calls).toEqual([
    '-',
    `[ISEAR ${'░'.repeat(24)} 0% 0/8 texts]`,
    `[ISEAR ${half}]`,
    '-',
    'a message',
    `[ISEAR ${half}]`,
    '-',
    'ISEAR: 4 texts (4 from an earlier run) in 0 s',
    '[faces 0 images]',
    '-',
    'faces: 0 images in 0 s',
  ]);
});

test('redraws the line in place at most ten times a second, and never lets it wrap', () => {
  let written = '';
  let now = 0;
  const screen = { columns: 10, write: (text: string) => ((written += text), true) };
  const line = statusLine(screen as unknown as NodeJS.WriteStream, () => now);
  line.show('0123456789');
  now = 99;
  line.show('too soon');
  now = 100;
  line.show('next');
  line.clear();
  line.clear();
  line.show('up again');
  expect(written).toBe('\r\x1b[K012345678\r\x1b[Knext\r\x1b[K\r\x1b[Kup again');
});

test('formats times', () => {
  expect([0, 59.4, 60, 271, 3909, Infinity].map(formatSeconds)).toEqual([
    '0 s',
    '59 s',
    '1:00',
    '4:31',
    '1:05:09',
    '–',
  ]);
});
