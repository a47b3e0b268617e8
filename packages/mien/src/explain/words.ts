// Maps the words of a text to their tokens.
import type { Piece, Tokenizer } from '../encoders/tokenizer.js';

/** A word of a text and its tokens. */
export interface Word {
  readonly text: string;
  /** Position in the original text in UTF-16 units: from `start` up to `end`, exclusive. */
  readonly start: number;
  readonly end: number;
  /** Positions of its tokens in the encoding, special tokens included: from `first` up to `last`, exclusive. */
  readonly first: number;
  readonly last: number;
}

/** A text in square brackets as a whole is read without them (`normalizeText`). */
const BRACKETED = /^\s*\[([^[\]]*)\]?\.?\s*$/;

/**
 * The words of a text with their tokens, without words that were truncated or have no tokens. A word ends before white
 * space, a pictograph or another sequence with a token of its own; punctuation before and after it is separate.
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

/** Runs of pieces without white space in between; pictographs and added sequences are runs of their own. */
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

/** The punctuation before the first word, from the first to the last word, and the punctuation after it. */
function parts(run: readonly Piece[]): (readonly Piece[])[] {
  const isWord = run.map(({ kind }) => kind === 'word');
  const [from, to] = [isWord.indexOf(true), isWord.lastIndexOf(true) + 1];
  const all = to === 0 ? [run] : [run.slice(0, from), run.slice(from, to), run.slice(to)];
  return all.filter((part) => part.length > 0);
}
