// Whether a text is English, which is all that the text encoder was trained on.
import { francAll } from 'franc-min';

/** Shorter texts cannot be told from names and loan words. */
const SHORTEST = 24;
/** Of a long text, its beginning in UTF-16 units is looked at. */
const LOOKED_AT = 2000;
/**
 * A text counts as foreign when English is less than this close to the likeliest language. Of ISEAR's lines of 60
 * characters and more, 0.2 % fall below it; sentences of other languages lie between 0 and .75.
 */
const CLOSE = 0.8;

/** Small words that are frequent in English and are none, or rare ones, in other languages. */
const ENGLISH = new Set(
  (
    'about after and because been but could felt from have her him his how me my myself not of our should that the ' +
    'their them there these they this us very were what when where which while who with would you your'
  ).split(' '),
);
/**
 * A text is English when this share of its words, two different ones among them, are such words. That is so of 71 % of
 * ISEAR's texts, and of no line of the Universal Declaration of Human Rights in 530 other languages but 19 in Scots.
 * The detector takes 1.6 % of ISEAR's texts, short ones, for another language: half of them are saved so, and the rest
 * of the texts the detector's time, which is three times the tokenizer's.
 */
const SHARE = 0.2;

/** ISO 639-3 code of the language that a text is in, or undefined when it may be English. */
export function foreignLanguage(text: string): string | undefined {
  if (text.length < SHORTEST && /^[\p{Script=Latin}\P{Letter}]*$/u.test(text)) return undefined;
  const start = text.slice(0, LOOKED_AT);
  if (hasEnglishWords(start)) return undefined;
  const ranked = francAll(start, { minLength: 4 });
  const [best] = ranked;
  if (best === undefined || best[0] === 'und') return undefined;
  const english = ranked.find(([code]) => code === 'eng')?.[1] ?? 0;
  return english < CLOSE * best[1] ? best[0] : undefined;
}

function hasEnglishWords(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{M}’']+/gu) ?? [];
  const known = words.filter((word) => ENGLISH.has(word));
  return known.length >= SHARE * words.length && new Set(known).size >= 2;
}
