// Texts with a word of a hundred thousand letters: the word is unknown, everything else is read as without it.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createTokenizer, readingOf } from '../../src/encoders/tokenizer.js';
import { foreignLanguage } from '../../src/modalities/text/language.js';
import { prepareText } from '../../src/modalities/text/read.js';

const json = readFileSync(new URL('../../../../models/lite/tokenizer.json', import.meta.url), 'utf8');
const tokenizer = createTokenizer(JSON.parse(json), { maxTokens: 128 });
const UNKNOWN = tokenizer.idOf('[UNK]')!;
const N = 100_000;

describe.each([
  ['one letter', 'a'.repeat(N)],
  ['several letters', 'abcdefghij'.repeat(N / 10)],
  ['letters with accents', 'é'.repeat(N)],
  ['ASCII letters before one with an accent', `${'ab'.repeat(N / 2)}é`],
  ['digits', '1'.repeat(N)],
])('a word of %s', (_name, word) => {
  test('is one unknown token', async () => {
    const { ids, pieces, truncated } = tokenizer.encode(word);
    expect([...ids.slice(1, -1)]).toEqual([UNKNOWN]);
    expect(pieces).toMatchObject([
      { kind: 'word', start: 0, end: word.length, readable: word.length, read: 0 },
    ]);
    expect(truncated).toBe(false);
    expect((await prepareText(word, tokenizer)).error).toMatchObject({
      code: 'empty-text',
      message: expect.stringMatching(/^.{1,150}$/) as string,
    });
  });

  test('does not change how its neighbours are read', () => {
    const sentence = 'I am so happy';
    const alone = tokenizer.encode(sentence);
    const beside = tokenizer.encode(`${sentence} ${word}`);
    expect([...beside.ids]).toEqual([...alone.ids.slice(0, -1), UNKNOWN, alone.ids.at(-1)]);
    expect(readingOf(`${sentence} ${word}`, beside)).toMatchObject({ isEvidence: true, unread: [word] });
  });
});

test('a word that is split into very many parts is truncated', () => {
  const { ids, truncated } = tokenizer.encode('aж'.repeat(2 * N));
  expect([ids.length, truncated]).toEqual([128, true]);
});

test('a run of a hundred thousand characters around an address has no language', async () => {
  const german = 'Ich freue mich sehr über das schöne Wetter';
  const run = `${'b'.repeat(N)}@${'b'.repeat(N)}`;
  const text = `${german} ${run}`;
  const { pieces } = createTokenizer(JSON.parse(json), { maxTokens: 3 * N }).encode(text);
  expect(await foreignLanguage(text, pieces)).toBe('de');
});
