// What an experiment hands to reports: rows, costs, counts and per-item predictions, without any rendering.
import type { Modality } from 'mien/parts/bundle';
import type { Interval, Scores } from 'mien/parts/evaluate';
import type { HeadName } from '../heads/heads.js';
import type { EpochRecord } from '../train/head-task.js';
import type { Degree } from '../features/corrupted.js';
import type { Config } from './config.js';

/** A head, or the product of the two unimodal heads' calibrated posteriors. */
export type ModelName = HeadName | 'product';

/**
 * Which of the paper's tables a row belongs to; ours: `seven`, over the faces' seven labels, `triples`, with a voice beside
 * text and face, and `corrupted`, these with a voice that was made worse.
 */
export type TableName = 'II' | 'III' | 'IV' | 'seven' | 'triples' | 'corrupted';

/** A row of the paper: its figures stand beside the row that reproduces it. */
export type PaperRow =
  | 'text'
  | 'face'
  | 'multimodal'
  | 'ablation-text'
  | 'ablation-face'
  | 'ablation-concatenation'
  | 'ablation-gated';

export const metricNames = ['accuracy', 'precision', 'recall', 'f1'] as const;
/** Accuracy, and macro means over the labels of precision, recall and F1. */
export type MetricName = (typeof metricNames)[number];

/** One line of a table: a model on test data. */
export interface ResultRow extends Readonly<Record<MetricName, Interval>> {
  /** Unique, fit for a file name; a row that stands in two tables has one id in each. */
  readonly id: string;
  readonly table: TableName;
  readonly model: ModelName;
  /** Label set, alphabetical. */
  readonly labels: readonly string[];
  /** What it was tested on, for instance `ISEAR`, `FER2013`, `ISEAR × FER2013`. */
  readonly dataset: string;
  /** What tells it from a row of the same model and dataset, for instance `paired label distribution`; else null. */
  readonly variant: string | null;
  /** The embeddings: profile, and whether full or from a pack. */
  readonly features: string;
  /** Test items, or test pairs of one pairing. */
  readonly n: number;
  /** Model seeds. */
  readonly seeds: readonly number[];
  /** Seeds of the test pairings; empty where the model sees one modality. */
  readonly pairings: readonly number[];
  /** The paper's row that this one reproduces; null for rows the paper left out. */
  readonly reproduces: PaperRow | null;
  /** Of rows on triples: what of them the model reads. */
  readonly modalities?: readonly Modality[];
  /** Of gates on triples: the mean share of each modality over dimensions, triples and runs. */
  readonly gate?: Readonly<Partial<Record<Modality, number>>>;
  /** Of gates on triples: accuracy of their additive projection on the first pairing. */
  readonly additive?: Interval;
  /**
   * Of products on triples: for each two of the modalities (`text+face`), the α under which the labels of validation triples
   * are most likely if the two express one label with this probability.
   */
  readonly agreement?: Readonly<Record<string, number>>;
  /** Of rows on triples one side of which was made worse: which, how, and how far. */
  readonly corrupted?: Degree & { readonly of: Modality };
  /** Means over all runs, in the units of `evaluate/metrics`; null where the model gives no posteriors. */
  readonly calibration: { readonly brier: number; readonly logLoss: number; readonly ece: number } | null;
}

/** What one part of a system costs an item. */
export interface CostRow {
  /** `frozen`, `paper`, … */
  readonly profile: string;
  readonly part: 'text encoder' | 'face encoder' | 'head' | 'total';
  /** Hub id of an encoder, name of a head, empty for a total. */
  readonly name: string;
  /** What the item is: `16 tokens`, `96 × 96 px`, … */
  readonly item: string;
  readonly parameters: number;
  readonly trainedParameters: number;
  readonly multiplyAdds: number;
  readonly bytes: number;
  /** Median time of one item alone; null where it was not measured. */
  readonly milliseconds: number | null;
}

/** The items of one data set, and what they were embedded with. */
export interface EmbeddedSet {
  /** Items per split and label, after cleaning; validation is a part of the training split. */
  readonly train: Readonly<Record<string, number>>;
  readonly validation: Readonly<Record<string, number>>;
  readonly test: Readonly<Record<string, number>>;
  /** Dropped items per reason, where known. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly encoder: {
    readonly id: string;
    readonly revision: string;
    readonly sha256: string;
    readonly dtype: string;
  };
  readonly terms: string;
}

/** Where numbers were made. */
export interface Environment {
  readonly mien: string;
  readonly node: string;
  readonly onnxruntime: string;
  /** `linux x64`, … */
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
}

/** Everything `results.json` states besides the paper's figures, which the report puts beside the rows. */
export interface ExperimentResults {
  readonly rows: readonly ResultRow[];
  readonly costs: readonly CostRow[];
  readonly counts: Readonly<Record<string, EmbeddedSet>>;
  readonly configuration: Config;
  readonly environment: Environment;
}

/** The predictions of one run: a model seed on the test items, or on one pairing of them. */
export interface PredictionRun {
  readonly seed: number;
  /** Seed of the pairing; null where the model sees one modality. */
  readonly pairing: number | null;
  /** `[n]`: item ids; of a pair, the text's. */
  readonly ids: readonly string[];
  /** `[n]`: of a pair, the face's id. */
  readonly faceIds: readonly string[] | null;
  /** `[n]`: of what has a voice, the voice's id. */
  readonly voiceIds?: readonly string[];
  /** `[n]`: indices into the row's labels. */
  readonly truth: ArrayLike<number>;
  /** `[n, labels]` */
  readonly posteriors: Scores;
}

/** All runs behind one row. */
export interface RowPredictions {
  /** `ResultRow.id` */
  readonly row: string;
  readonly labels: readonly string[];
  readonly runs: readonly PredictionRun[];
  /** Where the row's heads were analysed; rows that repeat another's heads on the same items are not. */
  readonly analysis?: RowAnalysis;
}

/** One head's training. */
export interface Training {
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
}

/** What statistics need besides predictions. Lists over seeds and pairings follow those of the row. */
export interface RowAnalysis {
  readonly seeds: readonly number[];
  /** A head's training per seed; empty for the product, which is not trained. */
  readonly trainings: readonly Training[];
  /** Calibrated posteriors `[m, labels]` per seed on the validation items, which thresholds are fitted on. */
  readonly validation: { readonly truth: ArrayLike<number>; readonly posteriors: readonly Scores[] };
  /** Posteriors `[n, labels]` of the test items at temperature 1, per seed and pairing (one, where nothing is paired). */
  readonly uncalibrated: readonly (readonly Scores[])[];
  /** `[n]`: who wrote each test text, as a number without meaning (−1: unknown); null where there are no texts. */
  readonly subjects: ArrayLike<number> | null;
  /** Mean gate of each test pair `[n]`, per seed and pairing; 1 takes all from the face. */
  readonly gates?: readonly (readonly ArrayLike<number>[])[];
  /** Logits `[n, labels]` of the head's additive projection on the first test pairing, per seed. */
  readonly additive?: readonly Scores[];
  /** The control that breaks the pairing: each text with a face of another label, posteriors `[n, labels]` per seed. */
  readonly mismatched?: { readonly faceLabels: ArrayLike<number>; readonly posteriors: readonly Scores[] };
  /** What the first seed's classifier sees, `[m, width]`, of the test items (first pairing) at `positions`. */
  readonly map?: {
    readonly positions: ArrayLike<number>;
    readonly width: number;
    readonly representation: Float32Array;
  };
}
