// Finds faces that are copies or near-duplicates of one another, mirrored ones too, without comparing all pairs.
import { randomStream } from 'mien-engine/base';
import type { FaceHash } from './hashing.js';
import { disjointSets } from './splits.js';

/**
 * Perceptual hashes (255 bits) that differ in at most this many bits are near-duplicates. Chosen by looking at pairs
 * of FER2013 and RAF-DB: up to 50 none of 64 pairs drawn at random was of two photographs, between 51 and 60 some
 * were (docs/data.md).
 */
const NEAR_DISTANCE = 48;

/** Words of 32 bits in a hash. */
const WORDS = 8;
/** Hash tables, and bits that key each: enough that 2,221 of the 2,225 near pairs of FER2013 and RAF-DB meet in one. */
const TABLES = 64;
const KEY_BITS = 14;
/** Keys are drawn from the lowest frequencies, which change least between near-duplicates. */
const STABLE_BITS = 100;

interface NearPair {
  /** Positions in the given list, a < b. */
  readonly a: number;
  readonly b: number;
  /** Bits that differ. */
  readonly distance: number;
  /** Whether one of the two had to be mirrored. */
  readonly mirrored: boolean;
}

export interface Duplicates {
  /** `[faces]`: the position of the first face of each face's group. */
  readonly group: Int32Array;
  /** Near pairs among the faces that are first with their perceptual hash. */
  readonly pairs: readonly NearPair[];
}

/** The bits that mirroring flips: odd horizontal frequencies, every second bit. */
const MIRROR = 0x55555555;

/**
 * Groups faces whose pixels are equal or whose perceptual hashes are within `NEAR_DISTANCE`, directly, through others,
 * or after mirroring. Constant images and missing hashes stand alone.
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

/** All pairs of codes within the distance, as far as they share a key in one of the tables. */
function nearCodes(codes: Uint32Array): NearPair[] {
  const count = codes.length / WORDS;
  const found = new Map<number, NearPair>();
  const compare = (a: number, b: number, mirrored: boolean): void => {
    const distance = hamming(codes, a * WORDS, b * WORDS, mirrored ? MIRROR : 0);
    if (distance > NEAR_DISTANCE) return;
    const pair = a * count + b;
    // A symmetric face is near as it is and mirrored: it counts as it is.
    if (!mirrored || !found.has(pair)) found.set(pair, { a, b, distance, mirrored });
  };
  const keys = new Uint16Array(count);
  const members = new Uint32Array(count);
  for (const bits of keyBits()) {
    const flips = bits.reduce((mask, bit, i) => mask | ((bit % 2) << i), 0);
    // Codes in order of their keys, each key's in ascending order: those of key k are members[starts[k] … starts[k+1]].
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

/** Bits in which two codes differ, one of them with `flip` applied to every word; counted until they are too many. */
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

/** For every table the bits of its key: the same in every run, drawn from the lowest frequencies. */
function keyBits(): Uint8Array[] {
  const order = Array.from({ length: WORDS * 32 }, (_, bit) => bit).slice(1);
  const frequency = (bit: number): number => (bit >> 4) + (bit & 15);
  const stable = order.sort((x, y) => frequency(x) - frequency(y) || x - y).slice(0, STABLE_BITS);
  return Array.from({ length: TABLES }, (_, table) => {
    const draw = randomStream(0, 'near-duplicates', table).permutation(STABLE_BITS);
    return Uint8Array.from(draw.subarray(0, KEY_BITS), (position) => stable[position]!);
  });
}
