// Corpora made ready for training together: no text stands twice, and none stands in any test split.
import { type ProtocolText, type Split, textKey } from 'mien/parts';
import { findTextRepeats } from '../text-duplicates.js';
import type { Corpus, CorpusDrop, CorpusItem, PreparedCorpus } from './types.js';

const RANK: Readonly<Record<Split, number>> = { test: 0, validation: 1, train: 2 };

/** Lower case, letters and digits; emoji stay, since they may be all that a text has. */
const keyOf = (text: string): string => textKey(text) || text.toLowerCase().replace(/\s+/g, ' ').trim();

/**
 * Drops what is empty, texts of one corpus and split that repeat (kept once; all of them where their labels have
 * nothing in common), and every text of training or validation that stands, exactly or nearly (`findTextRepeats`), in
 * a split before it of any corpus: test, then validation, then training. Between corpora the first one given keeps a
 * text. Test splits are left whole.
 * @param further texts of a set that is no corpus here (ISEAR): they stand before all others of their split.
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
  const keys = entries.map(({ text }) => keyOf(text));
  const before = (a: number, b: number): boolean => {
    const [x, y] = [entries[a]!, entries[b]!];
    return x.rank !== y.rank ? x.rank < y.rank : x.corpus !== y.corpus ? x.corpus < y.corpus : a < b;
  };
  const nearly = findTextRepeats(entries.map(({ text }) => text));
  const sameKey = new Map<string, number[]>();
  keys.forEach((key, i) => {
    const same = sameKey.get(key);
    if (same) same.push(i);
    else sameKey.set(key, [i]);
  });
  entries.forEach(({ item, rank }, i) => {
    if (item === undefined || item.split === 'test') return;
    if (keys[i] === '') {
      drops.set(item, 'empty');
      return;
    }
    const same = sameKey.get(keys[i]!)!;
    const others = [...new Set([...same, ...nearly[i]!])].filter((other) => other !== i);
    const earlier = others.filter((other) => entries[other]!.rank < rank);
    if (earlier.some((other) => entries[other]!.rank === RANK.test))
      drops.set(item, 'repeated in a test split');
    else if (earlier.length > 0) drops.set(item, 'repeated in another split');
    else {
      const equals = same.filter((other) => other !== i && entries[other]!.rank === rank);
      const disagrees = equals.some((other) => {
        const labels =
          entries[other]!.corpus === entries[i]!.corpus ? entries[other]!.item?.labels : undefined;
        return labels !== undefined && !labels.some((label) => item.labels.includes(label));
      });
      if (disagrees) drops.set(item, 'several labels');
      else if (equals.some((other) => before(other, i))) drops.set(item, 'repeated');
    }
  });
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

/** `prepareCorpora` beside ISEAR's texts as a protocol splits them. */
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

/** What a corpus comes to: items by split and label, and those left out by reason. */
export interface CorpusCounts {
  readonly name: string;
  readonly path: string;
  readonly form: Corpus['form'];
  readonly evidence: Corpus['evidence'];
  /** Per split and label; an item of several labels counts for each. */
  readonly splits: Readonly<Record<Split, Readonly<Record<string, number>>>>;
  readonly items: Readonly<Record<Split, number>>;
  readonly dropped: PreparedCorpus['dropped'];
  /** Records without any of the labels. */
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
