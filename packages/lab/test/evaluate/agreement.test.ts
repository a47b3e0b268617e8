// α of two views: recovered from views drawn with a known one, and 1 where no view ever errs.
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { scores } from 'mien/parts/evaluate';
import { fitAgreement } from '../../src/evaluate/agreement.js';

const CLASSES = 3;
const PRIOR = [0.5, 0.3, 0.2];

/** Views that express one label with probability α; each reads its own label right with probability `sure`. */
function drawn(alpha: number, sure: number, n = 40_000) {
  const draw = randomStream(0, `views ${alpha}`);
  const label = () => {
    const at = draw.uniform();
    return at < PRIOR[0]! ? 0 : at < PRIOR[0]! + PRIOR[1]! ? 1 : 2;
  };
  const noise = (1 - sure) / (CLASSES - 1);
  /** The exact posterior under the prior, given what is read. */
  const posterior = (expressed: number): number[] => {
    const read = draw.uniform() < sure ? expressed : (expressed + 1 + draw.integer(CLASSES - 1)) % CLASSES;
    const joint = PRIOR.map((p, y) => p * (y === read ? sure : noise));
    const total = joint.reduce((sum, value) => sum + value, 0);
    return joint.map((value) => value / total);
  };
  const [first, second, truth]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < n; i++) {
    const shared = label();
    const both = draw.uniform() < alpha ? [shared, shared] : [label(), label()];
    first.push(...posterior(both[0]!));
    second.push(...posterior(both[1]!));
    // Of two labels either may be meant.
    truth.push(both[draw.integer(2)]!);
  }
  return {
    first: scores(CLASSES, Float32Array.from(first)),
    second: scores(CLASSES, Float32Array.from(second)),
    truth,
  };
}

test.each([0.6, 0.8, 0.95])('α = %s is recovered from views drawn with it', (alpha) => {
  expect(Math.abs(fitAgreement([drawn(alpha, 0.8)], PRIOR) - alpha)).toBeLessThan(0.03);
});

test('views that always express the same label have α = 1', () => {
  expect(fitAgreement([drawn(1, 0.7), drawn(1, 0.9)], PRIOR)).toBe(1);
});
