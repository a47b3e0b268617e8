// Paired tests against statsmodels, and what must hold for any pair of models.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { holm, mcnemar } from '../../src/evaluate/intervals.js';
import { golden } from '../../../../test/support/evaluate-golden.js';

test.each(golden.mcnemar)('McNemar $firstOnly : $secondOnly equals statsmodels', (expected) => {
  const { firstOnly, secondOnly } = expected;
  const first = [...new Array<number>(firstOnly).fill(1), ...new Array<number>(secondOnly).fill(0), 1, 1, 0];
  const second = [...new Array<number>(firstOnly).fill(0), ...new Array<number>(secondOnly).fill(1), 1, 1, 0];
  const found = mcnemar(first, second);
  expect(found).toMatchObject({ firstOnly, secondOnly });
  expect(found.pValue).toBeCloseTo(expected.pValue, 9);
  expect(mcnemar(second, first).pValue).toBeCloseTo(found.pValue, 12);
});

test('models that never differ have a p-value of one; lengths must match', () => {
  expect(mcnemar([1, 0], [1, 0]).pValue).toBe(1);
  expect(() => mcnemar([1], [1, 0])).toThrow(/pairs/);
});

test.each(golden.holm)('Holm of $pValues equals statsmodels', ({ pValues, holm: expected }) => {
  holm(pValues).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
});

test('Holm never lowers p-values, keeps their order and does not exceed Bonferroni', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }),
      (pValues) => {
        const adjusted = holm(pValues);
        pValues.forEach((p, i) => {
          expect(adjusted[i]!).toBeGreaterThanOrEqual(p - 1e-12);
          expect(adjusted[i]!).toBeLessThanOrEqual(Math.min(1, p * pValues.length) + 1e-12);
          pValues.forEach((other, j) => {
            if (p < other) expect(adjusted[i]!).toBeLessThanOrEqual(adjusted[j]! + 1e-12);
          });
        });
      },
    ),
  );
  expect(holm([])).toEqual([]);
});
