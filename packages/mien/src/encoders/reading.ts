// How much of a text its tokens stand for: what the vocabulary has no tokens for is no evidence of anything.
import { countReadable } from './text-units.js';
import type { Encoding } from './tokenizer.js';

/** What became of a text's letters, digits and pictographs; punctuation and other signs are not counted. */
export interface Reading {
  /** Share of them that was read, 0 to 1; what was cut off was not. 1 where there are none. */
  readonly share: number;
  /** The same of what stands before the cut. */
  readonly shareBeforeCut: number;
  /** Whether there are any before the cut. */
  readonly hasWords: boolean;
  /** Whether any was read. */
  readonly isEvidence: boolean;
  /** Pieces that were not read, or only in part, as they were written; each once, in the order of the text. */
  readonly unread: readonly string[];
}

/** How much of a text was read, from the text and what the tokenizer made of it. */
export function readingOf(text: string, { pieces, truncated }: Encoding): Reading {
  const sum = (of: 'readable' | 'read'): number => pieces.reduce((total, piece) => total + piece[of], 0);
  const [readable, read] = [sum('readable'), sum('read')];
  const rest = truncated ? countReadable(text.slice(pieces.at(-1)!.end)) : 0;
  const shareOf = (all: number): number => (all > 0 ? read / all : 1);
  const unread = pieces.filter((piece) => piece.read < piece.readable);
  return {
    share: shareOf(readable + rest),
    shareBeforeCut: shareOf(readable),
    hasWords: readable > 0,
    isEvidence: read > 0,
    unread: [...new Set(unread.map(({ start, end }) => text.slice(start, end)))],
  };
}
