// Items made from templates: behaviour that no corpus teaches, such as that a denied feeling is not felt.
import { randomStream } from 'mien-engine/base';
import type { Label } from 'mien/parts';
import { FACTS, PLAIN, QUESTIONS } from './calm.js';
import { choose, fill, words } from './expand.js';
import { CARRIERS, named, SLANG } from './style.js';
import { NEGATION, type Template } from './negation.js';
import { CONTRAST, SARCASM, SURPRISE } from './turns.js';
import { EMOJI, EMOTICONS } from './words.js';

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
  // A template that stands for several texts is drawn as often as they are many.
  const each = templates.flatMap(({ labels, texts }) => texts.map((text) => ({ labels, text })));
  return (draw: Draw): Made => {
    const { labels, text } = choose(draw, each);
    return { labels, text: filled(text, draw) };
  };
};

const calm = (texts: readonly string[]) => from([{ labels: ['neutral'], texts }]);

/** A sentence of no feeling, or of the feeling shown, with emoji or an emoticon behind, before, or alone. */
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

/** In capitals, with a letter lengthened or with an exclamation, as people write what they feel. */
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

/** `count` items, none twice, the same for the same seed; a tenth of them is for validation. */
export function templateItems(
  count: number,
  seed = 0,
): (TemplateItem & { readonly split: 'train' | 'validation' })[] {
  const met = new Set<string>();
  return (Object.keys(MAKERS) as Capability[]).flatMap((capability) => {
    const { share, make } = MAKERS[capability];
    const draw = randomStream(seed, `templates ${capability}`);
    const items: (TemplateItem & { readonly split: 'train' | 'validation' })[] = [];
    const wanted = Math.round(share * count);
    // Some capabilities have fewer sentences than are asked for.
    for (let tries = 0; items.length < wanted && tries < 20 * wanted; tries++) {
      const { text, labels } = make(draw);
      if (met.has(text)) continue;
      met.add(text);
      const split = draw.uniform() < 0.1 ? 'validation' : 'train';
      items.push({ id: `${capability}/${items.length}`, text, labels, capability, split });
    }
    return items;
  });
}
