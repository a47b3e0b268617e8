// Which scripts a vocabulary reads: of those that it was not made for it has single letters, and a word spelled in these
// is no word to the encoder.

/** Letters that are neither Latin nor common to scripts; ideographs, which are words by themselves, apart. */
const FOREIGN = /(?![\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}\p{Unified_Ideograph}])\p{L}/gu;
const IDEOGRAPH = /\p{Unified_Ideograph}/gu;
/** Whole words of two letters and more: an English vocabulary has none, a multilingual one ten thousands. */
const FEWEST_WORDS = 100;
/** An English vocabulary has some 250, a Chinese or multilingual one more than 7,000. */
const FEWEST_IDEOGRAPHS = 1000;

/**
 * From a vocabulary to what counts, in a word that it has tokens for, the letters of scripts that it does not read. Latin
 * letters are always read.
 */
export function unreadLetters(vocabulary: Readonly<Record<string, unknown>>): (word: string) => number {
  let [words, ideographs] = [0, 0];
  for (const token of Object.keys(vocabulary)) {
    if (token.startsWith('##')) continue;
    if (count(token, FOREIGN) > 1) words++;
    else if (count(token, IDEOGRAPH) === 1) ideographs++;
  }
  const unread = [
    ...(words < FEWEST_WORDS ? [FOREIGN] : []),
    ...(ideographs < FEWEST_IDEOGRAPHS ? [IDEOGRAPH] : []),
  ];
  return (word) => unread.reduce((sum, letters) => sum + count(word, letters), 0);
}

const count = (text: string, letters: RegExp): number =>
  /^[\0-\x7F]*$/.test(text) ? 0 : (text.match(letters)?.length ?? 0);
