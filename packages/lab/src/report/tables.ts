// The paper's tables from result rows, with intervals, the paper's figures beside them and notes, and the table of costs.
import { MODALITIES } from 'mien/parts/bundle';
import { renderMarkdown, renderText, type RowGroup, type TextLayout, type TextTable } from 'mien/parts/cli';
import { type MetricName, metricNames, type ModelName } from '../experiments/results.js';
import type { Degree } from '../features/corrupted.js';
import { costTable } from './cost-table.js';
import { citedSystems, type ReportedMetric, type ReportedRow, type Results } from './results.js';

/** Names of the models in tables. */
export const modelTitles: Readonly<Record<ModelName, string>> = {
  text: 'Text only',
  face: 'Image only',
  voice: 'Voice only',
  concatenation: 'Concatenation + LSTM',
  gated: 'Gated + LSTM',
  'gated-no-lstm': 'Gated, no LSTM',
  'static-gate': 'Static gate + LSTM',
  tensor: 'Tensor + LSTM',
  'low-rank': 'Low-rank + LSTM',
  'cross-attention': 'Cross-attention + LSTM',
  transformer: 'Transformer',
  product: 'Product of posteriors',
};

/** The note under every table with multimodal rows. */
export const pairingNote =
  'Multimodal rows: the face of each pair was chosen by the text’s label, in test too. Their accuracy is that of ' +
  'two independent views of one label, not of people whose words and face were recorded together.';

/** The note under the three-way table. */
export const tripleNote =
  'Triples: the face and the voice of each text were chosen by the text’s label, in test too, independently of each other. ' +
  'The accuracy of two or three of them is that of independent views of one label, not of people whose words, face and voice ' +
  'were recorded together.';

const metricTitles: Readonly<Record<MetricName, string>> = {
  accuracy: 'Accuracy',
  precision: 'Precision',
  recall: 'Recall',
  f1: 'F1',
};

const isMultimodal = ({ model }: ReportedRow): boolean =>
  model !== 'text' && model !== 'face' && model !== 'voice';

/** `.721` for a share, `−.039` for a difference of shares; `1.000` stays readable. */
export const share = (value: number): string =>
  Number.isFinite(value)
    ? value
        .toFixed(3)
        .replace(/^-/, '−')
        .replace(/^(−?)0(?=\.)/, '$1')
    : '–';

/** `.721 ±.006`, with half the width of the interval; without one, only the mean. */
export const formatMetric = ({ mean, low, high }: ReportedMetric): string =>
  low === null || high === null ? share(mean) : `${share(mean)} ±${share((high - low) / 2)}`;

const formatPaper = (value: number | null): string =>
  value === null ? '–' : value.toFixed(2).replace(/^0/, '');

const seedsNote = (rows: readonly ReportedRow[]): string => {
  const most = (counts: readonly number[]): number => Math.max(0, ...counts);
  const seeds = most(rows.map((row) => row.seeds.length));
  const pairings = most(rows.map((row) => row.pairings.length));
  const over = `${seeds} model seed${seeds === 1 ? '' : 's'}`;
  const crossed = pairings > 0 ? `, for pairs × ${pairings} test pairing${pairings === 1 ? '' : 's'}` : '';
  return `Ours: mean ± half a 95% interval over ${over}${crossed}. Precision, recall and F1 are macro means.`;
};

const nameOf = (row: ReportedRow): string =>
  `${modelTitles[row.model]}${row.variant === null ? '' : `, ${row.variant}`}${row.reproduces === null ? ' (ours)' : ''}`;

/** Rows by a key, in the order of their first. */
function groupBy(
  rows: readonly ReportedRow[],
  keyOf: (row: ReportedRow) => string,
): Map<string, ReportedRow[]> {
  const groups = new Map<string, ReportedRow[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}

/** Groups rows of the same test data under one heading, in order. */
function groupRows(rows: readonly ReportedRow[], cells: (row: ReportedRow) => string[]): RowGroup[] {
  const headingOf = (row: ReportedRow): string => {
    const unit = isMultimodal(row) ? 'pairs' : 'items';
    return `${row.dataset}, ${row.labels.length} labels, ${row.n.toLocaleString('en-US')} test ${unit}, ${row.features}`;
  };
  return [...groupBy(rows, headingOf)].map(([heading, group]) => ({ heading, rows: group.map(cells) }));
}

/** Tables II and III: every metric of every row, with the paper's columns for metrics of which it gives figures. */
function metricTable(id: string, title: string, rows: readonly ReportedRow[]): TextTable {
  const withPaper = new Set(metricNames.filter((name) => rows.some((row) => row[name].paper !== null)));
  return {
    id,
    title,
    columns: [
      { header: 'Model' },
      ...metricNames.flatMap((name) => [
        { header: metricTitles[name] },
        ...(withPaper.has(name) ? [{ header: 'paper', align: 'right' as const }] : []),
      ]),
    ],
    groups: groupRows(rows, (row) => [
      nameOf(row),
      ...metricNames.flatMap((name) => [
        formatMetric(row[name]),
        ...(withPaper.has(name) ? [formatPaper(row[name].paper)] : []),
      ]),
    ]),
    notes: [
      ...(rows.some(isMultimodal) ? [pairingNote] : []),
      `${seedsNote(rows)} Rows marked (ours) are not in the paper.`,
    ],
  };
}

/** Marks rows of the gate that does without modalities. */
export const incompleteVariant = 'trained with some missing';

/** What a row reads of the triples, and by what: `text + voice: Gated + LSTM`. */
function tripleName(row: ReportedRow): string {
  const { model, modalities = [], variant } = row;
  if (!isMultimodal(row)) return `${modalities.join()} alone`;
  return `${modalities.join(' + ')}: ${modelTitles[model]}${variant === null ? '' : `, ${variant}`}`;
}

const percent = (value: number): string => (100 * value).toFixed(0);

/** Shares, such as a gate's, in percent: `30 / 29 / 41`. */
const formatShares = (shares: Readonly<Record<string, number>> | undefined): string =>
  shares ? Object.values(shares).map(percent).join(' / ') : '–';

/** `ISEAR × RAF-DB × RAVDESS, 5 labels, 1,079 test triples, frozen features (pack)`. */
const tripleHeading = ({ dataset, labels, n, features }: ReportedRow): string =>
  `${dataset}, ${labels.length} labels, ${n.toLocaleString('en-US')} test triples, ${features}`;

/** Rows of the same triples under one heading, in order. */
const byTriples = (rows: readonly ReportedRow[]): Map<string, ReportedRow[]> => groupBy(rows, tripleHeading);

/** `background noise .25`, or `telephone` where nothing is left as it was. */
export const degreeName = ({ as, level }: Degree): string =>
  level === 1 ? as : `${as} ${share(level).replace(/0+$/, '')}`;

const right = { align: 'right' } as const;

/** The three-way table: what each row reads, its metrics, what is left without interaction, and the gate's shares or α. */
function tripleTable(rows: readonly ReportedRow[]): TextTable {
  return {
    id: 'triples',
    title: 'Three at once (not in the paper)',
    columns: [
      { header: 'Reads' },
      ...metricNames.map((name) => ({ header: metricTitles[name] })),
      { header: 'additive', ...right },
      { header: 'gate or α, %', ...right },
    ],
    groups: [...byTriples(rows)].map(([heading, group]) => ({
      heading,
      rows: group.map((row) => [
        tripleName(row),
        ...metricNames.map((name) => formatMetric(row[name])),
        row.additive ? formatMetric({ ...row.additive, paper: null }) : '–',
        formatShares(row.gate ?? row.agreement),
      ]),
    })),
    notes: [
      tripleNote,
      'Voices: acted speech of RAVDESS, two sentences, by four speakers whom neither training nor the choice of the epoch has ' +
        'heard; what speakers differ in is not in the intervals. Gate: mean shares of text / face / voice, of those that the ' +
        'head reads. Additive: accuracy of what is left without interaction (EMAP), on the first pairing; a product of posteriors ' +
        'is additive as it is. “Trained with some missing”: one head for every choice of them.',
      'α, of products: the probability of expressing one label that makes the labels of the validation triples most likely, for text + face / ' +
        'text + voice / face + voice, of those that the row reads. Matched by label, all do express one: below 1 it says how often ' +
        'one side is misread, not how often people contradict themselves.',
      seedsNote(rows),
    ],
  };
}

/** The table of triples whose voice was made worse, beside the clean ones and those without a voice. */
function corruptedTable(rows: readonly ReportedRow[], clean: readonly ReportedRow[]): TextTable {
  const heads = [
    { model: 'product', variant: null },
    { model: 'gated', variant: null },
    { model: 'gated', variant: incompleteVariant },
  ];
  const line = (name: string, group: readonly ReportedRow[], read: readonly string[]): string[] => {
    const of = (model: string, variant: string | null, modalities = read): ReportedRow | undefined =>
      group.find(
        (row) =>
          row.model === model && row.variant === variant && row.modalities?.join() === modalities.join(),
      );
    const accuracy = (row: ReportedRow | undefined): string => (row ? formatMetric(row.accuracy) : '–');
    return [
      name,
      read.includes('voice') ? accuracy(of('voice', null, ['voice'])) : '–',
      ...heads.flatMap(({ model, variant }) => {
        const row = of(model, variant);
        return model === 'gated' ? [accuracy(row), formatShares(row?.gate)] : [accuracy(row)];
      }),
    ];
  };
  const cleanGroups = byTriples(clean);
  return {
    id: 'corrupted',
    title: 'Three at once, with a bad voice (not in the paper)',
    columns: [
      { header: 'Voice' },
      { header: 'alone' },
      { header: 'Product' },
      { header: 'Gate' },
      { header: 'gate, %', ...right },
      { header: incompleteVariant },
      { header: 'gate, %', ...right },
    ],
    groups: [...byTriples(rows)].map(([heading, group]) => {
      const degrees = groupBy(group, ({ corrupted }) => degreeName(corrupted!));
      const plain = cleanGroups.get(heading) ?? [];
      return {
        heading,
        rows: [
          line('as recorded', plain, MODALITIES),
          ...[...degrees].map(([name, some]) => line(name, some, MODALITIES)),
          line('left out', plain, ['text', 'face']),
        ],
      };
    }),
    notes: [
      tripleNote,
      'Accuracy where the test voices are made worse; heads and temperatures are those of the table above, which have seen clean ' +
        'voices only (the bundled encoder has been trained with noise and telephones). Background noise: its share of the ' +
        'amplitude, .5 is as loud as the speech. “Left out”: text and face of the same triples.',
      seedsNote(rows),
    ],
  };
}

/** Limitations of each model, for Table IV. */
function limitationsOf(row: ReportedRow): string {
  const protocol = `${row.features}; ${row.dataset}, ${row.n.toLocaleString('en-US')} test ${isMultimodal(row) ? 'pairs' : 'items'}`;
  if (row.model === 'text') return `Reads no face; ${protocol}`;
  if (row.model === 'face') return `Reads no text; ${protocol}`;
  const model = row.model === 'product' ? 'No fusion is learned; ' : '';
  return `${model}pairs matched by label, in test too; ${protocol}`;
}

/** Table IV: systems reported by others, as cited, and ours. */
function comparisonTable(rows: readonly ReportedRow[]): TextTable {
  const title = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  return {
    title: 'Table IV. Comparison with cited systems',
    columns: [{ header: 'System' }, { header: 'Accuracy' }, { header: 'F1' }, { header: 'Limitations' }],
    groups: [
      {
        heading: 'As cited, not measured here',
        rows: citedSystems.map(({ system, accuracy, f1, limitations }) => [
          system,
          formatPaper(accuracy),
          formatPaper(f1),
          limitations,
        ]),
      },
      {
        heading: 'Measured here',
        rows: rows.map((row) => [
          `${modelTitles[row.model]}${row.variant === null ? '' : `, ${row.variant}`}`,
          formatMetric(row.accuracy),
          formatMetric(row.f1),
          title(limitationsOf(row)),
        ]),
      },
    ],
    notes: [
      'Figures of different data and splits do not rank systems.',
      ...(rows.some(isMultimodal) ? [pairingNote] : []),
    ],
  };
}

/** The tables for which there are rows, in the paper's order, and the table of costs. */
export function reportTables({ rows, costs }: Pick<Results, 'rows' | 'costs'>): TextTable[] {
  const of = (table: string): ReportedRow[] => rows.filter((row) => row.table === table);
  return [
    ...(of('II').length > 0 ? [metricTable('ii', 'Table II. Performance per modality', of('II'))] : []),
    ...(of('III').length > 0 ? [metricTable('iii', 'Table III. Ablation', of('III'))] : []),
    ...(of('IV').length > 0 ? [comparisonTable(of('IV'))] : []),
    ...(of('seven').length > 0 ? [metricTable('seven', 'Seven labels (not in the paper)', of('seven'))] : []),
    ...(of('triples').length > 0 ? [tripleTable(of('triples'))] : []),
    ...(of('corrupted').length > 0 ? [corruptedTable(of('corrupted'), of('triples'))] : []),
    ...(costs.length > 0 ? [costTable(costs)] : []),
  ];
}

/** All tables for a terminal. */
export const renderTables = (results: Pick<Results, 'rows' | 'costs'>, layout: TextLayout = {}): string =>
  reportTables(results)
    .map((table) => renderText(table, layout))
    .join('\n\n\n');

/** All tables as Markdown, for `tables.md`. */
export const renderTablesMarkdown = (results: Pick<Results, 'rows' | 'costs'>): string =>
  `${reportTables(results).map(renderMarkdown).join('\n\n')}\n`;
