// Progress off a terminal: one line every few seconds, rates that do not count an earlier run's work.
import { expect, test } from 'vitest';
import { formatSeconds, lineProgress } from '../../src/cli/progress.js';

test('a line every five seconds with rate and time left, and one at the end', () => {
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

test('times', () => {
  expect([0, 59.4, 60, 271, 3909, Infinity].map(formatSeconds)).toEqual([
    '0 s',
    '59 s',
    '1:00',
    '4:31',
    '1:05:09',
    '–',
  ]);
});
