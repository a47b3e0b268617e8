// The paper's tables from result rows, with intervals, the paper's figures beside them and notes, and the table of costs.
import { renderMarkdown, renderText, type RowGroup, type TextLayout, type TextTable } from 'mien/parts/cli';
import { type CostRow, type MetricName, metricNames, type ModelName } from '../experiments/results.js';
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
const tripleNote =
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

/** Groups rows of the same test data under one heading, in order. */
function groupRows(rows: readonly ReportedRow[], cells: (row: ReportedRow) => string[]): RowGroup[] {
  const groups = new Map<string, string[][]>();
  for (const row of rows) {
    const unit = isMultimodal(row) ? 'pairs' : 'items';
    const heading = `${row.dataset}, ${row.labels.length} labels, ${row.n.toLocaleString('en-US')} test ${unit}, ${row.features}`;
    groups.set(heading, [...(groups.get(heading) ?? []), cells(row)]);
  }
  return [...groups].map(([heading, group]) => ({ heading, rows: group }));
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

/** What a row reads of the triples, and by what: `text + voice: Gated + LSTM`. */
function tripleName(row: ReportedRow): string {
  const { model, modalities = [], variant } = row;
  if (!isMultimodal(row)) return `${modalities.join()} alone`;
  return `${modalities.join(' + ')}: ${modelTitles[model]}${variant === null ? '' : `, ${variant}`}`;
}

/** The three-way table: what each row reads, its metrics, what is left without interaction, and the gate's shares. */
function tripleTable(rows: readonly ReportedRow[]): TextTable {
  const percent = (value: number): string => (100 * value).toFixed(0);
  const groups = new Map<string, string[][]>();
  for (const row of rows) {
    const heading = `${row.dataset}, ${row.labels.length} labels, ${row.n.toLocaleString('en-US')} test triples, ${row.features}`;
    const { gate, additive } = row;
    const cells = [
      tripleName(row),
      ...metricNames.map((name) => formatMetric(row[name])),
      additive ? formatMetric({ ...additive, paper: null }) : '–',
      gate ? Object.values(gate).map(percent).join(' / ') : '–',
    ];
    groups.set(heading, [...(groups.get(heading) ?? []), cells]);
  }
  const right = { align: 'right' } as const;
  return {
    id: 'triples',
    title: 'Three at once (not in the paper)',
    columns: [
      { header: 'Reads' },
      ...metricNames.map((name) => ({ header: metricTitles[name] })),
      { header: 'additive', ...right },
      { header: 'gate, %', ...right },
    ],
    groups: [...groups].map(([heading, cells]) => ({ heading, rows: cells })),
    notes: [
      tripleNote,
      'Voices: acted speech of RAVDESS, two sentences, by four speakers whom neither training nor the choice of the epoch has ' +
        'heard; what speakers differ in is not in the intervals. Gate: mean shares of text / face / voice, of those that the ' +
        'head reads. Additive: accuracy of what is left without interaction (EMAP), on the first pairing; a product of posteriors ' +
        'is additive as it is. “Trained with some missing”: one head for every choice of them.',
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

/** Three significant digits with a unit: `22.7 M`, `1.20 G`, `640`. */
export function formatQuantity(value: number, unit = ''): string {
  const steps = ['', 'k', 'M', 'G', 'T'];
  let step = 0;
  let scaled = value;
  // 999.5 would round to 1000.
  while (scaled >= 999.5 && step < steps.length - 1) {
    scaled /= 1000;
    step++;
  }
  const digits = step === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${steps[step]}${unit}`.trim();
}

const formatMilliseconds = (value: number | null): string =>
  value === null ? '–' : value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2);

/** Parameters, size and time of each part of each profile, in the given order, with totals. */
function costTable(costs: readonly CostRow[]): TextTable {
  const profiles = [...new Set(costs.map(({ profile }) => profile))];
  const groups = profiles.map((profile): RowGroup => ({
    heading: `Profile ${profile}`,
    rows: costs
      .filter((row) => row.profile === profile)
      .map((row) => [
        row.part + (row.name === '' ? '' : `: ${row.name}`),
        row.item,
        formatQuantity(row.parameters),
        formatQuantity(row.trainedParameters),
        formatQuantity(row.multiplyAdds),
        formatQuantity(row.bytes, 'B'),
        formatMilliseconds(row.milliseconds),
      ]),
  }));
  const right = { align: 'right' } as const;
  return {
    title: 'Lightweight: what a profile weighs and costs',
    columns: [
      { header: 'Part' },
      { header: 'Item' },
      { header: 'Parameters', ...right },
      { header: 'trained', ...right },
      { header: 'Mult-adds', ...right },
      { header: 'Size', ...right },
      { header: 'ms/item', ...right },
    ],
    groups,
    notes: [
      'Multiply-adds and milliseconds are for one item by itself; size is that of the weights as stored and run.',
    ],
  };
}
