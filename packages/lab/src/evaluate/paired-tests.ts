// Whether one model is better than another on the same items, and how sure that is after several comparisons.
import binomialTest from '@stdlib/stats-binomial-test';
import adjust from '@stdlib/stats-padjust';
import { MienError } from 'mien-engine/base';

export interface McNemar {
  /** Items that only the first model, and only the second one, classifies rightly. */
  readonly firstOnly: number;
  readonly secondOnly: number;
  /** Two-sided p-value of "both err equally often". */
  readonly pValue: number;
}

/**
 * McNemar's test in its exact form: of the items on which exactly one of two models is right, under equal error rates
 * each model has half. It takes the two models as they are; other trainings and other items of the same subject are
 * not in it. Source: McNemar 1947; exact as in Dietterich 1998, "Approximate statistical tests for comparing supervised
 * classification learning algorithms".
 * @param first, second 1 (right) or 0 (wrong) for each item
 * @throws MienError `shape` when they differ in length.
 */
export function mcnemar(first: ArrayLike<number>, second: ArrayLike<number>): McNemar {
  if (first.length !== second.length)
    throw new MienError('shape', `${first.length} and ${second.length} items cannot be compared in pairs`);
  let firstOnly = 0;
  let secondOnly = 0;
  for (let i = 0; i < first.length; i++) {
    if (first[i]! > second[i]!) firstOnly++;
    if (first[i]! < second[i]!) secondOnly++;
  }
  const discordant = firstOnly + secondOnly;
  const pValue = discordant === 0 ? 1 : binomialTest(firstOnly, discordant).pValue;
  return { firstOnly, secondOnly, pValue: Math.min(1, pValue) };
}

/**
 * p-values of several comparisons, adjusted so that the chance of any false finding among them stays below the level
 * each is held to. Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
 */
export const holm = (pValues: readonly number[]): number[] =>
  pValues.length === 0 ? [] : adjust([...pValues], 'holm').map((p) => Math.min(1, p));
