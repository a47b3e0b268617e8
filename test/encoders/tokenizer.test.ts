// Tokenisation: ids of the reference implementation, cutting, and texts nobody meant to be texts.
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../src/base/files.js';
import { createTokenizer } from '../../src/encoders/tokenizer.js';
import { goldenPath } from '../support/golden.js';
import { bertTokenizerJson } from '../support/pretrained.js';
import { codePoint } from '../support/text.js';

const weights = process.env['MIEN_WEIGHTS'];

describe.skipIf(!weights)('all-MiniLM-L6-v2 (MIEN_WEIGHTS)', () => {
  it('gives the ids of the reference implementation', async () => {
    const golden = (await readJson(goldenPath('all-MiniLM-L6-v2.json'))) as {
      max_length: number;
      texts: { text: string; input_ids: number[] }[];
    };
    const json = await readJson(join(weights!, 'all-MiniLM-L6-v2', 'tokenizer.json'));
    const tokenizer = createTokenizer(json, { maxTokens: golden.max_length });
    for (const { text, input_ids } of golden.texts) {
      const { ids, truncated } = tokenizer.encode(text);
      expect([...ids], text.slice(0, 40)).toEqual(input_ids);
      expect(truncated).toBe(text.startsWith('fear fear'));
    }
  });
});

describe('a small BERT tokenizer', () => {
  const words = ['fear', 'joy', '##ful', 'a', 'b', '##b'];
  const json = bertTokenizerJson(words);
  const id = (word: string): number => 104 + words.indexOf(word);
  const tokenizer = createTokenizer(json, { maxTokens: 6 });
  const encode = (text: string): number[] => [...tokenizer.encode(text).ids];

  it('frames texts by special tokens, the empty one too', () => {
    expect(encode('Joyful FEAR')).toEqual([101, id('joy'), id('##ful'), id('fear'), 102]);
    expect(encode('')).toEqual([101, 102]);
    expect(encode(' \n\t ')).toEqual([101, 102]);
    expect(encode('zebra')).toEqual([101, 100, 102]);
  });

  it('cuts the text and keeps the frame', () => {
    expect(tokenizer.encode('a b a b')).toMatchObject({ truncated: false });
    const { ids, truncated } = tokenizer.encode('a b a joyful');
    expect([...ids]).toEqual([101, id('a'), id('b'), id('a'), id('joy'), 102]);
    expect(truncated).toBe(true);
  });

  it('cuts very long texts as if it had read them whole', () => {
    const whole = createTokenizer(json, { maxTokens: 100_000 });
    const texts = [
      `${' '.repeat(5000)}a`,
      `${'a '.repeat(5000)}b`,
      `joy${'b'.repeat(5000)} a`,
      `${'\n'.repeat(180)}${'ab '.repeat(300)}`,
    ];
    for (const text of texts) {
      const full = [...whole.encode(text).ids];
      const expected = full.length <= 6 ? full : [...full.slice(0, 5), 102];
      expect(encode(text)).toEqual(expected);
    }
  });

  it('takes any string: unpaired surrogates, control characters, emoji', () => {
    expect(encode('a\ud800 \udc00b\u0000\u0007')).toEqual([101, id('a'), id('b'), 102]);
    fc.assert(
      fc.property(fc.string({ unit: codePoint, maxLength: 400 }), (text) => {
        const { ids } = tokenizer.encode(text);
        expect(ids.length).toBeLessThanOrEqual(6);
        expect([ids[0], ids.at(-1)]).toEqual([101, 102]);
        expect([...ids].every((token) => Number.isInteger(token) && token >= 0)).toBe(true);
      }),
    );
  });

  it.each([
    null,
    [],
    {},
    { model: {} },
    { model: { type: 'WordPiece' } },
    { model: { type: 'Nonsense', vocab: {} } },
  ])('refuses what is no tokenizer: %j', (broken) => {
    expect(() => createTokenizer(broken, { maxTokens: 8, file: 'tokenizer.json' })).toThrow(
      /tokenizer\.json: is not a tokenizer/,
    );
  });

  it('refuses a limit that leaves no room', () => {
    expect(() => createTokenizer(json, { maxTokens: 2 })).toThrow(/no room/);
  });
});
