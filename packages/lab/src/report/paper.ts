// The paper's own figures, and those of the systems it cites: data that tables put beside ours.
// Source: Mishra et al. 2026, Tables II (per modality), III (ablation) and IV (comparison).
import { metricNames, type MetricName, type PaperRow } from '../experiments/results.js';

/** Figures as printed, two decimals; null where the paper gives none. */
export type PaperFigures = Readonly<Record<MetricName, number | null>>;

const figures = (...values: readonly (number | undefined)[]): PaperFigures =>
  Object.fromEntries(metricNames.map((name, i) => [name, values[i] ?? null])) as unknown as PaperFigures;

/** Accuracy, precision, recall, F1 per row of the paper. */
const paperFigures: Readonly<Record<PaperRow, PaperFigures>> = {
  text: figures(0.61, 0.6, 0.59, 0.6),
  face: figures(0.69, 0.68, 0.67, 0.69),
  multimodal: figures(0.82, 0.81, 0.82, 0.81),
  'ablation-text': figures(0.61),
  'ablation-face': figures(0.69),
  'ablation-concatenation': figures(0.77),
  'ablation-gated': figures(0.82),
};

/** The figures of a row that reproduces `row`; all null where it reproduces none. */
export const paperFiguresOf = (row: PaperRow | null): PaperFigures =>
  row === null ? figures() : paperFigures[row];

/** A system whose figure is cited and was not measured here. */
export interface CitedSystem {
  readonly system: string;
  readonly accuracy: number;
  readonly f1: number | null;
  readonly limitations: string;
}

export const citedSystems: readonly CitedSystem[] = [
  {
    system: 'Wafa et al. 2025',
    accuracy: 0.78,
    f1: null,
    limitations: 'Large multimodal network; other data and splits, figure cited, not run here',
  },
  {
    system: 'El Maazouzi & Retbi 2025',
    accuracy: 0.74,
    f1: null,
    limitations: 'Made for e-learning; other data and splits, figure cited, not run here',
  },
  {
    system: 'Mishra et al. 2026 (the paper)',
    accuracy: 0.82,
    f1: 0.81,
    limitations: 'Pairs matched by label, in test too; no intervals; frozen encoders',
  },
];
