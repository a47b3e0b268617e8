// Words of a text and their tokens, with positions in the original text.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTokenizer } from '../../src/encoders/tokenizer.js';
import { normalizeText } from '../../src/data/cleaning.js';
import { tokenizedWords } from '../../src/explain/words.js';
import { bertTokenizerJson } from '../../../../test/support/pretrained.js';
import { codePoint } from '../../../../test/support/text.js';

const VOCABULARY = [
  'i',
  'felt',
  'so',
  'sad',
  '##ness',
  "'",
  'don',
  't',
  '!',
  '.',
  ',',
  '(',
  ')',
  'cafe',
  'e',
  '##e',
  '漢',
];
const tokenizer = createTokenizer(bertTokenizerJson(VOCABULARY), { maxTokens: 16 });
const told = (text: string): string[] => tokenizedWords(text, tokenizer).map(({ text: word }) => word);

describe('words', () => {
  test('are separated from punctuation around them, not inside them', () => {
    expect(told("I don't, felt (so sadness)!")).toEqual([
      'I',
      "don't",
      ',',
      'felt',
      '(',
      'so',
      'sadness',
      ')!',
    ]);
  });

  test('have all their tokens', () => {
    const words = tokenizedWords("I don't sadness", tokenizer);
    expect(words.map(({ first, last }) => [first, last])).toEqual([
      [1, 2],
      [2, 5],
      [5, 7],
    ]);
  });

  test('have positions in the text before normalisation of spaces, accents and brackets', () => {
    const text = ' [I  felt\n\tso cafe\u0301] ';
    const words = tokenizedWords(text, tokenizer);
    expect(words.map(({ start, end }) => text.slice(start, end))).toEqual(['I', 'felt', 'so', 'cafe\u0301']);
    expect(words.at(-1)!.end).toBe(text.indexOf(']'));
  });

  test('are separated from emoji, and have original positions if written in styled letters', () => {
    const text = '𝗜 felt😭😭so！ (ＳＡＤ❤️)';
    const parts = ['𝗜', 'felt', '😭', '😭', 'so', '！', '(', 'ＳＡＤ', '❤️', ')'];
    expect(told(text)).toEqual(parts);
    expect(tokenizedWords(text, tokenizer).map(({ start, end }) => text.slice(start, end))).toEqual(parts);
  });

  test('are omitted if truncated', () => {
    const words = tokenizedWords('i felt '.repeat(20), tokenizer);
    expect(words).toHaveLength(14);
    expect(words.at(-1)!.last).toBe(15);
  });

  test('are empty for a text without any', () => {
    expect(tokenizedWords('  ', tokenizer)).toEqual([]);
  });
});

test('every token belongs to one word, and positions are those of the word', () => {
  const part = fc.oneof(
    fc.constantFrom(
      ...VOCABULARY,
      ' ',
      '\n',
      '[',
      ']',
      '[MASK]',
      '[SEP]',
      '😀',
      '👩‍👩‍👧',
      'e\u0301',
      '\u00A0',
      '\uD800',
      '…',
      '¿qué?',
    ),
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.string({ unit: codePoint, maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      const text = parts.join('');
      const words = tokenizedWords(text, tokenizer);
      let [place, token] = [0, 1];
      for (const { text: word, start, end, first, last } of words) {
        expect(text.slice(start, end)).toBe(word);
        expect(start).toBeGreaterThanOrEqual(place);
        expect(first).toBe(token);
        expect(last).toBeGreaterThan(first);
        [place, token] = [end, last];
      }
      const { ids } = tokenizer.encode(normalizeText(text));
      if (words.length > 0) expect(token).toBe(ids.length - 1);
    }),
    { numRuns: 100 },
  );
});
