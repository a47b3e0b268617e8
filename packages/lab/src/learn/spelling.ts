// Other spellings of training texts: typing errors, no case, no punctuation, names in place of placeholders.
import { randomStream, type RandomStream } from 'mien-engine/base';
import { SLOTS } from '../data/templates/words.js';
import { choose } from '../data/templates/items.js';

const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

function neighbour(letter: string, draw: RandomStream): string {
  const row = ROWS.find((one) => one.includes(letter));
  if (row === undefined) return letter;
  const at = row.indexOf(letter) + (draw.uniform() < 0.5 ? -1 : 1);
  return row[at] ?? letter;
}

/** Words as people write them by ear or in haste. */
const HABITS: readonly (readonly [RegExp, string])[] = [
  [/\byou\b/g, 'u'],
  [/\byour\b/g, 'ur'],
  [/\bare\b/g, 'r'],
  [/\bbecause\b/g, 'cuz'],
  [/\bplease\b/g, 'pls'],
  [/\bthough\b/g, 'tho'],
  [/\bgoing to\b/g, 'gonna'],
  [/\btheir\b|\bthey're\b/g, 'there'],
  [/\btoo\b/g, 'to'],
  [/ing\b/g, 'in'],
  [/ght\b/g, 't'],
  [/ph/g, 'f'],
  [/ie/g, 'ei'],
  [/ea/g, 'ee'],
  [/([bdfglmnprst])\1/g, '$1'],
  [/(?<=[bcdfgklmnprstvw])e\b/g, ''],
];

function slip(word: string, draw: RandomStream): string {
  const letters = [...word];
  const at = 1 + Math.floor(draw.uniform() * (letters.length - 1));
  switch (Math.floor(draw.uniform() * 5)) {
    case 0:
      return [...letters.slice(0, at), ...letters.slice(at + 1)].join('');
    case 1:
      return [...letters.slice(0, at), letters[at]!, ...letters.slice(at)].join('');
    case 2:
      return [...letters.slice(0, at - 1), letters[at]!, letters[at - 1]!, ...letters.slice(at + 1)].join('');
    case 3:
      return [...letters.slice(0, at), neighbour(letters[at]!, draw), ...letters.slice(at + 1)].join('');
    default: {
      const [pattern, by] = choose(draw, HABITS);
      return word.replace(pattern, by);
    }
  }
}

/**
 * The text as somebody might have typed it: usually with some typing errors in words of four letters and more, sometimes
 * in lower case, without punctuation, or both.
 */
export function misspelt(text: string, draw: RandomStream): string {
  let typed = text;
  if (draw.uniform() < 0.5) typed = typed.toLowerCase();
  if (draw.uniform() < 0.4)
    typed = typed.replace(/(?<=[\p{L}\p{N}])['’](?=\p{L})/gu, '').replace(/[.,;!"“”](?=\s|$)/g, '');
  const rate = draw.uniform() < 0.3 ? 0 : 0.05 + 0.35 * draw.uniform();
  if (rate === 0) return typed;
  return typed.replace(/\p{L}{4,}/gu, (word) => (draw.uniform() < rate ? slip(word, draw) : word));
}

/** Replaces half of the placeholders of a text by names: people write names, which corpora hide. */
export function withNames(text: string, seed: number, index: number): string {
  if (!text.includes('[NAME]')) return text;
  const draw = randomStream(seed, 'names', index);
  return text.replaceAll('[NAME]', (place) => (draw.uniform() < 0.5 ? choose(draw, SLOTS['name']!) : place));
}
