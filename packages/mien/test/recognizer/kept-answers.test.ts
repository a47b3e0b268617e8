// The bundled model's answers to a fixed list of items are those that were kept: to 1e-6 on the kind of processor that
// computed them, to what another one's rounding allows elsewhere.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { KEPT, presentAnswers, type KeptAnswers } from '../../../../test/support/answers.js';

test('answers equal the stored ones', async () => {
  const kept = JSON.parse(await readFile(KEPT, 'utf8')) as KeptAnswers;
  const now = await presentAnswers();
  const allowed = now.processor === kept.processor ? 1e-6 : 2e-2;
  expect(now.answers).toHaveLength(kept.answers.length);
  const numbersOf = (value: unknown): number[] =>
    typeof value === 'number'
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(numbersOf)
        : [];
  now.answers.forEach((answer, i) => {
    const before = kept.answers[i]!;
    expect(answer.from).toBe(before.from);
    expect(Object.keys(answer)).toEqual(Object.keys(before));
    const [a, b] = [numbersOf(answer), numbersOf(before)];
    const apart = Math.max(...a.map((value, k) => Math.abs(value - b[k]!)));
    expect(apart, `item ${i}`).toBeLessThanOrEqual(allowed);
  });
});
