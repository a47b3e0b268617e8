// What confidence is worth: calibration before and after temperature, answers withheld, sets that hold the label.
import { reliabilityPanel, riskPanel } from '../figures/confidence.js';
import type { Panel } from '../figures/figure.js';
import { meanRiskCoverage, rowCalibration, rowSets } from '../statistics/calibration.js';
import { modelTitles, pairingNote } from '../tables.js';
import type { RowGroup, TextTable } from 'mien/parts';
import {
  missingAnalyses,
  panelId,
  panelTitle,
  share,
  type NamedSystem,
  type ReportContext,
  type Section,
} from './section.js';

/** Error rates that prediction sets are asked for. */
const ALPHAS = [0.05, 0.1] as const;

/** One test set after the other; those with a diagram first. */
function testSets({ ids }: NamedSystem): { id: string; diagram: boolean }[] {
  const [main, ...others] = ids.pairs;
  const head = (of: typeof main, name: string) => of!.heads.find(({ head: one }) => one === name)!.id;
  return [
    { id: ids.text, diagram: true },
    { id: ids.face, diagram: true },
    { id: head(main, 'gated'), diagram: true },
    { id: main!.product, diagram: true },
    { id: head(main, 'concatenation'), diagram: false },
    ...others.flatMap((pairs) => [
      { id: head(pairs, 'gated'), diagram: false },
      { id: pairs.product, diagram: false },
    ]),
    ...ids.seven.map((id) => ({ id, diagram: false })),
  ];
}

export async function confidenceSection(context: ReportContext): Promise<Section> {
  const diagrams: Panel[] = [];
  const risks: Panel[] = [];
  const errors: RowGroup[] = [];
  const sets: RowGroup[] = [];
  for (const system of context.systems) {
    const heading = panelTitle('', system, context) || system.title;
    const errorRows: string[][] = [];
    const setRows: string[][] = [];
    for (const { id, diagram } of testSets(system)) {
      const row = system.row(id);
      const predictions = await system.predictions(id);
      const analysis = await system.analysis(id);
      if (!row || !predictions || !analysis) continue;
      const name = `${modelTitles[row.model]}, ${row.dataset}, ${row.labels.length} labels`;
      const { before, after, bins } = rowCalibration(predictions, analysis);
      errorRows.push([name, share(before.ece), share(after.ece), share(before.brier), share(after.brier)]);
      for (const alpha of ALPHAS) {
        const { coverage, size, single, empty, perLabel } = rowSets(predictions, analysis, alpha);
        const covered = perLabel.flatMap((value, k) =>
          value === null ? [] : [{ value, label: row.labels[k]! }],
        );
        const worst = covered.reduce((least, one) => (one.value < least.value ? one : least));
        setRows.push([
          name,
          share(1 - alpha),
          share(coverage),
          size.toFixed(2),
          share(single),
          share(empty),
          `${share(worst.value)} (${worst.label})`,
        ]);
      }
      if (diagram)
        diagrams.push(
          reliabilityPanel(
            panelId(`reliability-${id}`, system),
            panelTitle(`${modelTitles[row.model]}, ${row.dataset}`, system, context),
            bins,
          ),
        );
    }
    if (errorRows.length > 0) errors.push({ heading, rows: errorRows });
    if (setRows.length > 0) sets.push({ heading, rows: setRows });
    const risk = await riskOf(system, context);
    if (risk) risks.push(risk);
  }
  return {
    id: 'confidence',
    title: 'What confidence is worth',
    blocks: [
      ...(errors.length === 0 ? [{ text: missingAnalyses }] : []),
      {
        figure: {
          id: 'reliability',
          title: 'Reliability before and after temperature',
          caption:
            'Accuracy of predictions by their confidence, in ten bins over the test items of all seeds and pairings. On the dashed ' +
            'line confidence is right; below it, the model is too sure. Temperatures are fitted on validation items.',
          notes: [pairingNote],
          panels: diagrams,
        },
      },
      ...(errors.length === 0 ? [] : [{ table: errorTable(errors) }]),
      {
        figure: {
          id: 'risk-coverage',
          title: 'Errors left when only the most confident items are answered',
          caption:
            'Error rate of the answers against the share of pairs that are answered, most confident first; means over seeds and ' +
            'pairings. The further a curve falls to the left, the better the model knows what it does not know. In the legend, the ' +
            'mean error rate over all shares.',
          notes: [pairingNote],
          panels: risks,
        },
      },
      ...(sets.length === 0 ? [] : [{ table: setTable(sets) }]),
    ],
  };
}

async function riskOf(system: NamedSystem, context: ReportContext): Promise<Panel | undefined> {
  const [pairs] = system.ids.pairs;
  const wanted = [
    pairs!.text,
    pairs!.face,
    ...pairs!.heads.flatMap(({ head, id }) => (head === 'concatenation' || head === 'gated' ? [id] : [])),
    pairs!.product,
  ];
  const curves = [];
  for (const id of wanted) {
    const predictions = await system.predictions(id);
    if (!predictions) continue;
    const curve = meanRiskCoverage(predictions);
    curves.push({ model: `${modelTitles[system.row(id)!.model]} ${share(curve.area)}`, curve });
  }
  return curves.length === 0
    ? undefined
    : riskPanel(panelId('risk-coverage', system), panelTitle(pairs!.dataset, system, context), curves);
}

const right = { align: 'right' } as const;

const errorTable = (groups: readonly RowGroup[]): TextTable => ({
  id: 'calibration',
  title: 'Calibration errors before and after temperature',
  columns: [
    { header: 'Test set' },
    { header: 'ECE before', ...right },
    { header: 'after', ...right },
    { header: 'Brier before', ...right },
    { header: 'after', ...right },
  ],
  groups,
  notes: [
    'Means over seeds and pairings. ECE: 15 bins of equal width; few items a bin keep it above zero even where confidence is right. Brier: 0 to 2. Before: temperature 1.',
    pairingNote,
  ],
});

const setTable = (groups: readonly RowGroup[]): TextTable => ({
  id: 'sets',
  title: 'Prediction sets: coverage asked for and measured',
  columns: [
    { header: 'Test set' },
    { header: 'asked', ...right },
    { header: 'measured', ...right },
    { header: 'labels a set', ...right },
    { header: 'one label', ...right },
    { header: 'none', ...right },
    { header: 'worst label', ...right },
  ],
  groups,
  notes: [
    'Split conformal prediction: labels whose probability exceeds a threshold fitted on validation items, so that new items exchangeable with those are covered as asked on average over labels, not for each label. Validation also chose epoch and temperature, and its pairs repeat its texts: the promise is met approximately. Worst label: the one whose items are covered least.',
    pairingNote,
  ],
});
