// Prepares corpora for training together: no text occurs twice, and none in any test split.
import { indicesBy, itemsAt, randomStream } from 'mien-engine/base';
import {
  type CorpusText,
  FACE_LABELS,
  isFaceLabel,
  type ProtocolText,
  type Split,
  textKey,
} from 'mien/parts/data';
import { findTextRepeats } from '../duplicates.js';
import type { Corpus, CorpusDrop, CorpusItem, CorpusName, PreparedCorpus } from './definitions.js';

const RANK: Readonly<Record<Split, number>> = { test: 0, validation: 1, train: 2 };

/** Letters and digits in lower case; a text without any (for instance of emoji only) is compared as it is. */
const keyOf = (text: string): string => textKey(text) || text.toLowerCase().replace(/\s+/g, ' ').trim();

/**
 * Drops empty texts, duplicates within a corpus and split (one is kept, or none if their labels have nothing in
 * common), and every training or validation text that occurs, exactly or nearly (`findTextRepeats`), in an earlier
 * split of any corpus, where test precedes validation and validation training. Of duplicates in several corpora the
 * first corpus keeps its own. Test splits are not changed.
 * @param further texts of a set that is not among the corpora (ISEAR); they precede all others of their split
 */
export function prepareCorpora(
  corpora: readonly Corpus[],
  further: {
    readonly tests: readonly string[];
    readonly validation?: readonly string[];
    readonly training?: readonly string[];
  },
): PreparedCorpus[] {
  interface Entry {
    readonly text: string;
    readonly rank: number;
    readonly corpus: number;
    readonly item?: CorpusItem;
  }
  const fixed = (texts: readonly string[] = [], split: Split): Entry[] =>
    texts.map((text) => ({ text, rank: RANK[split], corpus: -1 }));
  const entries: Entry[] = [
    ...fixed(further.tests, 'test'),
    ...fixed(further.validation, 'validation'),
    ...fixed(further.training, 'train'),
    ...corpora.flatMap(({ items }, corpus) =>
      items.map((item): Entry => ({ text: item.text, rank: RANK[item.split], corpus, item })),
    ),
  ];
  const drops = new Map<CorpusItem, CorpusDrop>();
  const keyed = entries.map((entry, place) => ({ ...entry, place, key: keyOf(entry.text) }));
  const nearly = findTextRepeats(entries.map(({ text }) => text));
  const placesOf = indicesBy(keyed, ({ key }) => key);
  for (const { item, rank, corpus, place, key } of keyed) {
    if (item === undefined || item.split === 'test') continue;
    if (key === '') {
      drops.set(item, 'empty');
      continue;
    }
    const same = itemsAt(keyed, placesOf.get(key) ?? []);
    const earlier = [...same, ...itemsAt(keyed, nearly[place] ?? [])].filter((other) => other.rank < rank);
    if (earlier.some((other) => other.rank === RANK.test)) drops.set(item, 'repeated in a test split');
    else if (earlier.length > 0) drops.set(item, 'repeated in another split');
    else {
      const equals = same.filter((other) => other.place !== place && other.rank === rank);
      const disagrees = equals.some((other) => {
        const labels = other.corpus === corpus ? other.item?.labels : undefined;
        return labels !== undefined && !labels.some((label) => item.labels.includes(label));
      });
      if (disagrees) drops.set(item, 'several labels');
      // Entries are in the order of the corpora.
      else if (equals.some((other) => other.place < place)) drops.set(item, 'repeated');
    }
  }
  return corpora.map((corpus) => {
    const dropped: Partial<Record<CorpusDrop, number>> = {};
    const items = corpus.items.filter((item) => {
      const reason = drops.get(item);
      if (reason !== undefined) dropped[reason] = (dropped[reason] ?? 0) + 1;
      return reason === undefined;
    });
    return { ...corpus, items, dropped };
  });
}

/** `prepareCorpora` with ISEAR's texts, in a protocol's splits, as `further`. */
export function prepareBesideIsear(
  corpora: readonly Corpus[],
  isear: readonly ProtocolText[],
): PreparedCorpus[] {
  const textsOf = (split: Split): string[] =>
    isear.filter((one) => one.split === split).map(({ text }) => text);
  return prepareCorpora(corpora, {
    tests: textsOf('test'),
    validation: textsOf('validation'),
    training: textsOf('train'),
  });
}

/** Counts of a prepared corpus: items by split and label, and items left out by reason. */
export interface CorpusCounts {
  readonly name: string;
  readonly path: string;
  readonly form: Corpus['form'];
  readonly evidence: Corpus['evidence'];
  /** Per split and label; an item with several labels counts for each. */
  readonly splits: Readonly<Record<Split, Readonly<Record<string, number>>>>;
  readonly items: Readonly<Record<Split, number>>;
  readonly dropped: PreparedCorpus['dropped'];
  /** Number of records without any of the labels. */
  readonly unlabelled: number;
}

export function corpusCounts({
  name,
  path,
  form,
  evidence,
  items,
  dropped,
  unlabelled,
}: PreparedCorpus): CorpusCounts {
  const of = (split: Split) => items.filter((item) => item.split === split);
  const each = <T>(count: (split: Split) => T): Record<Split, T> => ({
    train: count('train'),
    validation: count('validation'),
    test: count('test'),
  });
  return {
    name,
    path,
    form,
    evidence,
    dropped,
    unlabelled,
    items: each((split) => of(split).length),
    splits: each((split) =>
      Object.fromEntries(
        evidence.map((label) => [label, of(split).filter(({ labels }) => labels.includes(label)).length]),
      ),
    ),
  };
}

/** Maximum number of texts per label and split for pairs, including ISEAR's; all test texts are used. */
export const MOST_TEXTS: Readonly<Record<Exclude<Split, 'test'>, number>> = { train: 3000, validation: 400 };

/** The corpus whose test split is used for pairs over the faces' seven labels: the only one with enough of each label. */
export const TESTED: CorpusName = 'goemotions';

/** The label of an item that has exactly one of the faces' labels (GoEmotions' remorse counts as sadness, as published). */
export function faceLabelOf({ labels }: Pick<CorpusItem, 'labels'>) {
  const [label, ...others] = labels.filter(isFaceLabel);
  return others.length === 0 ? label : undefined;
}

/**
 * The texts of corpora to pair with faces, beside ISEAR's: up to `most` per label and split, drawn as evenly from the
 * corpora as possible, and GoEmotions' test items; in the order of the corpora. Face data sets have neither guilt nor
 * shame.
 * @param taken number of texts of a label and split that are already there
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
        const pool = texts.filter((one) => one.corpus === name && one.split === split && one.label === label);
        const order = randomStream(seed, `pair texts ${name} ${split} ${label}`).permutation(pool.length);
        return itemsAt(pool, order);
      });
      for (const one of evenly(pools, most[split] - taken(label, split))) chosen.add(one);
    }
  return texts.filter((one) => chosen.has(one));
}

/** Up to `most` entries, taken from the pools in turn. */
function evenly<T>(pools: readonly (readonly T[])[], most: number): T[] {
  const longest = Math.max(0, ...pools.map(({ length }) => length));
  const found: T[] = [];
  for (let round = 0; round < longest && found.length < most; round++)
    found.push(...pools.flatMap((pool) => pool.slice(round, round + 1)));
  return found.slice(0, Math.max(0, most));
}
