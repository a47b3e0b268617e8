// Accuracy by groups of the test texts' writers, if the file states them.
import type { TextItem } from 'mien/parts/data';
import { groupAccuracies, type GroupAccuracy } from 'mien/parts/evaluate';
import { fraction, table } from './markdown.js';

/** Of a group by the file's own code; of ages, by a band. */
export interface GroupResult extends GroupAccuracy {
  readonly by: 'sex' | 'age' | 'country';
}

/** Upper ends of bands of age, in years: fifths of the writers, nearly. */
const AGES: readonly (readonly [upTo: number, name: string])[] = [
  [19, 'up to 19'],
  [20, '20'],
  [22, '21 and 22'],
  [25, '23 to 25'],
  [Infinity, '26 and more'],
];

/** ISEAR's code for a writer who did not say. */
const UNSAID = '0';

const GROUPINGS: Readonly<Record<GroupResult['by'], (item: TextItem) => string | undefined>> = {
  sex: ({ sex }) => (sex === UNSAID ? undefined : sex),
  age: ({ age }) => (age === undefined ? undefined : AGES.find(([upTo]) => age <= upTo)![1]),
  country: ({ country }) => (country === UNSAID ? undefined : country),
};

/** Accuracy of each group, without items of unknown group; empty if the file states nothing about its writers. */
export function groupResults(items: readonly TextItem[], right: readonly boolean[]): GroupResult[] {
  return (Object.keys(GROUPINGS) as GroupResult['by'][]).flatMap((by) =>
    groupAccuracies(items.map((item, i) => ({ group: GROUPINGS[by](item), hit: right[i]! })))
      .sort(
        ({ group: a }, { group: b }) =>
          place(by, a) - place(by, b) || a.localeCompare(b, 'en', { numeric: true }),
      )
      .map((one) => ({ by, ...one })),
  );
}

/** Bands of age in their order; codes, which are no bands though one may be called like one, by number. */
const place = (by: GroupResult['by'], group: string): number =>
  by === 'age' ? AGES.findIndex(([, name]) => name === group) : 0;

/** The card's section: groups with counts and intervals. */
export function groupSection(groups: readonly GroupResult[]): string[] {
  if (groups.length === 0) return [];
  const rows = groups.map(({ by, group, n, accuracy: { mean, low, high } }) => [
    by,
    group,
    String(n),
    `${fraction(mean)} [${fraction(low!)}, ${fraction(high!)}]`,
  ]);
  return [
    '## By group',
    table(['of the writer', 'code in the file', 'texts', 'accuracy'], rows),
    'Groups are those that ISEAR’s writers named themselves, by the codes of the original file, over all seven labels. Intervals are Wilson’s at 95 % and not corrected for looking at so many groups: of twenty groups that do equally well, one lies outside its interval by chance.',
  ];
}
