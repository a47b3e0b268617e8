// Confidence: calibration before and after temperature, selective prediction, and conformal sets, as means over seeds
// and pairings.
import type { RowGroup, TextTable } from 'mien/parts/cli';
import {
  brierScore,
  expectedCalibrationError,
  meanOf,
  type ReliabilityBin,
  reliabilityBins,
  riskCoverage,
  type RiskCoverage,
  scores,
  type Scores,
} from 'mien/parts/evaluate';
import { conformalThreshold, setCoverage, type SetCoverage } from '../../evaluate/conformal.js';
import type { RowAnalysis, RowPredictions } from '../../experiments/results.js';
import { reliabilityPanel, riskPanel } from '../figures/confidence.js';
import type { Panel } from '../figures/figure.js';
import { modelTitles, pairingNote, share } from '../tables.js';
import {
  missingAnalyses,
  type NamedSystem,
  panelId,
  panelTitle,
  type ReportContext,
  type Section,
} from './section.js';

/** Error rates for which prediction sets are made. */
const ALPHAS = [0.05, 0.1] as const;

/** The test sets in order, those with a diagram first. */
function testSets({ ids }: NamedSystem): { id: string; diagram: boolean }[] {
  const [main, ...others] = ids.pairs;
  return [
    { id: ids.text, diagram: true },
    { id: ids.face, diagram: true },
    { id: main.headId('gated'), diagram: true },
    { id: main.product, diagram: true },
    { id: main.headId('concatenation'), diagram: false },
    ...others.flatMap((pairs) => [
      { id: pairs.headId('gated'), diagram: false },
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
            'line, confidence equals accuracy; below it, the model is overconfident. Temperatures are fitted on validation items.',
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
            'pairings. The lower a curve at its left end, the better confidence separates errors. In the legend, the ' +
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
  if (pairs === undefined) return undefined;
  const wanted = [
    pairs.text,
    pairs.face,
    ...pairs.heads.flatMap(({ head, id }) => (head === 'concatenation' || head === 'gated' ? [id] : [])),
    pairs.product,
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
    : riskPanel(panelId('risk-coverage', system), panelTitle(pairs.dataset, system, context), curves);
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
    'Means over seeds and pairings. ECE: 15 bins of equal width; small bins keep it above zero even for calibrated confidence. Brier: 0 to 2. Before: temperature 1.',
    pairingNote,
  ],
});

const setTable = (groups: readonly RowGroup[]): TextTable => ({
  id: 'sets',
  title: 'Prediction sets: requested and measured coverage',
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
    'Split conformal prediction: labels whose probability exceeds a threshold fitted on validation items, so that new items exchangeable with those are covered as requested on average over labels, not for each label. Validation also chose epoch and temperature, and its pairs repeat its texts: the guarantee is approximate. Worst label: the one whose items are covered least.',
    pairingNote,
  ],
});

interface CalibrationErrors {
  readonly ece: number;
  /** 0 to 2. */
  readonly brier: number;
}

interface RowCalibration {
  readonly before: CalibrationErrors;
  readonly after: CalibrationErrors;
  /** Over the items of all runs together. */
  readonly bins: { readonly before: readonly ReliabilityBin[]; readonly after: readonly ReliabilityBin[] };
}

interface Judged {
  readonly truth: ArrayLike<number>;
  readonly posteriors: Scores;
}

const errorsOf = (runs: readonly Judged[]): CalibrationErrors => ({
  ece: meanOf(runs.map(({ truth, posteriors }) => expectedCalibrationError(truth, posteriors))),
  brier: meanOf(runs.map(({ truth, posteriors }) => brierScore(truth, posteriors))),
});

/** All runs' items as one set. */
function pooled(runs: readonly Judged[]): Judged {
  const data = new Float64Array(runs.reduce((sum, { posteriors }) => sum + posteriors.data.length, 0));
  let at = 0;
  for (const { posteriors } of runs) {
    data.set(posteriors.data, at);
    at += posteriors.data.length;
  }
  return {
    truth: runs.flatMap(({ truth }) => Array.from(truth)),
    posteriors: scores(runs[0]!.posteriors.classes, data),
  };
}

/** Bins of the diagrams. */
const BINS = 10;

function rowCalibration({ runs }: RowPredictions, analysis: RowAnalysis): RowCalibration {
  const truth = runs[0]!.truth;
  const before = analysis.uncalibrated.flat().map((posteriors) => ({ truth, posteriors }));
  const bins = (of: readonly Judged[]): ReliabilityBin[] => {
    const all = pooled(of);
    return reliabilityBins(all.truth, all.posteriors, BINS);
  };
  return {
    before: errorsOf(before),
    after: errorsOf(runs),
    bins: { before: bins(before), after: bins(runs) },
  };
}

/** The mean of the runs' curves. */
function meanRiskCoverage({ runs }: RowPredictions): RiskCoverage {
  const curves = runs.map(({ truth, posteriors }) => riskCoverage(truth, posteriors));
  const risk = Float64Array.from(curves[0]!.risk, (_, i) => meanOf(curves.map((curve) => curve.risk[i]!)));
  return { risk, area: meanOf(curves.map(({ area }) => area)) };
}

interface RowSets extends SetCoverage {
  /** One minus the requested coverage. */
  readonly alpha: number;
  readonly threshold: number;
}

/** Prediction sets with thresholds fitted on each seed's validation items, judged on the test items. */
function rowSets({ runs }: RowPredictions, { seeds, validation }: RowAnalysis, alpha: number): RowSets {
  const found = runs.map(({ seed, truth, posteriors }) => {
    const threshold = conformalThreshold(
      validation.truth,
      validation.posteriors[seeds.indexOf(seed)]!,
      alpha,
    );
    return { threshold, ...setCoverage(truth, posteriors, threshold) };
  });
  const over = (of: (sets: (typeof found)[number]) => number): number => meanOf(found.map(of));
  return {
    alpha,
    threshold: over(({ threshold }) => threshold),
    coverage: over(({ coverage }) => coverage),
    size: over(({ size }) => size),
    single: over(({ single }) => single),
    empty: over(({ empty }) => empty),
    perLabel: found[0]!.perLabel.map((first, k) =>
      first === null ? null : over(({ perLabel }) => perLabel[k]!),
    ),
  };
}
