// Training items generated from templates, for behaviour that corpora do not teach, such as negation: every slot in
// braces is filled with a word of its list, drawn from a random stream.
import { randomStream, type RandomStream } from 'mien-engine/base';
import type { Label } from 'mien/parts/data';
import { FACTS, PLAIN, QUESTIONS } from './calm.js';
import { NEGATION, type Template } from './negation.js';
import { CARRIERS, named, SLANG } from './style.js';
import { CONTRAST, SARCASM, SURPRISE } from './turns.js';
import { AFFECTS, EMOJI, EMOTICONS, EVENTS, FEELING, FEELING_NOUN, SHOWS, SLOTS } from './words.js';

export const choose = <T>(draw: RandomStream, from: readonly T[]): T =>
  from[Math.min(from.length - 1, Math.floor(draw.uniform() * from.length))]!;

const FAMILIES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  feel: FEELING,
  noun: FEELING_NOUN,
  affects: AFFECTS,
  shows: SHOWS,
  event: EVENTS,
};

/** The words of a slot: `{place}`, `{feel:joy}`, `{event:anger}`. */
function wordsOf(slot: string): readonly string[] {
  const [family, label] = slot.split(':') as [string, string?];
  const words = label === undefined ? SLOTS[family] : FAMILIES[family]?.[label];
  if (words === undefined) throw new Error(`no words for {${slot}}`);
  return words;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Whether a template is all capitals; it is then filled with capitals. */
const isLoud = (template: string): boolean => {
  const letters = template.replace(/\{[^}]+\}/g, '');
  return /\p{Lu}/u.test(letters) && !/\p{Ll}/u.test(letters);
};

/** The template with a word in each slot. */
const words = (template: string, draw: RandomStream): string => {
  const filled = template.replace(/\{([^}]+)\}/g, (_, slot: string) => choose(draw, wordsOf(slot)));
  return isLoud(template) ? filled.toUpperCase() : filled;
};

/** As `words`, with a capital first letter. */
const fill = (template: string, draw: RandomStream): string => capital(words(template, draw));

type Capability =
  'plain' | 'question' | 'negation' | 'contrast' | 'sarcasm' | 'surprise' | 'style' | 'emoji' | 'named';

export interface TemplateItem {
  readonly id: string;
  readonly text: string;
  readonly labels: readonly Label[];
  readonly capability: Capability;
}

type Made = Pick<TemplateItem, 'text' | 'labels'>;
type Draw = ReturnType<typeof randomStream>;

const FELT = ['anger', 'disgust', 'fear', 'guilt', 'joy', 'sadness', 'shame', 'surprise'] as const;
const SHOWN = ['anger', 'disgust', 'fear', 'joy', 'sadness', 'surprise'] as const;

const from = (templates: readonly Template[], filled = fill) => {
  // Templates are drawn in proportion to their number of texts.
  const each = templates.flatMap(({ labels, texts }) => texts.map((text) => ({ labels, text })));
  return (draw: Draw): Made => {
    const { labels, text } = choose(draw, each);
    return { labels, text: filled(text, draw) };
  };
};

const calm = (texts: readonly string[]) => from([{ labels: ['neutral'], texts }]);

/** An emoji or emoticon after, before or without a sentence, which is neutral or expresses the same emotion. */
function withSign(draw: Draw): Made {
  const label = choose(draw, SHOWN);
  const signs: readonly string[] =
    draw.uniform() < 0.3 && label in EMOTICONS ? EMOTICONS[label as keyof typeof EMOTICONS] : EMOJI[label];
  const sign = choose(draw, signs);
  const times = draw.uniform() < 0.7 ? 1 : draw.uniform() < 0.6 ? 2 : 3;
  const shown = sign.length > 2 || !/\p{Emoji_Presentation}/u.test(sign) ? sign : sign.repeat(times);
  const place = draw.uniform();
  if (place < 0.12) return { labels: [label], text: shown };
  const sentence =
    draw.uniform() < 0.75 ? fill(choose(draw, CARRIERS), draw) : fill(`{event:${label}}`, draw);
  const cased = draw.uniform() < 0.5 ? sentence.toLowerCase() : sentence;
  const space = /^[\p{L}]/u.test(shown) || draw.uniform() < 0.6 ? ' ' : '';
  if (place < 0.2) return { labels: [label], text: `${shown} ${cased}` };
  return { labels: [label], text: `${cased}${draw.uniform() < 0.2 ? '!' : ''}${space}${shown}` };
}

const LAST_VOWEL = /[aeiou](?=[^aeiou]*$)/;

/** Sometimes in capitals, with a lengthened letter or with exclamation marks, as people emphasise. */
function emphasised({ text, labels }: Made, draw: Draw): Made {
  const kind = draw.uniform();
  if (kind < 0.08) return { labels, text: text.toUpperCase() };
  if (kind < 0.16) {
    const times = 3 + Math.floor(draw.uniform() * 3);
    return { labels, text: text.replace(LAST_VOWEL, (vowel) => vowel.repeat(times)) };
  }
  return { labels, text: kind < 0.24 ? `${text.replace(/[.!]$/, '')}!!` : text };
}

const MAKERS: Readonly<Record<Capability, { readonly share: number; readonly make: (draw: Draw) => Made }>> =
  {
    plain: {
      share: 0.2,
      make: (draw) =>
        draw.uniform() < 0.12 ? { labels: ['neutral'], text: choose(draw, FACTS) } : calm(PLAIN)(draw),
    },
    question: { share: 0.1, make: calm(QUESTIONS) },
    negation: { share: 0.2, make: from(NEGATION) },
    contrast: { share: 0.1, make: from(CONTRAST) },
    sarcasm: { share: 0.06, make: from(SARCASM) },
    surprise: { share: 0.08, make: (draw) => emphasised(from(SURPRISE)(draw), draw) },
    style: { share: 0.08, make: from(SLANG, words) },
    emoji: { share: 0.1, make: withSign },
    named: {
      share: 0.08,
      make: (draw) => emphasised(from([named(choose(draw, FELT))])(draw), draw),
    },
  };

/** About `count` different items, the same for the same seed; a tenth of them is for validation. */
export function templateItems(
  count: number,
  seed = 0,
): (TemplateItem & { readonly split: 'train' | 'validation' })[] {
  const seen = new Set<string>();
  return (Object.keys(MAKERS) as Capability[]).flatMap((capability) => {
    const { share, make } = MAKERS[capability];
    const draw = randomStream(seed, `templates ${capability}`);
    const items: (TemplateItem & { readonly split: 'train' | 'validation' })[] = [];
    const wanted = Math.round(share * count);
    // Some capabilities have fewer different sentences than requested.
    for (let tries = 0; items.length < wanted && tries < 20 * wanted; tries++) {
      const { text, labels } = make(draw);
      if (seen.has(text)) continue;
      seen.add(text);
      const split = draw.uniform() < 0.1 ? 'validation' : 'train';
      items.push({ id: `${capability}/${items.length}`, text, labels, capability, split });
    }
    return items;
  });
}
