// What is repaired in the texts of a corpus before anything reads them.
import { normalizeText } from 'mien/parts';
import type { CorpusName } from './types.js';

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

/** HTML entities as characters: `&amp;` (also escaped twice), `&#39;`. */
const withoutEntities = (text: string): string =>
  text.replace(
    /&(?:amp;)?(?:#(\d{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi,
    (whole, code?: string, name?: string) =>
      name !== undefined
        ? ENTITIES[name.toLowerCase()]!
        : Number(code) > 0 && Number(code) < 0x110000
          ? String.fromCodePoint(Number(code))
          : whole,
  );

/**
 * XED's emotional lines are tokenised and have commas and placeholders of names, its neutral lines have neither: all
 * that tells the two apart without being read goes from both.
 */
const withoutGiveaways = (text: string): string =>
  text
    .replace(/\[(?:PERSON|LOCATION|ORGANIZATION|[A-Z]{4,})\]/g, ' ')
    .replace(/\s+(?=n['’]t\b)/gi, '')
    .replace(/\s+(?=['’](?:s|m|re|ve|ll|d)\b)/gi, '')
    .replaceAll(',', ' ')
    .replace(/\s+([.!?;:…])/g, '$1')
    .replace(/^[-–—\s"']+/, '')
    .replace(/["\s]+$/, '');

/** One line, entities undone; of XED also without what gives its neutral lines away. */
export function cleanText(text: string, corpus: CorpusName | undefined): string {
  const line = normalizeText(withoutEntities(text));
  return corpus === 'xed-english' ? normalizeText(withoutGiveaways(line)) : line;
}
