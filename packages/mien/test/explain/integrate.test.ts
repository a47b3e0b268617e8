// Integrated gradients on functions whose attributions are known.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { explainedDifference, integrate, type Path } from '../../src/explain/integrate.js';

/** The path of f from `baseline` to `input`, one unit a coordinate. */
const pathOf =
  (
    f: (x: readonly number[]) => number,
    gradient: (x: readonly number[]) => readonly number[],
    input: readonly number[],
    baseline: readonly number[],
  ): Path =>
  async (places) =>
    places.map((place) => {
      const x = input.map((to, i) => baseline[i]! + place * (to - baseline[i]!));
      return {
        value: f(x),
        slopes: Float32Array.from(gradient(x), (slope, i) => slope * (input[i]! - baseline[i]!)),
      };
    });

test('attributions of a linear function are weights times differences', async () => {
  const weights = [3, -2, 0.5];
  const [input, baseline] = [
    [1, 2, 3],
    [0, 1, -1],
  ];
  const f = (x: readonly number[]): number => x.reduce((sum, value, i) => sum + weights[i]! * value, 0);
  const found = await integrate(pathOf(f, () => weights, input!, baseline!));
  expect([...found.attributions].map((value) => value.toFixed(5))).toEqual([
    '3.00000',
    '-2.00000',
    '2.00000',
  ]);
  expect(found.gap).toBeCloseTo(0, 5);
});

test('both factors of a product have equal attributions', async () => {
  const f = ([a, b]: readonly number[]): number => a! * b!;
  const found = await integrate(pathOf(f, ([a, b]) => [b!, a!], [2, 3], [0, 0]));
  expect([...found.attributions].map((value) => value.toFixed(5))).toEqual(['3.00000', '3.00000']);
});

test('a step anywhere on the path is found: sums are within the tolerance', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.02, max: 0.98, noNaN: true }),
      fc.double({ min: 1, max: 300, noNaN: true }),
      fc.double({ min: -5, max: 5, noNaN: true }),
      async (place, steepness, drift) => {
        const f = ([x, y]: readonly number[]): number => Math.tanh(steepness * (x! - place)) + drift * y!;
        const gradient = ([x]: readonly number[]): number[] => [
          steepness / Math.cosh(Math.min(300, steepness * (x! - place))) ** 2,
          drift,
        ];
        const { from, to, gap, attributions } = await integrate(pathOf(f, gradient, [1, 1], [0, 0]), {
          tolerance: 0.005,
          mostPoints: 2000,
        });
        const sum = attributions.reduce((total, value) => total + value, 0);
        expect(sum - (to - from)).toBeCloseTo(gap, 9);
        expect(Math.abs(gap)).toBeLessThanOrEqual(0.005 * explainedDifference({ from, to }));
      },
    ),
  );
});

test('a function that cannot be integrated ends with its gap', async () => {
  // A jump: no slope anywhere, a difference all the same.
  const path: Path = async (places) =>
    places.map((place) => ({ value: place > 1 / 3 ? 1 : 0, slopes: Float32Array.of(0) }));
  const { gap, points } = await integrate(path, { mostPoints: 100 });
  expect(gap).toBe(-1);
  expect(points).toBeLessThan(130);
});
