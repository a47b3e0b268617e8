// Texts of the corpora that pairs are made of beside ISEAR's: of one label each, and of every label about as many.
import { randomStream } from 'mien-engine/base';
import { type CorpusText, FACE_LABELS, isFaceLabel, type Split } from 'mien/parts';
import type { Corpus, CorpusItem, CorpusName } from './types.js';

/** Texts of a label and a split at most, ISEAR's among them; in the test split all are kept. */
export const MOST_TEXTS: Readonly<Record<Exclude<Split, 'test'>, number>> = { train: 3000, validation: 400 };

/** The corpus whose test part tests pairs over the faces' seven labels: the only one with enough of every label. */
export const TESTED: CorpusName = 'goemotions';

/** The label of an item where it has exactly one of the faces' (GoEmotions' remorse counts as sadness, as published). */
export function faceLabelOf({ labels }: Pick<CorpusItem, 'labels'>) {
  const own = labels.filter(isFaceLabel);
  return own.length === 1 ? own[0] : undefined;
}

/**
 * Up to `most` texts of every label and split, as evenly from the corpora as they have them, drawn by `seed` and in the
 * order of the corpora; and GoEmotions' test items. Without guilt and shame, which faces do not show.
 * @param taken how many texts of a label and split there are already
 */
export function pairTexts(
  corpora: readonly Pick<Corpus, 'name' | 'items'>[],
  taken: (label: string, split: Split) => number,
  { most = MOST_TEXTS, seed = 0 }: { readonly most?: typeof MOST_TEXTS; readonly seed?: number } = {},
): CorpusText[] {
  const texts = corpora.flatMap(({ name, items }) =>
    items.flatMap((item): CorpusText[] => {
      const label = faceLabelOf(item);
      if (label === undefined || (item.split === 'test' && name !== TESTED)) return [];
      return [{ id: `${name}/${item.id}`, corpus: name, text: item.text, label, split: item.split }];
    }),
  );
  const chosen = new Set(texts.filter(({ split }) => split === 'test'));
  for (const split of ['train', 'validation'] as const)
    for (const label of FACE_LABELS) {
      const pools = corpora.map(({ name }) => {
        const own = texts.filter((one) => one.corpus === name && one.split === split && one.label === label);
        const order = randomStream(seed, `pair texts ${name} ${split} ${label}`).permutation(own.length);
        return Array.from(order, (i) => own[i]!);
      });
      for (const one of evenly(pools, most[split] - taken(label, split))) chosen.add(one);
    }
  return texts.filter((one) => chosen.has(one));
}

/** Up to `most` entries, one of each pool in turn as long as it has any. */
function evenly<T>(pools: readonly (readonly T[])[], most: number): T[] {
  const longest = Math.max(0, ...pools.map(({ length }) => length));
  const found: T[] = [];
  for (let round = 0; round < longest && found.length < most; round++)
    found.push(...pools.flatMap((pool) => pool.slice(round, round + 1)));
  return found.slice(0, Math.max(0, most));
}
