// The main results: accuracy bars and Tables II and III beside the paper's figures, and one modality with intervals over
// test items.
import type { RowGroup, TextTable } from 'mien/parts/cli';
import { factorOf, hitsAgainst, type Interval, percentileInterval, resampleMeans } from 'mien/parts/evaluate';
import type { RowPredictions } from '../../experiments/results.js';
import type { Panel } from '../figures/figure.js';
import { color } from '../figures/theme.js';
import type { ReportedRow } from '../results.js';
import { modelTitles, pairingNote, reportTables, share } from '../tables.js';
import {
  type Block,
  formatInterval,
  panelId,
  panelTitle,
  type ReportContext,
  type Section,
} from './section.js';

export async function resultsSection(context: ReportContext): Promise<Section> {
  const panels = context.systems.flatMap((system) => {
    const { ids } = system;
    const gated = ids.pairs[0].headId('gated');
    // The paper's figures belong to the rows of Table II.
    const fused = gated.replace(/^III/, 'II');
    const rows = [ids.text, ids.face, fused, ids.pairs[0].product].flatMap((id) => system.row(id) ?? []);
    return rows.length === 0
      ? []
      : [accuracyPanel(panelId('accuracy', system), panelTitle('', system, context), rows)];
  });
  const tables = context.folders.flatMap(({ name, results }, f) =>
    reportTables({ rows: results.rows, costs: [] })
      .filter(({ title }) => /Table (II|III)\.|^Seven labels/.test(title ?? ''))
      .map((table) =>
        context.folders.length > 1
          ? { ...table, id: `${table.id}-${f + 1}`, title: `${table.title ?? ''} (${name})` }
          : table,
      ),
  );
  return {
    id: 'results',
    title: 'Results beside the paper’s',
    blocks: [
      { text: summary(context) },
      {
        figure: {
          id: 'accuracy',
          title: 'Accuracy per modality',
          caption:
            'Accuracy of the unimodal heads, of gated fusion and of the product of posteriors, beside what the paper ' +
            'reports. Bars are means over model seeds (and test pairings); lines are 95% intervals over them.',
          notes: [pairingNote],
          panels,
        },
      },
      ...tables.map((table): Block => ({ table })),
      { table: await unimodalTable(context) },
    ],
  };
}

/** One modality on the complete test sets; the section on fusion has such intervals for pairs. */
async function unimodalTable(context: ReportContext): Promise<TextTable> {
  const groups: RowGroup[] = [];
  for (const system of context.systems) {
    const rows: string[][] = [];
    for (const id of [system.ids.text, system.ids.face, ...system.ids.seven]) {
      const row = system.row(id);
      const predictions = await system.predictions(id);
      if (!row || !predictions) continue;
      const subjects = (await system.analysis(id))?.subjects ?? null;
      rows.push([
        `${modelTitles[row.model]}, ${row.dataset}, ${row.labels.length} labels`,
        row.n.toLocaleString('en-US'),
        subjects === null ? '–' : String(new Set(Array.from(subjects)).size),
        formatInterval(itemInterval(predictions, subjects)),
      ]);
    }
    groups.push({ heading: panelTitle('', system, context) || system.title, rows });
  }
  return {
    id: 'unimodal',
    title: 'One modality, with test items in the interval',
    columns: [
      { header: 'Test set' },
      { header: 'Items', align: 'right' },
      { header: 'Subjects', align: 'right' },
      { header: 'Accuracy (95% interval)', align: 'right' },
    ],
    groups,
    notes: [
      'Bootstrap over model seeds and test items together, texts of one subject as one unit where subjects are known: the variation between trainings and test sets. The tables above cover trainings and pairings only.',
    ],
  };
}

/** A summary of the main rows. */
function summary({ systems }: ReportContext): string {
  return systems
    .flatMap((system) => {
      const { ids } = system;
      const gated = ids.pairs[0].headId('gated');
      const [text, face, fused] = [ids.text, ids.face, gated].map((id) => system.row(id));
      if (!text || !face || !fused) return [];
      return [
        `On ${system.title}, text alone reaches an accuracy of ${share(text.accuracy.mean)} on ` +
          `${text.n.toLocaleString('en-US')} texts of ${text.dataset}, the image alone ${share(face.accuracy.mean)} on ` +
          `${face.n.toLocaleString('en-US')} faces of ${face.dataset}, and gated fusion ${share(fused.accuracy.mean)} on ` +
          `${fused.n.toLocaleString('en-US')} label-matched pairs.`,
      ];
    })
    .concat('The paper reports .61, .69 and .82. ' + pairingNote)
    .join(' ');
}

/** Rows in the order of the bars. */
export function accuracyPanel(id: string, title: string, rows: readonly ReportedRow[]): Panel {
  const bars = rows.flatMap(({ model, dataset, accuracy: { mean, low, high, paper } }) => [
    { model: modelTitles[model], dataset, whose: 'measured here', accuracy: mean, low, high },
    ...(paper === null
      ? []
      : [{ model: modelTitles[model], dataset, whose: 'the paper', accuracy: paper, low: null, high: null }]),
  ]);
  const place = {
    x: {
      field: 'model',
      type: 'nominal',
      sort: null,
      axis: {
        title: null,
        labelAngle: 0,
        ticks: false,
        labelExpr: "split(replace(datum.label, ' ', '|'), '|')",
        labelPadding: 6,
      },
    },
    xOffset: { field: 'whose', sort: ['measured here', 'the paper'], scale: { paddingInner: 0.08 } },
  } as const;
  // Layers only share an axis if all of them specify the same one.
  const axis = {
    title: 'Accuracy',
    values: [0, 0.2, 0.4, 0.6, 0.8, 1],
    format: '.1f',
    labelOverlap: false,
    domain: false,
    ticks: false,
  };
  return {
    id,
    title,
    rows: bars,
    spec: {
      width: 300,
      height: 200,
      data: { values: bars },
      encoding: place,
      layer: [
        {
          mark: { type: 'bar', strokeWidth: 1 },
          encoding: {
            y: {
              field: 'accuracy',
              type: 'quantitative',
              scale: { domain: [0, 1] },
              axis,
            },
            color: {
              field: 'whose',
              type: 'nominal',
              scale: { domain: ['measured here', 'the paper'], range: [color('accent'), color('surface')] },
              legend: { title: null, symbolStrokeColor: color('accent'), symbolType: 'square' },
            },
            stroke: { value: color('accent') },
          },
        },
        {
          transform: [{ filter: 'datum.low !== null' }],
          mark: { type: 'rule', color: color('ink'), strokeWidth: 1.5 },
          encoding: { y: { field: 'low', type: 'quantitative', axis }, y2: { field: 'high' } },
        },
        {
          transform: [{ calculate: 'datum.high === null ? datum.accuracy : datum.high', as: 'top' }],
          mark: { type: 'text', dy: -7, fontSize: 10.5, color: color('ink') },
          encoding: {
            y: { field: 'top', type: 'quantitative', axis },
            text: { field: 'accuracy', format: '.2f' },
          },
        },
      ],
    },
  };
}

// Accuracies of one modality with test items in their intervals.

/**
 * Accuracy with a 95% interval over model seeds and test items, resampled together; texts of one subject stay
 * together where subjects are known.
 */
function itemInterval(
  { runs }: RowPredictions,
  subjects: ArrayLike<number> | null,
  replicates = 1000,
): Interval {
  const hits = Uint8Array.from(runs.flatMap(({ truth, posteriors }) => [...hitsAgainst(posteriors, truth)]));
  const seed = factorOf(runs.flatMap(({ seed: one, ids }) => ids.map(() => one)));
  const units: readonly (string | number)[] = subjects === null ? runs[0]!.ids : Array.from(subjects);
  const item = factorOf(runs.flatMap(() => units));
  const [resampled] = resampleMeans([hits], [seed, item], { replicates });
  return percentileInterval(resampled!);
}
