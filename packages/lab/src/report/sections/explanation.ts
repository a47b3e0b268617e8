// Evaluation of the bundled model's explanations: deletion and insertion curves of words and cells, and completeness of
// the attributions.
import type { TextTable } from 'mien/parts/cli';
import type { Interval } from 'mien/parts/evaluate';
import { explanationPanel } from '../figures/model.js';
import type { ExplanationFile, ModelFacts } from '../model-file.js';
import { commandNote, formatInterval, slug, type Block, type Section } from './section.js';

const right = { align: 'right' } as const;
const percent = (value: number): string => `${(100 * value).toFixed(2)}%`;

export function explanationSection({ explanation, sameModels, name }: ModelFacts): Section {
  return {
    id: 'explanation',
    title: 'Whether explanations point at what decides',
    blocks: explanation
      ? measured(explanation, sameModels, name)
      : [
          {
            text:
              'No measurement of this model’s explanations was given. It needs the data sets: MIEN_DATA=DIR node --import tsx bench/explanation.ts BUNDLE --out FILE, ' +
              'then mien report --bundle BUNDLE --explanation FILE.',
          },
        ],
  };
}

function measured(file: ExplanationFile, sameModels: boolean, name: string): Block[] {
  const { curves, levels, split, completeness, command } = file;
  return [
    { text: inWords(file) },
    ...(sameModels
      ? []
      : [
          {
            text: `These explanations were measured with other weights than those that ${name} has now: the same command measures them again.`,
          },
        ]),
    {
      figure: {
        id: 'explanation',
        title: 'The answer’s probability as words or parts of the face are deleted and inserted',
        caption:
          `Means over ${split} items. Words or cells are deleted (above) or inserted alone (below), the most important first by the explanation, at random ` +
          '(two orders per item), or, for faces, from the middle outwards. The faster the first falls and the second rises, the better the explanation.',
        panels: curves.map(({ on, gone, orders }) =>
          explanationPanel(`explanation-${slug(on)}-${slug(gone)}`, `${on}, ${gone}`, levels, orders),
        ),
      },
    },
    { table: gainsTable(file) },
    {
      table: {
        id: 'completeness',
        title: 'Completeness: deviation of the attributions’ sum',
        columns: [
          { header: 'Items' },
          { header: 'Count', ...right },
          { header: 'Median', ...right },
          { header: 'Largest', ...right },
          { header: 'Above 1%', ...right },
        ],
        groups: [
          {
            rows: completeness.map(({ on, of, items, median, largest, above }) => [
              `${on}, ${of}`,
              String(items),
              percent(median),
              percent(largest),
              String(above),
            ]),
          },
        ],
        notes: [
          'The attributions should sum to the difference in log-odds between the item and its baseline. The table gives the deviation of the sum as a share of that difference, or of .5 if the difference is smaller.',
        ],
      },
    },
    commandNote(
      'These numbers need the data sets; only these means are stored. docs/explanation.md describes how attributions are computed and what they do not mean. Made by',
      command.replace(' --split', ' \\\n  --split'),
    ),
  ];
}

function inWords({ curves, completeness }: ExplanationFile): string {
  const tests = curves.flatMap(({ on, gone, gains }) =>
    gains
      .filter(({ over }) => over === 'random')
      .flatMap(({ deletion, insertion }) => [
        { name: `${on}, ${gone}, deletion`, gain: deletion },
        { name: `${on}, ${gone}, insertion`, gain: insertion },
      ]),
  );
  const not = tests.filter(({ gain }) => gain.low <= 0);
  const above = completeness.reduce((sum, one) => sum + one.above, 0);
  const items = completeness.reduce((sum, one) => sum + one.items, 0);
  return (
    (not.length === 0
      ? `In all ${tests.length} comparisons the explanation’s order beats random order, with intervals that exclude zero. `
      : `The explanation’s order beats random order in ${tests.length - not.length} of ${tests.length} comparisons; not shown for ${not.map(({ name }) => name).join('; ')}. `) +
    `Sums of attributions deviate by more than 1% of the difference they explain in ${above} of ${items} explanations.`
  );
}

function gainsTable({ curves }: ExplanationFile): TextTable {
  const gain = (value: Interval): string => formatInterval(value);
  return {
    id: 'explanation-gains',
    title: 'How much better than other orders',
    columns: [
      { header: 'Against' },
      { header: 'Deletion (95% interval)', ...right },
      { header: 'Insertion (95% interval)', ...right },
    ],
    groups: curves.map(({ on, gone, items, gains }) => ({
      heading: `${on}, ${gone}, ${items} items`,
      rows: gains.map(({ over, deletion, insertion }) => [over, gain(deletion), gain(insertion)]),
    })),
    notes: [
      'Difference of the mean probability over all levels, so that the explanation’s order is better above zero; bootstrap over items.',
    ],
  };
}
