// Whether a text is English, which is all that the text encoder was trained on.
import type * as Detector from 'eld/extrasmall';
import type { Piece } from '../encoders/tokenizer.js';

/** Words of no language: addresses, handles, hash tags, placeholders for names. */
const NO_WORDS = /\S+@\S+|[@#]\S+|(https?:|www\.)\S*|\bhttps?\b|\[[A-Z]+\]/g;
/** In Latin letters, fewer words are names, loan words and exclamations, unless they have so many letters. */
const FEWEST_WORDS = 3;
const LONG = 24;
const FEWEST_LETTERS = 12;
/**
 * By how much another language must be likelier than English, divided by the number of letters: the detector's scores are
 * means over pieces of words, and scatter the further the fewer there are. The second is added by the share of words
 * that the encoder's vocabulary, an English one, has as a whole: of English words of four letters and more it is nearly
 * all, of others few. Chosen on one half of the English lines (docs/recognition.md).
 */
const LEAD = 3;
const LEAD_OF_WHOLE_WORDS = 12;
const WORD_OF_SOME_LENGTH = 4;

let loading: Promise<typeof Detector | undefined> | undefined;
/**
 * Loaded with the first text, since it is more code than all else together. A page that cannot fetch it answers without
 * the warning, and tries again with the next text.
 */
const detector = (): Promise<typeof Detector | undefined> =>
  (loading ??= import('eld/extrasmall').catch(() => (loading = undefined)));

/**
 * ISO 639-1 code of the language that a text is in, `und` where that cannot be told but its letters are no Latin ones, or
 * undefined when it may be English.
 */
export async function foreignLanguage(text: string, pieces: readonly Piece[]): Promise<string | undefined> {
  const blanked = text.replace(NO_WORDS, (found) => ' '.repeat(found.length));
  const kept = pieces.filter(({ start }) => blanked[start] !== ' ');
  const words = wordsOf(kept);
  const letters = count(words, /\p{L}/gu);
  const latin = count(words, /\p{Script=Latin}/gu);
  const hasOtherLetters = letters > 2 * latin && letters > 1;
  if (!hasOtherLetters) {
    const enough = words.split(' ').length >= FEWEST_WORDS ? FEWEST_LETTERS : LONG;
    if (letters < enough) return undefined;
  }
  const loaded = await detector();
  if (!loaded) return undefined;
  const { en = 0, ...others } = loaded.eld.detect(words).getScores();
  const [best, score] = Object.entries(others).reduce((first, one) => (one[1] > first[1] ? one : first), [
    'und',
    0,
  ] as const);
  const lead = (LEAD + LEAD_OF_WHOLE_WORDS * shareOfWholeWords(kept)) / letters;
  return hasOtherLetters || score - en > lead ? best : undefined;
}

const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

/** The words in plain letters, with the apostrophes and hyphens in them. */
function wordsOf(pieces: readonly Piece[]): string {
  let found = '';
  let at = 0;
  for (const { kind, start, end, plain } of pieces) {
    if (start > at) found += ' ';
    found += kind === 'word' || /^['’-]$/.test(plain) ? plain : ' ';
    at = end;
  }
  return found.replace(/\s+/g, ' ').trim();
}

/** Among words of some length, by letters. */
function shareOfWholeWords(pieces: readonly Piece[]): number {
  const words = pieces.filter(({ kind, readable }) => kind === 'word' && readable >= WORD_OF_SOME_LENGTH);
  const sum = (some: readonly Piece[]): number => some.reduce((total, { readable }) => total + readable, 0);
  return (
    sum(words.filter(({ first, last, read }) => last - first === 1 && read > 0)) / Math.max(1, sum(words))
  );
}
