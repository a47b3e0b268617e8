// Posteriors that allow for pairs of two labels: by hand, and what holds of any.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withDoubt } from '../../src/evaluate/agreement.js';
import { scores } from '../../src/evaluate/scores.js';

const rows = (classes: number, ...data: number[]) => scores(classes, Float64Array.from(data));

test('by hand: two labels, one pair that agrees and one that does not', () => {
  const text = rows(2, 0.8, 0.2, 0.9, 0.1);
  const face = rows(2, 0.9, 0.1, 0.1, 0.9);
  const fused = rows(2, 0.97, 0.03, 0.6, 0.4);
  const { posteriors, agreement } = withDoubt({ fused, text, face }, [0.5, 0.5], 0.9);
  // s = 2 (.72 + .02) = 1.48 and 2 (.09 + .09) = .36
  const [one, other] = [1.332 / 1.432, 0.324 / 0.424];
  expect([...agreement].map((p) => p.toFixed(9))).toEqual([one, other].map((p) => p.toFixed(9)));
  expect(posteriors.data[0]).toBeCloseTo(one * 0.97 + (1 - one) * 0.85, 12);
  expect(posteriors.data[3]).toBeCloseTo(other * 0.4 + (1 - other) * 0.5, 12);
});

test('by hand: half of what the face adds', () => {
  const [text, face, prior] = [
    [0.8, 0.2],
    [0.1, 0.9],
    [0.5, 0.5],
  ] as const;
  const product = text.map((p, k) => (p * face[k]!) / prior[k]!);
  const total = product[0]! + product[1]!;
  const said = {
    fused: rows(2, ...product.map((p) => p / total)),
    text: rows(2, ...text),
    face: rows(2, ...face),
  };
  // .8 √.1 and .2 √.9
  const [a, b] = [0.8 * Math.sqrt(0.1), 0.2 * Math.sqrt(0.9)];
  expect(withDoubt(said, [...prior], 1, 0.5).posteriors.data[0]).toBeCloseTo(a / (a + b), 12);
  expect(withDoubt(said, [...prior], 1, 0).posteriors.data[0]).toBeCloseTo(0.8, 12);
});

test('where text and fusion exclude each other, the text decides', () => {
  const said = { fused: rows(2, 1, 0), text: rows(2, 0, 1), face: rows(2, 1, 0) };
  expect([...withDoubt(said, [0.5, 0.5], 1, 0.5).posteriors.data]).toEqual([0, 1]);
});

describe('of any pairs', () => {
  const posterior = fc
    .array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 })
    .map((values) => values.map((value) => value / values.reduce((a, b) => a + b)));
  const pairs = fc.record({ fused: posterior, text: posterior, face: posterior, prior: posterior });

  test('rows sum to one and lie between fused and alone; 1 leaves the fusion as it is, 0 drops it', () => {
    fc.assert(
      fc.property(pairs, fc.double({ min: 0, max: 1, noNaN: true }), ({ prior, ...said }, often) => {
        const given = Object.fromEntries(Object.entries(said).map(([name, row]) => [name, rows(3, ...row)]));
        const ask = (alpha: number) => withDoubt(given as Parameters<typeof withDoubt>[0], prior, alpha);
        const { posteriors, agreement } = ask(often);
        expect(posteriors.data.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
        expect(agreement[0]).toBeGreaterThanOrEqual(0);
        expect(agreement[0]).toBeLessThanOrEqual(1);
        said.fused.forEach((fused, k) => {
          const alone = (said.text[k]! + said.face[k]!) / 2;
          expect(posteriors.data[k]).toBeGreaterThanOrEqual(Math.min(fused, alone) - 1e-12);
          expect(posteriors.data[k]).toBeLessThanOrEqual(Math.max(fused, alone) + 1e-12);
        });
        expect([...ask(1).posteriors.data]).toEqual(said.fused);
        expect(ask(0).posteriors.data[1]).toBeCloseTo((said.text[1]! + said.face[1]!) / 2, 12);
      }),
    );
  });

  test('a side that says nothing but the prior is no contradiction', () => {
    fc.assert(
      fc.property(pairs, ({ fused, text, prior }) => {
        const given = { fused: rows(3, ...fused), text: rows(3, ...text), face: rows(3, ...prior) };
        expect(withDoubt(given, prior, 0.9).agreement[0]).toBeCloseTo(0.9, 9);
      }),
    );
  });
});

test('posteriors over other labels are refused', () => {
  const [two, three] = [rows(2, 0.5, 0.5), rows(3, 0.2, 0.3, 0.5)];
  expect(() => withDoubt({ fused: two, text: two, face: three }, [0.5, 0.5], 0.9)).toThrow(
    expect.objectContaining({ code: 'shape' }) as Error,
  );
});
