// Principal components and quantisation against what they are defined by.
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { float32, randomStream } from 'mien-engine/base';
import { fitPca, mixComponents, project } from '../../src/features/pca.js';
import { allocateBits, dequantize, fitCodebook, quantize } from '../../src/features/quantize.js';

/** n rows of width d in which the first `factors` directions carry most of the variance; dimension 2 is constant. */
function sample(n: number, d: number, factors: number, seed = 1) {
  const draw = randomStream(seed, 'pca');
  const mix = Float64Array.from({ length: factors * d }, draw.normal);
  const data = new Float32Array(n * d);
  for (let i = 0; i < n; i++) {
    const z = Array.from({ length: factors }, draw.normal);
    for (let j = 0; j < d; j++)
      data[i * d + j] =
        j === 2 ? 0.25 : 3 + z.reduce((sum, value, f) => sum + value * mix[f * d + j]!, 0.1 * draw.normal());
  }
  return float32([n, d], data);
}
const all = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

test('components are orthonormal, ordered, and project to uncorrelated coordinates of their variances', () => {
  const [n, d, k] = [501, 20, 6];
  const embeddings = sample(n, d, 4);
  const pca = fitPca([{ embeddings, rows: all(n) }], k);
  const dot = (a: number, b: number): number =>
    all(d).reduce((sum, i) => sum + pca.components[a * d + i]! * pca.components[b * d + i]!, 0);
  const z = project(pca, embeddings);
  for (let a = 0; a < k; a++) {
    expect([...pca.variances]).toEqual([...pca.variances].sort((x, y) => y - x));
    for (let b = 0; b <= a; b++) {
      expect(dot(a, b)).toBeCloseTo(a === b ? 1 : 0, 10);
      const product = all(n).reduce((sum, i) => sum + z.data[i * k + a]! * z.data[i * k + b]!, 0) / n;
      expect(product).toBeCloseTo(a === b ? pca.variances[a]! : 0, 4);
    }
  }
  expect(pca.kept).toBeGreaterThan(0.95);
  expect(fitPca([{ embeddings, rows: all(n) }], d).kept).toBeCloseTo(1, 10);
});

test('the first component of points on a line is the line, and constant dimensions are ignored', () => {
  const embeddings = float32([4, 3], [0, 0, 7, 1, -2, 7, 2, -4, 7, 3, -6, 7]);
  const pca = fitPca([{ embeddings, rows: all(4) }], 2);
  // Standardised, both dimensions count alike: (1, −1, 0) / √2, of variance 2, up to sign.
  const [x = 0, y = 0, c = 0] = pca.components;
  expect(Math.abs(x)).toBeCloseTo(Math.SQRT1_2, 12);
  expect(y).toBeCloseTo(-x, 12);
  expect(c).toBeCloseTo(0, 12);
  expect([...pca.variances][0]).toBeCloseTo(2, 12);
  expect(pca.kept).toBeCloseTo(1, 12);
});

test('several parts are fitted together, on the given rows only', () => {
  const whole = sample(90, 8, 3);
  const first = float32([40, 8], whole.data.slice(0, 320));
  const spoilt = float32([51, 8], [...whole.data.slice(320), ...Array<number>(8).fill(1e6)]);
  const together = fitPca([{ embeddings: whole, rows: all(90) }], 3);
  const apart = fitPca(
    [
      { embeddings: first, rows: all(40) },
      { embeddings: spoilt, rows: all(50) },
    ],
    3,
  );
  for (let i = 0; i < 24; i++) expect(apart.components[i]).toBeCloseTo(together.components[i]!, 9);
});

test('fewer rows than dimensions have the components of their covariance', () => {
  const draw = randomStream(5, 'wide');
  const [n, width, count] = [12, 30, 5];
  const values = Float32Array.from({ length: n * width }, (_, i) => (1 + (i % 7)) * draw.normal());
  const embeddings = float32([n, width], values);
  const rows = [...Array(n).keys()];
  const pca = fitPca([{ embeddings, rows }], count);
  // Every component is an eigenvector of the covariance of standardised rows, with its variance.
  const standardised = rows.map((row) =>
    Array.from(pca.mean, (mean, d) => (values[row * width + d]! - mean) / pca.deviation[d]!),
  );
  for (let k = 0; k < count; k++) {
    const axis = pca.components.subarray(k * width, (k + 1) * width);
    expect(Math.hypot(...axis)).toBeCloseTo(1, 8);
    expect(Math.max(...axis)).toBe(Math.max(...axis.map(Math.abs)));
    const along = standardised.map((row) => row.reduce((sum, value, d) => sum + value * axis[d]!, 0));
    for (let d = 0; d < width; d++) {
      const product = standardised.reduce((sum, row, i) => sum + row[d]! * along[i]!, 0) / n;
      expect(product).toBeCloseTo(pca.variances[k]! * axis[d]!, 6);
    }
  }
  expect(pca.total).toBeCloseTo(width, 6);
});

test('more components than dimensions, or nothing to fit on, is an error', () => {
  const embeddings = sample(5, 4, 1);
  expect(() => fitPca([{ embeddings, rows: all(5) }], 5)).toThrow(/5 components requested/);
  expect(() => fitPca([{ embeddings, rows: [] }], 2)).toThrow(/training rows/);
});

test('packing and unpacking codes of any widths gives the nearest level of every value', () => {
  const bitsOf = fc.uint8Array({ min: 1, max: 8, minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(bitsOf, fc.integer({ min: 1, max: 30 }), fc.nat(), (bits, n, seed) => {
      const d = bits.length;
      const draw = randomStream(seed, 'codes');
      const values = float32([n, d], Float32Array.from({ length: n * d }, draw.normal));
      const codebook = fitCodebook([{ values, rows: all(n) }], bits);
      const packed = quantize(values, codebook);
      expect(packed.length).toBe(Math.ceil((n * bits.reduce((sum, count) => sum + count, 0)) / 8));
      const back = dequantize(packed, n, codebook);
      let start = 0;
      for (const [j, count] of bits.entries()) {
        const levels = codebook.levels.subarray(start, start + 2 ** count);
        for (let i = j; i < n * d; i += d) {
          const nearest = Math.min(...levels.map((level) => Math.abs(level - values.data[i]!)));
          expect(Math.abs(back.data[i]! - values.data[i]!)).toBeLessThanOrEqual(nearest + 1e-6);
        }
        start += 2 ** count;
      }
    }),
    { numRuns: 60 },
  );
});

test.each([
  [1, 0.3634],
  [2, 0.1175],
  [4, 0.0095],
])('%i bits quantise a normal distribution with the least possible error (Max 1960)', (bits, least) => {
  const draw = randomStream(3, 'normal');
  const values = float32(
    [20_000, 1],
    Float32Array.from({ length: 20_000 }, () => 5 + 2 * draw.normal()),
  );
  const codebook = fitCodebook([{ values, rows: all(20_000) }], Uint8Array.of(bits));
  const back = dequantize(quantize(values, codebook), 20_000, codebook);
  const error = values.data.reduce((sum, value, i) => sum + (value - back.data[i]!) ** 2, 0) / 20_000 / 4;
  expect(error / least).toBeGreaterThan(0.95);
  expect(error / least).toBeLessThan(1.05);
});

test('bits are allocated where they reduce the error most: all of them, and more to larger variances', () => {
  expect([...allocateBits([1, 1, 1, 1], 12)]).toEqual([3, 3, 3, 3]);
  expect([...allocateBits([16, 4, 1], 6)]).toEqual([3, 2, 1]);
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 20 }),
      fc.nat(99),
      (list, part) => {
        const variances = list.sort((a, b) => b - a);
        const budget = variances.length + Math.floor((part / 100) * 7 * variances.length);
        const bits = [...allocateBits(variances, budget)];
        expect(bits.reduce((sum, count) => sum + count, 0)).toBe(budget);
        expect(bits).toEqual([...bits].sort((a, b) => b - a));
        expect(bits.at(-1)).toBeGreaterThanOrEqual(1);
      },
    ),
  );
});

test('rejects a budget of less than one or more than eight bits per component, and codes that do not fit', () => {
  expect(() => allocateBits([1, 1], 1)).toThrow(/1 to 8 bits/);
  expect(() => allocateBits([1, 1], 17)).toThrow(/1 to 8 bits/);
  const values = float32([2, 2], [1, 2, 3, 4]);
  const codebook = fitCodebook([{ values, rows: [0, 1] }], Uint8Array.of(3, 5));
  expect(() => dequantize(new Uint8Array(3), 2, codebook)).toThrow(/3 bytes do not match 2 rows of 8 bits/);
  expect(() => dequantize(new Uint8Array(2), 2, { ...codebook, levels: new Float32Array(3) })).toThrow(
    /3 levels/,
  );
});

test.each([8, 12, 6, 5, 1])('mixing %i components preserves all distances', (width) => {
  const n = 40;
  const draw = randomStream(9, 'mix', width);
  const values = float32([n, width], Float32Array.from({ length: n * width }, draw.normal));
  const mixed = mixComponents(values);
  const distance = ({ data }: typeof values, a: number, b: number): number =>
    all(width).reduce((sum, j) => sum + (data[a * width + j]! - data[b * width + j]!) ** 2, 0);
  for (let i = 1; i < n; i++) expect(distance(mixed, i, 0)).toBeCloseTo(distance(values, i, 0), 4);
});

test('mixed components have equal variance if their number is a power of two, and nearly equal variance if it is three times one', () => {
  const n = 500;
  for (const [width, most] of [
    [16, 1.0001],
    [48, 1.15],
  ] as const) {
    const embeddings = sample(n, 60, 12);
    const z = mixComponents(project(fitPca([{ embeddings, rows: all(n) }], width), embeddings));
    const variances = all(width).map(
      (j) => all(n).reduce((sum, i) => sum + z.data[i * width + j]! ** 2, 0) / n,
    );
    expect(Math.max(...variances) / Math.min(...variances)).toBeLessThan(most);
  }
});
