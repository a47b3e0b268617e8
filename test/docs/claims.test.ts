// What README.md states in figures of the bundled model is what its evaluation holds: no figure drifts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Test {
  readonly name: string;
  readonly labels: readonly string[];
  readonly n: number;
  readonly accuracy: { readonly mean: number; readonly low: number; readonly high: number };
}

/** `.717` */
const share = (value: number): string => value.toFixed(3).replace(/^0/, '');

/** Cells of the lines of Markdown tables. */
const tableRows = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

/** What a row of either table must say: labels, items, accuracy with its interval. */
const statement = ({ labels, n, accuracy: { mean, low, high } }: Test): string[] => [
  String(labels.length),
  String(n),
  `${share(mean)} [${share(low)}, ${share(high)}]`,
];

/** The test of a row of README's table. */
function testNamed(row: string): string {
  const corpus = /\((GoEmotions|XED|EmoEvent|ISEAR)\b/.exec(row)?.[1];
  const set = /RAF-DB|FER2013/.exec(row)?.[0];
  if (row.startsWith('texts with faces of')) return `ISEAR × ${set!}, gated`;
  if (corpus) return /XED|EmoEvent/.test(corpus) ? `${corpus} (English)` : corpus;
  if (set === 'RAF-DB') return 'RAF-DB test';
  return `FER2013 PrivateTest, ${row.includes('voters') ? 'by votes' : 'second classifier'}`;
}

describe.skipIf(!existsSync(join(root, 'models/lite')))('figures of the bundled model', () => {
  const { evaluation } = JSON.parse(read('models/lite/evaluation.json')) as {
    evaluation: {
      tests: Test[];
      behaviour: { capability: string; items: number; passed: number }[];
      aligned: { agreeing: { n: number; rows: { name: string; accuracy: Test['accuracy'] }[] } };
    };
  };
  const of = (name: string): Test => evaluation.tests.find((one) => one.name === name)!;
  const beginning = read('README.md').split('\n## ')[0]!;

  test('README’s table, row by row', () => {
    const rows = tableRows(beginning)
      .map(([, ...row]) => row)
      .filter(([, labels]) => /^\d+$/.test(labels ?? ''));
    const { agreeing } = evaluation.aligned;
    const answer = agreeing.rows.find(({ name }) => name === 'answer')!;
    const unmatched: Test = { ...answer, labels: ['negative', 'positive'], n: agreeing.n };
    expect(rows).toHaveLength(10);
    for (const [name, labels, items, accuracy] of rows)
      expect([name, labels, items!.replace(',', ''), accuracy]).toEqual([
        name,
        ...statement(name!.startsWith('posts with their picture') ? unmatched : of(testNamed(name!))),
      ]);
  });

  test('every other share in README’s beginning is on the card', () => {
    const card = read('models/lite/README.md');
    // What the program prints there has more digits.
    for (const [figure] of beginning.matchAll(/(?<![\d.])\.\d{3}(?!\d)/g)) expect(card).toContain(figure);
  });

  test('its size', () => {
    const { files } = JSON.parse(read('models/lite/manifest.json')) as {
      files: Record<string, { bytes: number }>;
    };
    const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
    expect(beginning).toContain(`\`models/lite\`, ${(bytes / 1e6).toFixed(0)} MB`);
  });
});

test('the cost of the pack repeats the tables beside it', () => {
  const text = read('docs/reproduce.md');
  const table = text.slice(text.indexOf('Table III. Ablation'), text.indexOf('Multimodal rows:'));
  /** Accuracy of a line under a heading, of the frozen pack. */
  const printed = (heading: string, line: string): string => {
    const part = table.slice(table.indexOf(`${heading}, 5 labels`)).split(/\n(?=\S)/)[0]!;
    return new RegExp(`^  ${line} +(\\.\\d{3})`, 'm').exec(part)![1]!;
  };
  const costs = new Map(tableRows(text).map(([name, , pack]) => [name, pack]));
  expect(costs.get('text, ISEAR, five labels')).toBe(printed('ISEAR', 'Text only'));
  for (const set of ['FER2013', 'RAF-DB']) {
    expect(costs.get(`gated, ISEAR × ${set}`)).toBe(
      printed(`ISEAR × ${set}`, 'Gated \\+ LSTM(?: \\(ours\\))?'),
    );
    expect(costs.get(`product of posteriors, ISEAR × ${set}`)).toBe(
      printed(`ISEAR × ${set}`, 'Product of posteriors \\(ours\\)'),
    );
  }
});
