// Finds duplicates without comparing all pairs: faces that are copies or near-duplicates of each other, also mirrored,
// and texts of nearly the same words.
import { itemsAt, randomStream } from 'mien-engine/base';
import { textKey } from 'mien/parts/data';
import type { FaceHash } from './hashing.js';
import { disjointSets } from './splits.js';

/**
 * Faces are near-duplicates if their perceptual hashes (255 bits) differ in at most this many bits. Chosen by
 * inspecting random pairs of FER2013 and RAF-DB: up to 50 bits none of 64 pairs was of two different photographs,
 * between 51 and 60 some were (docs/data.md).
 */
const NEAR_DISTANCE = 48;

/** 32-bit words per hash. */
const WORDS = 8;
/** Hash tables, and key bits of each: with these, 2,221 of the 2,225 near pairs of FER2013 and RAF-DB share a key. */
const TABLES = 64;
const KEY_BITS = 14;
/** Number of lowest frequencies from which keys are drawn: they change least between near-duplicates. */
const STABLE_BITS = 100;

interface NearPair {
  /** Positions in the given list, a < b. */
  readonly a: number;
  readonly b: number;
  /** Number of differing bits. */
  readonly distance: number;
  /** Whether one of the two is mirrored. */
  readonly mirrored: boolean;
}

export interface Duplicates {
  /** `[faces]`: for each face, the position of the first face of its group. */
  readonly group: Int32Array;
  /** Near pairs among faces with different perceptual hashes (the first face with each hash). */
  readonly pairs: readonly NearPair[];
}

/** The bits that mirroring flips: every second one, those of odd horizontal frequencies. */
const MIRROR = 0x55555555;

/**
 * Groups faces whose pixels are equal or whose perceptual hashes are within `NEAR_DISTANCE` of each other, directly or
 * after mirroring; groups are transitive. Constant images and missing hashes are groups of their own.
 */
export function findDuplicates(hashes: readonly (FaceHash | undefined)[]): Duplicates {
  const sets = disjointSets(hashes.length);
  const firstWith = new Map<string, number>();
  const firsts: number[] = [];
  hashes.forEach((hash, position) => {
    if (hash === undefined || hash.constant) return;
    const first = firstWith.get(hash.bits);
    if (first !== undefined) return sets.union(first, position);
    firstWith.set(hash.bits, position);
    firsts.push(position);
  });
  const codes = new Uint32Array(firsts.length * WORDS);
  firsts.forEach((position, i) => {
    const { bits } = hashes[position]!;
    for (let word = 0; word < WORDS; word++)
      codes[i * WORDS + word] = Number.parseInt(bits.slice(word * 8, word * 8 + 8), 16);
  });
  const pairs = nearCodes(codes).map(({ a, b, ...rest }) => ({ a: firsts[a]!, b: firsts[b]!, ...rest }));
  for (const { a, b } of pairs) sets.union(a, b);
  return { group: Int32Array.from(hashes, (_, position) => sets.find(position)), pairs };
}

/** All pairs of codes within `NEAR_DISTANCE` that share a key in at least one table. */
function nearCodes(codes: Uint32Array): NearPair[] {
  const count = codes.length / WORDS;
  const found = new Map<number, NearPair>();
  const compare = (a: number, b: number, mirrored: boolean): void => {
    const distance = hamming(codes, a * WORDS, b * WORDS, mirrored ? MIRROR : 0);
    if (distance > NEAR_DISTANCE) return;
    const pair = a * count + b;
    // Symmetric faces are near in both ways; they count as not mirrored.
    if (!mirrored || !found.has(pair)) found.set(pair, { a, b, distance, mirrored });
  };
  const keys = new Uint16Array(count);
  const members = new Uint32Array(count);
  for (const bits of keyBits()) {
    const flips = bits.reduce((mask, bit, i) => mask | ((bit % 2) << i), 0);
    // Counting sort by key: the codes with key k, in ascending order, are members[starts[k] … starts[k+1]].
    const starts = new Uint32Array(2 ** KEY_BITS + 1);
    for (let i = 0; i < count; i++) starts[(keys[i] = keyOf(codes, i * WORDS, bits)) + 1]!++;
    for (let key = 0; key < 2 ** KEY_BITS; key++) starts[key + 1]! += starts[key]!;
    const ends = starts.slice();
    for (let i = 0; i < count; i++) members[ends[keys[i]!]!++] = i;
    for (let b = 0; b < count; b++) {
      for (const key of [keys[b]!, keys[b]! ^ flips])
        for (let at = starts[key]!; at < starts[key + 1]! && members[at]! < b; at++)
          compare(members[at]!, b, key !== keys[b]!);
    }
  }
  return [...found.values()].sort((x, y) => x.a - y.a || x.b - y.b);
}

function keyOf(codes: Uint32Array, offset: number, bits: Uint8Array): number {
  let key = 0;
  for (let k = 0; k < bits.length; k++) {
    const bit = bits[k]!;
    key |= ((codes[offset + (bit >>> 5)]! >>> (31 - (bit & 31))) & 1) << k;
  }
  return key;
}

/** Number of bits in which two codes differ, one of them XORed with `flip`; stops counting above `NEAR_DISTANCE`. */
function hamming(codes: Uint32Array, a: number, b: number, flip: number): number {
  let distance = 0;
  for (let word = 0; word < WORDS && distance <= NEAR_DISTANCE; word++) {
    let bits = codes[a + word]! ^ codes[b + word]! ^ flip;
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    distance += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return distance;
}

/** The key bits of every table: the same in every run, drawn from the lowest frequencies. */
function keyBits(): Uint8Array[] {
  const order = Array.from({ length: WORDS * 32 }, (_, bit) => bit).slice(1);
  const frequency = (bit: number): number => (bit >> 4) + (bit & 15);
  const stable = order.sort((x, y) => frequency(x) - frequency(y) || x - y).slice(0, STABLE_BITS);
  return Array.from({ length: TABLES }, (_, table) => {
    const draw = randomStream(0, 'near-duplicates', table).permutation(STABLE_BITS);
    return Uint8Array.from(itemsAt(stable, draw.subarray(0, KEY_BITS)));
  });
}

/** Jaccard index of the sets of words from which two texts are near-duplicates. */
const NEAR_WORDS = 0.8;
/** Texts with fewer different words are only compared exactly: "my father died" is not "my mother died". */
const NEAR_MIN_WORDS = 5;

/**
 * For every text, the positions of its duplicates: the same `textKey`, or at least 5 words each and a
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
    const set = words[b]!;
    if (set.size < NEAR_MIN_WORDS) return;
    // Near-duplicates differ in at most a fifth of their words, so they share at least one of this many rarest words.
    const rarest = [...set]
      .sort((x, y) => frequency.get(x)! - frequency.get(y)! || (x < y ? -1 : 1))
      .slice(0, Math.floor((1 - NEAR_WORDS) * set.size + 1e-9) + 1);
    const candidates = new Set(rarest.flatMap((word) => withWord.get(word) ?? []));
    for (const a of candidates)
      if (haveSimilarSize(words[a]!, set) && keys[a] !== key && jaccard(words[a]!, set) >= NEAR_WORDS)
        join(a, b);
    for (const word of rarest) {
      const others = withWord.get(word);
      if (others) others.push(b);
      else withWord.set(word, [b]);
    }
  });
  return repeats;
}

/** Whether the sizes allow the required Jaccard index; this cheap test excludes most pairs. */
const haveSimilarSize = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  Math.min(a.size, b.size) >= NEAR_WORDS * Math.max(a.size, b.size) - 1e-9;

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const word of a) if (b.has(word)) common++;
  return common / (a.size + b.size - common);
}
