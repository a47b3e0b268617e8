// Rules on made logits, tokens as text, and segments of made tokens.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextToken, probabilityOf, type TokenRules } from '../../src/words/rules.js';
import { segmentsOf } from '../../src/words/segments.js';
import { checkWords, textOf } from '../../src/words/vocabulary.js';
import { whisperFolder } from '../../../../test/support/whisper.js';

/** Six text tokens, the end 6, no times 7, times from 8: 0 s to 0.22 s. */
const rules: TokenRules = {
  end: 6,
  noTimestamps: 7,
  firstTimestamp: 8,
  latestStart: 3,
  suppressed: [5],
  suppressedFirst: [0, 6],
};
const COUNT = 20;
const logitsOf = (likely: Readonly<Record<number, number>>): Float32Array =>
  Float32Array.from({ length: COUNT }, (_, i) => likely[i] ?? 0);

describe('the next token', () => {
  it('is never a suppressed one; some are suppressed at the start only', () => {
    const likely = { 5: 90, 0: 80, 1: 70 };
    expect(nextToken(logitsOf(likely), [], rules, false).token).toBe(1);
    expect(nextToken(logitsOf(likely), [1], rules, false).token).toBe(0);
    expect(nextToken(logitsOf({ 7: 90, 8: 80, 6: 1 }), [1], rules, false).token).toBe(6);
  });

  it('is a time at the start, below the latest start', () => {
    const { token } = nextToken(logitsOf({ 1: 90, 12: 80, 11: 70 }), [], rules);
    expect(token).toBe(11);
  });

  it('is text after a start and after a pair of times', () => {
    for (const chosen of [[8], [8, 1, 10, 10]])
      expect(nextToken(logitsOf({ 15: 90, 2: 1 }), chosen, rules).token).toBe(2);
  });

  it('is a time, the same at the earliest, or the end after the time that ends a segment', () => {
    const logits = logitsOf({ 2: 90, 9: 80, 10: 70, 6: 60 });
    expect(nextToken(logits, [8, 1, 10], rules).token).toBe(10);
    expect(nextToken(logitsOf({ 2: 90, 6: 60 }), [8, 1, 10], rules).token).toBe(6);
  });

  it('is a later time than the start of its segment', () => {
    expect(nextToken(logitsOf({ 9: 90, 10: 80, 11: 70 }), [10, 1], rules).token).toBe(11);
  });

  it('is a time if all times together are likelier than any text', () => {
    const times = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [12 + i, 4.5]));
    expect(nextToken(logitsOf({ 2: 5, ...times }), [8, 1], rules).token).toBe(12);
    expect(nextToken(logitsOf({ 2: 5, 12: 4.5 }), [8, 1], rules).token).toBe(2);
  });

  it('has its probability among the allowed', () => {
    const { logProbability } = nextToken(logitsOf({ 1: Math.log(3), 5: 90 }), [2], rules, false);
    // Tokens 0 to 4 and the end are allowed: 3 of 3 + 5.
    expect(Math.exp(logProbability)).toBeCloseTo(3 / 8, 6);
    expect(probabilityOf(1, logitsOf({ 1: Math.log(3) }))).toBeCloseTo(3 / 22, 6);
  });

  it('makes pairs of times that do not decrease, whatever the logits', () => {
    const draw = fc.array(fc.float({ min: -9, max: 9, noNaN: true }), { minLength: COUNT, maxLength: COUNT });
    fc.assert(
      fc.property(fc.array(draw, { minLength: 12, maxLength: 12 }), (rows) => {
        const chosen: number[] = [];
        for (const row of rows) {
          const { token, logProbability } = nextToken(Float32Array.from(row), chosen, rules);
          if (logProbability === -Infinity || Number.isNaN(logProbability) || token === rules.end) break;
          chosen.push(token);
        }
        const times = chosen.filter((token) => token >= rules.firstTimestamp);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(chosen).not.toContain(5);
        expect(chosen).not.toContain(rules.noTimestamps);
        expect(chosen[0]).toBeGreaterThanOrEqual(rules.firstTimestamp);
        // Times stand alone at the start, then in pairs.
        const marks = chosen.map((token) => (token >= rules.firstTimestamp ? 't' : 'x')).join('');
        expect(marks).toMatch(/^t(x+tt)*(x*|x+t)$/);
      }),
      { numRuns: 300 },
    );
  });
});

/** The 256 bytes as GPT-2 writes them, in the order of their values. */
const SIGNS = (() => {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const words = {
  format: 'mien-words-1',
  layers: 1,
  heads: 1,
  headWidth: 4,
  positions: 8,
  window: 30,
  start: 257,
  end: 256,
  noSpeech: 258,
  noTimestamps: 259,
  firstTimestamp: 260,
  latestStart: 50,
  suppressed: [],
  suppressedFirst: [],
  vocabulary: SIGNS,
};

describe('tokens', () => {
  it('reproduce any text from its bytes', () => {
    expect([SIGNS[0x20], SIGNS[0x0a], SIGNS[0x41], SIGNS[0xad]]).toEqual(['Ġ', 'Ċ', 'A', 'Ń']);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        // A decoder takes a byte-order mark at the start away.
        fc.pre(!text.startsWith('\uFEFF'));
        expect(textOf([...new TextEncoder().encode(text)], words)).toBe(text);
      }),
    );
  });

  it('have no text if they are special, and U+FFFD if they are not UTF-8', () => {
    expect(textOf([256, 0x61, 260, 300], words)).toBe('a');
    expect(textOf([0xc3, 0x61], words)).toBe('\uFFFDa');
  });

  it.skipIf(whisperFolder === undefined)(
    'give back what the published tokenizer made of a text',
    async () => {
      const read = async (name: string): Promise<object> =>
        JSON.parse(await readFile(join(whisperFolder!, name), 'utf8')) as object;
      const tokenizer = new Tokenizer(await read('tokenizer.json'), await read('tokenizer_config.json'));
      const ids = Object.entries(await read('vocab.json')) as [string, number][];
      const vocabulary = ids.sort(([, a], [, b]) => a - b).map(([token]) => token);
      for (const text of [
        ' Kids are talking by the door.',
        ' naïve café — 日本語 😀',
        '\n\ttabs  and 12,345',
      ]) {
        const encoding = tokenizer.encode(text, { add_special_tokens: false });
        expect(textOf(encoding.ids, { vocabulary })).toBe(text);
      }
    },
  );

  it('are rejected if they are not bytes or overlap', () => {
    expect(checkWords(words).window).toBe(30);
    expect(() => checkWords({ ...words, vocabulary: ['a', 'b c'] })).toThrow(/token 1/);
    expect(() => checkWords({ ...words, end: 3 })).toThrow(/text tokens come first/);
    expect(() => checkWords({ ...words, heads: 0 }, 'a/words.json')).toThrow(/a\/words\.json, heads/);
    expect(() => checkWords({ ...words, more: 1 })).toThrow(/more/);
  });
});

describe('segments', () => {
  const at = (seconds: number): number => 260 + Math.round(seconds / 0.02);
  const say = (text: string): number[] => [...new TextEncoder().encode(text)];

  it('lie between their times; what follows the last complete one is transcribed again', () => {
    const tokens = [at(0.4), ...say(' one'), at(1.2), at(2), ...say(' two'), at(3), at(3), ...say(' th')];
    const { segments, done } = segmentsOf(tokens, words, 30);
    expect(segments.map(({ text }) => text)).toEqual(['one', 'two']);
    const times = segments.flatMap(({ start, end }) => [start, end]);
    [0.4, 1.2, 2, 3].forEach((time, i) => expect(times[i]).toBeCloseTo(time, 9));
    expect(done).toBeCloseTo(3, 9);
  });

  it('cover a window that ends with a single time', () => {
    const tokens = [at(0), ...say('one'), at(1), at(1.5), ...say('two'), at(4)];
    const { segments, done } = segmentsOf(tokens, words, 2.5);
    expect(segments).toMatchObject([
      { start: 0, text: 'one' },
      { text: 'two', end: 2.5 },
    ]);
    expect(done).toBe(2.5);
  });

  it('are one if there is no pair of times', () => {
    expect(segmentsOf([at(0.5), ...say(' hi'), at(1)], words, 7)).toEqual({
      segments: [{ start: 0.5, end: 1, text: 'hi' }],
      done: 7,
    });
    expect(segmentsOf(say(' hi'), words, 7).segments).toEqual([{ start: 0, end: 7, text: 'hi' }]);
    expect(segmentsOf([], words, 7)).toEqual({ segments: [], done: 7 });
  });

  it('need text and duration', () => {
    const tokens = [at(0), ...say('  '), at(1), at(1), ...say('x'), at(2), at(8), ...say('y'), at(9)];
    expect(segmentsOf(tokens, words, 5).segments.map(({ text }) => text)).toEqual(['x']);
  });
});
