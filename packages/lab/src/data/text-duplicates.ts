// Finds texts that say the same in nearly the same words, so that they do not stand on both sides of a split.
import { textKey } from 'mien/parts';

/** Share of common words (Jaccard index of the word sets) from which two texts are near-duplicates. */
const NEAR_WORDS = 0.8;
/** Texts of fewer different words are compared exactly only: "my father died" is not "my mother died". */
const NEAR_MIN_WORDS = 5;

/**
 * For every text the positions of the others that repeat it: the same `textKey`, or at least 5 words each and a
 * Jaccard index of 0.8 or more.
 */
export function findTextRepeats(texts: readonly string[]): readonly (readonly number[])[] {
  const keys = texts.map(textKey);
  const frequency = new Map<string, number>();
  const words = keys.map((key) => new Set(key.split(' ')));
  for (const set of words) for (const word of set) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const repeats = texts.map((): number[] => []);
  const join = (a: number, b: number): void => {
    repeats[a]!.push(b);
    repeats[b]!.push(a);
  };
  const sameKey = new Map<string, number[]>();
  const withWord = new Map<string, number[]>();
  keys.forEach((key, b) => {
    const same = sameKey.get(key) ?? [];
    for (const a of same) join(a, b);
    same.push(b);
    sameKey.set(key, same);
    const own = words[b]!;
    if (own.size < NEAR_MIN_WORDS) return;
    // Texts so alike differ in a fifth of their words at most, so one of this many rarest words is in both.
    const rarest = [...own]
      .sort((x, y) => frequency.get(x)! - frequency.get(y)! || (x < y ? -1 : 1))
      .slice(0, Math.floor((1 - NEAR_WORDS) * own.size + 1e-9) + 1);
    const candidates = new Set(rarest.flatMap((word) => withWord.get(word) ?? []));
    for (const a of candidates)
      if (isOfSize(words[a]!, own) && keys[a] !== key && jaccard(words[a]!, own) >= NEAR_WORDS) join(a, b);
    for (const word of rarest) {
      const others = withWord.get(word);
      if (others) others.push(b);
      else withWord.set(word, [b]);
    }
  });
  return repeats;
}

/** Whether so many words can be common to both; most pairs are told apart by this. */
const isOfSize = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  Math.min(a.size, b.size) >= NEAR_WORDS * Math.max(a.size, b.size) - 1e-9;

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const word of a) if (b.has(word)) common++;
  return common / (a.size + b.size - common);
}
