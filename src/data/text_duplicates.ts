// Finds texts that say the same in nearly the same words, so that they do not stand on both sides of a split.
import { textKey } from './cleaning.js';

/** Share of common words (Jaccard index of the word sets) from which two texts are near-duplicates. */
export const NEAR_WORDS = 0.8;
/** Texts of fewer different words are compared exactly only: "my father died" is not "my mother died". */
export const NEAR_MIN_WORDS = 5;

/**
 * For every text the positions of the others that repeat it: the same `textKey`, or at least 5 words each and a
 * Jaccard index of 0.8 or more.
 */
export function findTextRepeats(texts: readonly string[]): readonly (readonly number[])[] {
  const keys = texts.map(textKey);
  const words = keys.map((key) => new Set(key.split(' ')));
  const repeats = texts.map((): number[] => []);
  const sameKey = new Map<string, number[]>();
  const withWord = new Map<string, number[]>();
  const join = (a: number, b: number): void => {
    repeats[a]!.push(b);
    repeats[b]!.push(a);
  };
  keys.forEach((key, b) => {
    for (const a of sameKey.get(key) ?? []) join(a, b);
    sameKey.set(key, [...(sameKey.get(key) ?? []), b]);
    const size = words[b]!.size;
    if (size < NEAR_MIN_WORDS) return;
    const common = new Map<number, number>();
    for (const word of words[b]!) {
      const others = withWord.get(word) ?? [];
      for (const a of others) common.set(a, (common.get(a) ?? 0) + 1);
      others.push(b);
      withWord.set(word, others);
    }
    for (const [a, count] of common)
      if (count >= NEAR_WORDS * (size + words[a]!.size - count) && keys[a] !== key) join(a, b);
  });
  return repeats;
}
