// Accuracy by groups of writers, and a data sheet of what cannot be known about fairness.
import { peopleConclusions, peopleSheets } from '../../data/people.js';
import { groupsPanel } from '../figures/model.js';
import type { ModelFacts } from '../model-file.js';
import { madeBy } from './model.js';
import { share } from '../tables.js';
import { formatInterval, slug, type Block, type Section } from './section.js';

const titles: Readonly<Record<string, string>> = {
  sex: 'sex, by the file’s code',
  age: 'age in years',
  country: 'country, by the file’s code',
};

export function groupsSection({ evaluation: { groups, tests } }: ModelFacts): Section {
  const kinds = [...new Set(groups.map(({ by }) => by))];
  const all = tests.find(({ name }) => name === 'ISEAR')?.accuracy;
  return {
    id: 'groups',
    title: 'For whom it works, and what cannot be known',
    blocks: [
      ...(groups.length === 0 || !all
        ? [{ text: 'This model’s evaluation names no groups: its texts do not say who wrote them.' }]
        : [
            { text: inWords(groups, all) },
            {
              figure: {
                id: 'groups',
                title: 'Accuracy by groups that the writers of the test texts stated',
                caption:
                  'Texts of ISEAR, seven labels, with Wilson’s 95% intervals; the dashed line is the accuracy on all test texts. ' +
                  'Intervals are not corrected for the number of groups: of twenty with equal accuracy, one misses the line by chance.',
                panels: kinds.map((by) =>
                  groupsPanel(
                    `groups-${slug(by)}`,
                    titles[by] ?? by,
                    groups.filter((one) => one.by === by),
                    all,
                  ),
                ),
              },
            } satisfies Block,
            madeBy('groups'),
          ]),
      {
        table: {
          id: 'people',
          title: 'Data sheet: what the sets state about people',
          columns: [
            { header: 'Set' },
            { header: 'What it says' },
            { header: 'What it does not state' },
            { header: 'What follows' },
          ],
          groups: [
            { rows: peopleSheets.map(({ set, says, silent, follows }) => [set, says, silent, follows]) },
          ],
        },
      },
      ...peopleConclusions.map((text): Block => ({ text })),
      ...hiding(tests),
    ],
  };
}

function inWords(groups: ModelFacts['evaluation']['groups'], all: { readonly mean: number }): string {
  const outside = groups.filter(
    ({ accuracy: { low, high } }) => low !== null && high !== null && (all.mean < low || all.mean > high),
  );
  const named = outside.map(
    ({ by, group, n, accuracy }) => `${by} ${group} (${formatInterval(accuracy)}, ${n} texts)`,
  );
  return (
    `All test texts: ${share(all.mean)}. Of ${groups.length} groups, the intervals of ${outside.length} do not contain that figure` +
    (named.length === 0 ? '.' : `: ${named.join('; ')}.`) +
    ` By chance alone, ${(0.05 * groups.length).toFixed(0)} would be expected not to.`
  );
}

/** The size of a group of faces that could always be misclassified without a visible effect on the accuracy. */
function hiding(tests: ModelFacts['evaluation']['tests']): Block[] {
  const sets = tests.filter(({ name }) => ['RAF-DB test', 'FER2013 test'].includes(name));
  if (sets.length === 0) return [];
  const parts = sets.map(
    ({ name, accuracy }) => `${(100 * (1 - accuracy.mean)).toFixed(0)}% of ${name.replace(' test', '')}’s`,
  );
  return [
    {
      text:
        `How much an accuracy can hide: the errors are ${parts.join(' and ')} test faces. A group of up to that share of the faces ` +
        'could always be misclassified and all others never, with the same accuracy. Nothing in these sets rules that out.',
    },
  ];
}
