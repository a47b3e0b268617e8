// Detects whether a text is English, the only language that the text encoder was trained on.
import type * as Detector from 'eld/extrasmall';
import type { Piece } from '../../encoders/tokenizer.js';

/**
 * Words of no language: e-mail and web addresses, handles, hashtags, placeholders for names. An address is searched for
 * from the beginning of a run without white space only, so that the time is linear in the length of the run.
 */
const NOT_WORDS = /(?<!\S)\S+@\S+|[@#]\S+|(https?:|www\.)\S*|\bhttps?\b|\[[A-Z]+\]/g;
/** In Latin script, fewer words are names, loanwords and exclamations, unless they have `MIN_LETTERS_FEW_WORDS`. */
const MIN_WORDS = 3;
const MIN_LETTERS = 12;
const MIN_LETTERS_FEW_WORDS = 24;
/**
 * Margin by which another language's score must exceed that of English, times the number of letters: scores are means over
 * n-grams, whose variance grows the fewer there are. `MARGIN_KNOWN_WORDS` is added in proportion to the share of words of
 * at least four letters that the encoder's English vocabulary has as single tokens: nearly all English words, few others.
 * Chosen on half of the English lines (docs/recognition.md).
 */
const MARGIN = 3;
const MARGIN_KNOWN_WORDS = 12;
const MIN_KNOWN_LETTERS = 4;

let loading: Promise<typeof Detector | undefined> | undefined;
/**
 * Loaded with the first text, or in browsers with the model, since it is larger than all other code together. A page that
 * cannot fetch it answers without the warning and tries again with the next text.
 */
export const loadLanguageDetector = (): Promise<typeof Detector | undefined> =>
  (loading ??= import('eld/extrasmall').catch(() => (loading = undefined)));

/**
 * ISO 639-1 code of a text's language if it is not English, `und` for an unknown language in a script other than Latin;
 * undefined when it may be English.
 */
export async function foreignLanguage(text: string, pieces: readonly Piece[]): Promise<string | undefined> {
  const blanked = text.replace(NOT_WORDS, (match) => ' '.repeat(match.length));
  const kept = pieces.filter(({ start }) => blanked[start] !== ' ');
  const words = wordsOf(kept);
  const letters = count(words, /\p{L}/gu);
  const latin = count(words, /\p{Script=Latin}/gu);
  const isOtherScript = letters > 2 * latin && letters > 1;
  if (!isOtherScript) {
    const required = words.split(' ').length >= MIN_WORDS ? MIN_LETTERS : MIN_LETTERS_FEW_WORDS;
    if (letters < required) return undefined;
  }
  const loaded = await loadLanguageDetector();
  if (!loaded) return undefined;
  const { en = 0, ...others } = loaded.eld.detect(words).getScores();
  const [best, score] = Object.entries(others).reduce((first, one) => (one[1] > first[1] ? one : first), [
    'und',
    0,
  ] as const);
  const margin = (MARGIN + MARGIN_KNOWN_WORDS * shareOfKnownWords(kept)) / letters;
  return isOtherScript || score - en > margin ? best : undefined;
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** The words in plain letters, with their apostrophes and hyphens. */
function wordsOf(pieces: readonly Piece[]): string {
  let words = '';
  let at = 0;
  for (const { kind, start, end, plain } of pieces) {
    if (start > at) words += ' ';
    words += kind === 'word' || /^['’-]$/.test(plain) ? plain : ' ';
    at = end;
  }
  return words.replace(/\s+/g, ' ').trim();
}

/** The share of letters in words that are single tokens, among words of at least four letters. */
function shareOfKnownWords(pieces: readonly Piece[]): number {
  const words = pieces.filter(({ kind, readable }) => kind === 'word' && readable >= MIN_KNOWN_LETTERS);
  const known = words.filter(({ first, last, read }) => last - first === 1 && read > 0);
  const lettersIn = (some: readonly Piece[]): number =>
    some.reduce((total, { readable }) => total + readable, 0);
  return lettersIn(known) / Math.max(1, lettersIn(words));
}
