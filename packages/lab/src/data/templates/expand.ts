// Fills templates: every slot in braces is replaced by a word of its list, drawn from a stream.
import type { RandomStream } from 'mien-engine/base';
import { AFFECTS, EVENTS, FEELING, FEELING_NOUN, SHOWS, SLOTS } from './words.js';

export const choose = <T>(draw: RandomStream, from: readonly T[]): T =>
  from[Math.min(from.length - 1, Math.floor(draw.uniform() * from.length))]!;

const FAMILIES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  feel: FEELING,
  noun: FEELING_NOUN,
  affects: AFFECTS,
  shows: SHOWS,
  event: EVENTS,
};

/** The list that a slot is filled from: `{place}`, `{feel:joy}`, `{event:anger}`. */
function wordsOf(slot: string): readonly string[] {
  const [family, label] = slot.split(':') as [string, string?];
  const words = label === undefined ? SLOTS[family] : FAMILIES[family]?.[label];
  if (words === undefined) throw new Error(`no words for {${slot}}`);
  return words;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A template of nothing but capitals is filled with capitals. */
const isLoud = (template: string): boolean => {
  const own = template.replace(/\{[^}]+\}/g, '');
  return /\p{Lu}/u.test(own) && !/\p{Ll}/u.test(own);
};

/** The template with a word in each slot. */
export const words = (template: string, draw: RandomStream): string => {
  const filled = template.replace(/\{([^}]+)\}/g, (_, slot: string) => choose(draw, wordsOf(slot)));
  return isLoud(template) ? filled.toUpperCase() : filled;
};

/** The same as a sentence, its first letter a capital. */
export const fill = (template: string, draw: RandomStream): string => capital(words(template, draw));
