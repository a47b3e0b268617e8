// Tokenisation: ids of the reference implementation, cutting, and texts nobody meant to be texts.
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from 'mien-engine/node';
import { addTokens } from '../../src/encoders/added-tokens.js';
import { createTokenizer } from 'mien/parts/encoders';
import { goldenPath } from '../../../../test/support/golden.js';
import { bertTokenizerJson } from '../../../../test/support/pretrained.js';
import { codePoint } from '../../../../test/support/text.js';

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

  it('adds special tokens, also to an empty text', () => {
    expect(encode('Joyful FEAR')).toEqual([101, id('joy'), id('##ful'), id('fear'), 102]);
    expect(encode('')).toEqual([101, 102]);
    expect(encode(' \n\t ')).toEqual([101, 102]);
    expect(encode('zebra')).toEqual([101, 100, 102]);
  });

  it('truncates the text and keeps the special tokens', () => {
    expect(tokenizer.encode('a b a b')).toMatchObject({ truncated: false });
    const { ids, truncated } = tokenizer.encode('a b a joyful');
    expect([...ids]).toEqual([101, id('a'), id('b'), id('a'), id('joy'), 102]);
    expect(truncated).toBe(true);
  });

  it('truncates very long texts as if it had tokenised all of them', () => {
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

  it('accepts any string: unpaired surrogates, control characters, emoji', () => {
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
    ['an emoji behind', 'fear😱'],
    ['an emoji before', '😱fear'],
    ['a joined emoji with a skin tone', 'fear👩🏽‍🤝‍👨🏿'],
    ['a variation selector', 'fear❤️'],
    ['a flag', 'fear🇩🇪'],
    ['a keycap', 'fear#️⃣'],
    ['a currency sign', 'fear€'],
    ['a mathematical sign', 'fear≠'],
    ['a box', 'fear█'],
    ['letters of an unknown script', 'fearㅠㅠ'],
  ])('recognises a word beside %s', (_, text) => {
    const { ids, pieces } = tokenizer.encode(text);
    expect([...ids].filter((one) => one > 103)).toEqual([id('fear')]);
    expect(ids).toHaveLength(4);
    const word = pieces.find(({ read }) => read > 0);
    if (text !== 'fearㅠㅠ') expect(text.slice(word!.start, word!.end)).toBe('fear');
  });

  it('recognises the words on both sides of any symbols', () => {
    const symbol = fc
      .integer({ min: 0x21, max: 0x1faff })
      .map((code) => (code >= 0xd800 && code < 0xe000 ? '€' : String.fromCodePoint(code)))
      .filter((one) => /[\p{P}\p{S}]/u.test(one) && one.normalize('NFKC') === one);
    const symbols = fc.array(symbol, { minLength: 1, maxLength: 3 }).map((some) => some.join(''));
    const whole = createTokenizer(json, { maxTokens: 64 });
    fc.assert(
      fc.property(symbols, (between) => {
        const known = [...whole.encode(`fear${between}joy`).ids].filter((one) => one > 103);
        // White capitals on black are letters.
        fc.pre(!/[\u{1F150}-\u{1F189}]/u.test(between));
        expect(known).toEqual([id('fear'), id('joy')]);
      }),
    );
  });

  it.each([
    ['mathematical', '𝗙𝗲𝖆𝓇'],
    ['full-width', 'ＦＥＡＲ'],
    ['circled', 'ⓕⓔⓐⓡ'],
    ['squared', '🄵🄴🄰🅁'],
    ['white on black', '🅕🅴🅐🆁'],
    ['raised', 'ᶠᵉᵃʳ'],
    ['small capital', 'ꜰᴇᴀʀ'],
    ['struck', 'f̶e̶a̶r̶'],
    ['boxed', 'F⃞E⃞A⃞R⃞'],
    ['invisibly divided', 'fe\u200Ba\u00ADr'],
  ])('reads %s letters as plain ones', (_, text) => {
    const { ids, pieces } = tokenizer.encode(`a ${text}`);
    expect([...ids]).toEqual([101, id('a'), id('fear'), 102]);
    expect(pieces[1]).toMatchObject({ start: 2, end: 2 + text.length, first: 2, last: 3 });
  });

  it('keeps a joined emoji in one piece', () => {
    const emoji = ['😡', '❤️', '👩🏽‍🦰', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🇩🇪', '1️⃣', '🅰️', 'ℹ️', '👨‍👩‍👧‍👦', '🤦🏻‍♂️'];
    const { pieces } = createTokenizer(json, { maxTokens: 64 }).encode(emoji.join(''));
    const text = emoji.join('');
    expect(pieces.map(({ start, end }) => text.slice(start, end))).toEqual(emoji);
    expect(pieces.every(({ kind, first, last }) => kind === 'pictograph' && last === first + 1)).toBe(true);
  });

  it('does not count words split into single letters of another script as recognised', () => {
    const readBy = (own: readonly string[], text: string): number => {
      const { encode: by } = createTokenizer(bertTokenizerJson(own), { maxTokens: 64 });
      return by(text).pieces.reduce((sum, piece) => sum + piece.read, 0);
    };
    const letters = ['a', '##a', 'я', '##я', '心'];
    expect(readBy(letters, 'aa яя 心')).toBe(2);
    const russian = Array.from({ length: 100 }, (_, i) => `я${String.fromCodePoint(0x430 + (i % 32))}${i}`);
    expect(readBy([...letters, ...russian], 'aa яя 心')).toBe(4);
    const chinese = Array.from({ length: 1000 }, (_, i) => String.fromCodePoint(0x4e00 + i));
    expect(readBy([...letters, ...chinese], 'aa яя 心')).toBe(3);
  });

  it('gives added sequences their own tokens', () => {
    const sequences = ['😡', '🤷🏿️', '[NAME]', ':(', ':((', 'xD'];
    const { json: extended, ids: own } = addTokens(json, sequences);
    expect([...own.values()]).toEqual([1, 2, 3, 4, 5, 6]);
    const { encode: read } = createTokenizer(extended, { maxTokens: 64 });
    const body = (text: string): number[] => [...read(text).ids.slice(1, -1)];
    const of = (...some: string[]): number[] => some.map((one) => own.get(one) ?? id(one));
    expect(body('fear😡😡🏽')).toEqual(of('fear', '😡', '😡'));
    expect([...own.keys()]).toEqual(['😡', '🤷', '[NAME]', ':(', ':((', 'xD']);
    expect(body('🤷🏽‍♀️joy')).toEqual(of('🤷', 'joy'));
    expect(body('[NAME]fear:((:(xD')).toEqual(of('[NAME]', 'fear', ':((', ':(', 'xD'));
    // Neither the beginning nor the inside of a word.
    expect(body('xDa')).toEqual([100]);
    expect(body('axD')).toEqual([100]);
    expect(createTokenizer(json, { maxTokens: 64, addedTokens: own }).encode('fear😡').ids).toEqual(
      read('fear😡').ids,
    );
    expect(() => addTokens(extended, ['😡'])).toThrow(/already has a token/);
    expect(() =>
      addTokens(
        json,
        Array.from({ length: 100 }, (_, i) => `:${i}`),
      ),
    ).toThrow(/99 unused/);
  });

  it.each([
    null,
    [],
    {},
    { model: {} },
    { model: { type: 'WordPiece' } },
    { model: { type: 'Nonsense', vocab: {} } },
  ])('rejects an invalid tokenizer: %j', (broken) => {
    expect(() => createTokenizer(broken, { maxTokens: 8, file: 'tokenizer.json' })).toThrow(
      /tokenizer\.json: is not a tokenizer/,
    );
  });

  it('rejects a limit that leaves no room for text', () => {
    expect(() => createTokenizer(json, { maxTokens: 2 })).toThrow(/no room/);
  });
});
