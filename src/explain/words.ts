// Which tokens are which words of the text as it was written: the tokeniser itself says no places.
import { normalizeText } from '../data/cleaning.js';
import type { Tokenizer } from '../encoders/tokenizer.js';

/** A stretch of a text and the tokens that it became. */
export interface Word {
  readonly text: string;
  /** Places in the text as it was given, in UTF-16 units as JavaScript counts: from `start` to before `end`. */
  readonly start: number;
  readonly end: number;
  /** Its tokens among all of the text, special ones counted: from `first` to before `last`. */
  readonly first: number;
  readonly last: number;
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** An answer that stands in square brackets as a whole is read without them (`normalizeText`). */
const BRACKETED = /^\s*\[([^[\]]*)\]?\.?\s*$/;
/** What belongs to words: letters, digits, and the marks on them. */
const WORDLIKE = /[\p{L}\p{N}\p{M}]/u;

function inner(text: string): Stretch {
  const found = BRACKETED.exec(text);
  if (!found) return { start: 0, end: text.length };
  const start = text.indexOf('[') + 1;
  return { start, end: start + found[1]!.length };
}

/** A stretch between white space as punctuation before, what is in it from the first letter to the last, and behind. */
function pieces(text: string, { start, end }: Stretch): Stretch[] {
  const units = [...text.slice(start, end)];
  const isWord = units.map((unit) => WORDLIKE.test(unit));
  const [from, to] = [isWord.indexOf(true), isWord.lastIndexOf(true) + 1];
  if (to === 0) return [{ start, end }];
  const length = (some: readonly string[]): number => some.join('').length;
  const first = start + length(units.slice(0, from));
  const last = start + length(units.slice(0, to));
  return [
    { start, end: first },
    { start: first, end: last },
    { start: last, end },
  ].filter((piece) => piece.end > piece.start);
}

/**
 * The words of a text, punctuation before and behind them apart, with the tokens that each became; those that were cut
 * off or became none are left out. No BERT token crosses white space; where the tokens of the parts are not those of the
 * whole all the same, the text is one word.
 */
export function wordsOf(text: string, tokenizer: Tokenizer): Word[] {
  const { before, after } = tokenizer.margins;
  const tokens = (part: string): Int32Array => {
    const { ids } = tokenizer.encode(part.normalize('NFC'));
    return ids.subarray(before, ids.length - after);
  };
  const whole = inner(text);
  const all = tokenizer.encode(normalizeText(text)).ids;
  const body = all.subarray(before, all.length - after);
  const words: Word[] = [];
  let at = 0;
  let agrees = true;
  const take = (stretch: Stretch, ids: Int32Array): void => {
    const count = Math.min(ids.length, body.length - at);
    if (count <= 0) return;
    agrees &&= ids.subarray(0, count).every((id, i) => id === body[at + i]);
    const { start, end } = stretch;
    words.push({ text: text.slice(start, end), start, end, first: before + at, last: before + at + count });
    at += count;
  };
  for (const { 0: chunk, index } of text.slice(whole.start, whole.end).matchAll(/\S+/g)) {
    const stretch = { start: whole.start + index, end: whole.start + index + chunk.length };
    const ids = tokens(chunk);
    const parts = pieces(text, stretch);
    const ofParts = parts.map(({ start, end }) => tokens(text.slice(start, end)));
    if (equal(ids, ofParts)) parts.forEach((part, i) => take(part, ofParts[i]!));
    else take(stretch, ids);
  }
  if (agrees && at === body.length) return words;
  const { start, end } = whole;
  return [{ text: text.slice(start, end), start, end, first: before, last: before + body.length }];
}

const equal = (ids: Int32Array, parts: readonly Int32Array[]): boolean => {
  const joined = parts.flatMap((part) => [...part]);
  return joined.length === ids.length && joined.every((id, i) => id === ids[i]);
};
