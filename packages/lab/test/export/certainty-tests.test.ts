// What a card says of abstention and sets: shares counted by hand.
import { expect, test } from 'vitest';
import { certaintySection, certaintyTest } from '../../src/export/certainty-tests.js';
import { scores } from 'mien/parts/evaluate';

const certainty = {
  items: 100,
  sets: [
    { coverage: 0.8, posterior: 0.5 },
    { coverage: 0.9, posterior: 0.3 },
  ],
  answers: [
    { confidence: 0.2, answered: 1, risk: 0.3 },
    { confidence: 0.65, answered: 0.5, risk: 0.15 },
  ],
};
/** Right and sure, wrong and unsure, right and unsure, wrong and sure. */
const posteriors = scores(2, Float64Array.of(0.9, 0.1, 0.55, 0.45, 0.4, 0.6, 0.3, 0.7));
const truth = Uint8Array.of(0, 1, 1, 0);

test('answers and sets at each threshold', () => {
  const found = certaintyTest('text', 'four', certainty, { truth, posteriors });
  expect(found.risks).toEqual([
    { risk: 0.05, answered: 0, wrong: null },
    { risk: 0.1, answered: 0, wrong: null },
    { risk: 0.2, answered: 0.5, wrong: 0.5 },
  ]);
  expect(found.sets).toEqual([
    { wanted: 0.8, coverage: 0.5, size: 1 },
    { wanted: 0.9, coverage: 1, size: 1.75 },
    { wanted: 0.95, coverage: 1, size: 2 },
  ]);
  const [title, rows] = certaintySection([found]);
  expect(title).toBe('## How sure');
  expect(rows!.split('\n').at(-1)).toBe(
    '| text, four | .000, – | .000, – | .500, .500 | .500, 1.00 | 1.000, 1.75 | 1.000, 2.00 |',
  );
  expect(certaintySection([])).toEqual([]);
});
