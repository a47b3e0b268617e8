// What mien-lab uses of this floor, as `mien/parts/evaluate`: internals, which may change in any version.
export {
  bootstrapMeans,
  bootstrapPValue,
  type Factor,
  factorOf,
  percentileInterval,
  quantile,
  resampleMeans,
} from './bootstrap.js';
export { type Evidence, fitTemperature, labelPrior, productOfPosteriors } from './calibration.js';
export { type Certainty, COVERAGES, leastConfidence, leastPosterior } from './certainty.js';
export {
  answerThresholds,
  judged,
  type ReliabilityBin,
  reliabilityBins,
  type RiskCoverage,
  riskCoverage,
} from './confidence.js';
export { groupAccuracies, type GroupAccuracy, type Interval, meanOf, wilsonInterval } from './intervals.js';
export {
  brierScore,
  confusionMatrix,
  type ConfusionMatrix,
  evaluateScores,
  expectedCalibrationError,
  labelAt,
  type LabelScore,
  logLoss,
  meanAreaUnderRoc,
  meansOverOccurring,
  type OccurringMeans,
  scoreOf,
} from './metrics.js';
export {
  argmax,
  hitsAgainst,
  movePrior,
  priorShift,
  pick,
  restrictLogits,
  restrictPosteriors,
  restrictPrior,
  rowCount,
  scores,
  type Scores,
  toPosteriors,
} from './scores.js';
export { testResult, type TestResult } from './test-result.js';
