// Whether a text is English, which is all that the text encoder was trained on.
import { francAll } from 'franc-min';

/** Shorter texts cannot be told from names and loan words. */
const SHORTEST = 24;
/**
 * A text counts as foreign when English is less than this close to the likeliest language. Of ISEAR's lines of 60
 * characters and more, 0.2 % fall below it; sentences of other languages lie between 0 and .75.
 */
const CLOSE = 0.8;

/** ISO 639-3 code of the language that a text is in, or undefined when it may be English. */
export function foreignLanguage(text: string): string | undefined {
  if (text.length < SHORTEST && /^[\p{Script=Latin}\P{Letter}]*$/u.test(text)) return undefined;
  const ranked = francAll(text.slice(0, 2000), { minLength: 4 });
  const [best] = ranked;
  if (best === undefined || best[0] === 'und') return undefined;
  const english = ranked.find(([code]) => code === 'eng')?.[1] ?? 0;
  return english < CLOSE * best[1] ? best[0] : undefined;
}
