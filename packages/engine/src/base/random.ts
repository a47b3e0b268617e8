// Randomness from one seed through named streams: the counter-based generator Philox4x32-10.
// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".

/** A reproducible sequence of random draws; two streams of different names never share a draw. */
export interface RandomStream {
  /** 32 random bits as an unsigned integer. */
  uint32(): number;
  /** A number in [0, 1) with 24 random bits. */
  uniform(): number;
  /** A standard normal number (Box–Muller). */
  normal(): number;
  /** An integer in [0, n), without modulo bias. */
  integer(n: number): number;
  /** The integers 0 … n − 1 in random order (Fisher–Yates). */
  permutation(n: number): Int32Array;
}

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High and low 32 bits of the product of two unsigned 32-bit integers. */
function multiply(a: number, b: number): [high: number, low: number] {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const low1 = (middle & 0xffff) + a0 * b1;
  const high = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(low1 / 0x10000);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}

/** Philox4x32-10: four random words from a 128-bit counter and a 64-bit key. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(MULTIPLIER_0, c0);
    const [high1, low1] = multiply(MULTIPLIER_1, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** 32-bit FNV-1a over the UTF-8 bytes of a name. */
function hashName(name: string, basis: number): number {
  let hash = basis;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * The stream with this name and seed. `index` selects one of many streams of the same name (an epoch, an item), so that
 * a draw depends on its purpose and not on the number of draws before it.
 */
export function randomStream(seed: number, name: string, index = 0): RandomStream {
  const key = [
    ((seed >>> 0) ^ hashName(name, 0x811c9dc5)) >>> 0,
    (Math.floor(seed / 2 ** 32) ^ hashName(name, 0x9747b28c)) >>> 0,
  ] as const;
  let block = 0;
  let words: readonly number[] = [];
  let position = 4;
  let spare: number | undefined;

  const uint32 = (): number => {
    if (position === 4) {
      words = philox(
        [block >>> 0, Math.floor(block / 2 ** 32), index >>> 0, Math.floor(index / 2 ** 32)],
        key,
      );
      block++;
      position = 0;
    }
    return words[position++]!;
  };
  const uniform = (): number => (uint32() >>> 8) / 2 ** 24;
  // The limit is cached and `%` avoided because remainders of numbers above 2^31 are slow: resampling draws some hundred
  // million times.
  let [limit, limitOf] = [0, 0];
  const integer = (n: number): number => {
    if (n !== limitOf) [limit, limitOf] = [2 ** 32 - (2 ** 32 % n), n];
    for (;;) {
      const draw = uint32();
      if (draw < limit) return draw - Math.floor(draw / n) * n;
    }
  };
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const permutation = (n: number): Int32Array => {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = integer(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  };
  return { uint32, uniform, normal, integer, permutation };
}
