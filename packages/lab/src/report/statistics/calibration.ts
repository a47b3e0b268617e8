// Calibration, selective prediction and prediction sets of each test set, as means over seeds and pairings.
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
} from 'mien/parts';
import { conformalThreshold, setCoverage, type SetCoverage } from '../../evaluate/conformal.js';
import type { RowAnalysis, RowPredictions } from '../../experiments/results.js';

interface CalibrationErrors {
  readonly ece: number;
  /** 0 to 2. */
  readonly brier: number;
}

export interface RowCalibration {
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

export function rowCalibration({ runs }: RowPredictions, analysis: RowAnalysis): RowCalibration {
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
export function meanRiskCoverage({ runs }: RowPredictions): RiskCoverage {
  const curves = runs.map(({ truth, posteriors }) => riskCoverage(truth, posteriors));
  const risk = Float64Array.from(curves[0]!.risk, (_, i) => meanOf(curves.map((curve) => curve.risk[i]!)));
  return { risk, area: meanOf(curves.map(({ area }) => area)) };
}

export interface RowSets extends SetCoverage {
  /** One minus the coverage asked for. */
  readonly alpha: number;
  readonly threshold: number;
}

/** Prediction sets with thresholds fitted on each seed's validation items, judged on the test items. */
export function rowSets(
  { runs }: RowPredictions,
  { seeds, validation }: RowAnalysis,
  alpha: number,
): RowSets {
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
