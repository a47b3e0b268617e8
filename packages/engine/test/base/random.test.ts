// The generator against its published test vectors, and the independence of its streams.
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { philox, randomStream } from '../../src/base/random.js';

const hex = (words: number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ');

test('philox4x32-10 reproduces the test vectors of the reference implementation', () => {
  expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  const ones = 0xffffffff;
  expect(hex(philox([ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
  expect(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('a stream is reproducible and depends on seed, name and index', () => {
  const draws = (seed: number, name: string, index?: number) => {
    const stream = randomStream(seed, name, index);
    return hex(Array.from({ length: 9 }, () => stream.uint32()));
  };
  expect(draws(1, 'pairing')).toBe(draws(1, 'pairing'));
  const others = [
    draws(2, 'pairing'),
    draws(1, 'shuffle'),
    draws(1, 'pairing', 1),
    draws(1 + 2 ** 32, 'pairing'),
  ];
  expect(new Set([draws(1, 'pairing'), ...others]).size).toBe(5);
});

test('a permutation contains every index once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.nat(), (n, seed) => {
      const order = [...randomStream(seed, 'test').permutation(n)].sort((a, b) => a - b);
      expect(order).toEqual(Array.from({ length: n }, (_, i) => i));
    }),
  );
});

test('uniform, normal and integer draws have the moments of their distributions', () => {
  const stream = randomStream(7, 'moments');
  const n = 40_000;
  const mean = (draw: () => number) => Array.from({ length: n }, draw).reduce((sum, x) => sum + x, 0) / n;
  expect(mean(stream.uniform)).toBeCloseTo(0.5, 1.9);
  expect(mean(stream.normal)).toBeCloseTo(0, 1.5);
  expect(mean(() => stream.normal() ** 2)).toBeCloseTo(1, 1.3);
  expect(mean(() => stream.integer(7))).toBeCloseTo(3, 1.2);
});
