// Which tokens are which words of the text as it was written.
import type { Piece, Tokenizer } from '../encoders/tokenizer.js';

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

/** An answer that stands in square brackets as a whole is read without them (`normalizeText`). */
const BRACKETED = /^\s*\[([^[\]]*)\]?\.?\s*$/;

/**
 * The words of a text with the tokens that each became; those that were cut off or became none are left out. A word
 * reaches from its first letter to its last before white space, a pictograph or another sequence with a token of its own;
 * signs before and behind stand apart.
 */
export function tokenizedWords(text: string, tokenizer: Tokenizer): Word[] {
  const inner = BRACKETED.exec(text)?.[1];
  const offset = inner === undefined ? 0 : text.indexOf('[') + 1;
  const read = inner ?? text;
  const { pieces } = tokenizer.encode(read);
  return runsOf(read, pieces)
    .flatMap(parts)
    .map((run) => {
      const [start, end] = [offset + run[0]!.start, offset + run.at(-1)!.end];
      return { text: text.slice(start, end), start, end, first: run[0]!.first, last: run.at(-1)!.last };
    });
}

const isLone = ({ kind }: Piece): boolean => kind === 'pictograph' || kind === 'added';

/** Pieces between which there is no white space; those that are words by themselves are alone. */
function runsOf(text: string, pieces: readonly Piece[]): Piece[][] {
  const runs: Piece[][] = [];
  for (const piece of pieces) {
    const before = runs.at(-1)?.at(-1);
    const isNew =
      before === undefined ||
      isLone(before) ||
      isLone(piece) ||
      /\s/.test(text.slice(before.end, piece.start));
    if (isNew) runs.push([piece]);
    else runs.at(-1)!.push(piece);
  }
  return runs;
}

/** The signs before the first word, what reaches from it to the last one, and the signs behind. */
function parts(run: readonly Piece[]): (readonly Piece[])[] {
  const isWord = run.map(({ kind }) => kind === 'word');
  const [from, to] = [isWord.indexOf(true), isWord.lastIndexOf(true) + 1];
  const all = to === 0 ? [run] : [run.slice(0, from), run.slice(from, to), run.slice(to)];
  return all.filter((part) => part.length > 0);
}
