// Explanations of results: plain data, as the results are.
import type { FacePlace, Modality, Point, Recognition, RecognizeOptions, Warning } from './item-types.js';

/** The label to explain, and how the item is recognised. */
export interface ExplainOptions extends Pick<RecognizeOptions, 'faces' | 'prior' | 'signal'> {
  /** The label to explain: one of the result's, or of the text's for a text alone; by default the most probable one. */
  readonly label?: string | undefined;
}

/** The difference that attributions explain, and by how much their sum misses it. */
export interface Completeness {
  /** Log-odds of the label for the baseline: a masked text, or a blurred face. */
  readonly from: number;
  /** Log-odds of the label for the item. */
  readonly to: number;
  /** Sum of the attributions minus (`to` − `from`). */
  readonly residual: number;
}

/** A word of the text and its attribution. */
export interface WordAttribution {
  /** As it was written. */
  readonly word: string;
  /** Start of the word in the item's text, in UTF-16 units: `text.slice(start, end)` is the word. */
  readonly start: number;
  /** End of the word, exclusive. */
  readonly end: number;
  /** Its contribution to the label's log-odds; negative if it speaks against the label. */
  readonly attribution: number;
}

/** Attributions of the words of a text. */
export interface TextExplanation extends Completeness {
  /** In the order of the text. */
  readonly words: readonly WordAttribution[];
}

/** Attributions of the parts of a face. */
export interface FaceExplanation extends Completeness {
  /** Rows of the grid, whose cells are equal parts of the cropped face. */
  readonly rows: number;
  /** Columns of the grid. */
  readonly columns: number;
  /** Contribution of each cell to the label's log-odds, row by row from the upper left. */
  readonly cells: readonly number[];
  /**
   * Position of the grid in the image, in pixels: its upper left, upper right, lower right and lower left corner. The grid
   * of a tilted face is rotated.
   */
  readonly corners: readonly [Point, Point, Point, Point];
  /** Null for cropped faces. */
  readonly place: FacePlace | null;
}

/** The contribution of one modality to the result. */
export interface Contribution {
  /** Its Shapley value in log-odds: the mean of what it adds over all orders of the modalities. */
  readonly value: number;
  /** Its share of the absolute contributions of all, from 0 to 1. */
  readonly share: number;
}

/** The explanation of a result; docs/explanation.md defines every number. */
export interface Explanation {
  /** Never present: distinguishes explanations from failures. */
  readonly error?: undefined;
  /** The explained label. */
  readonly label: string;
  /** log p / (1 − p) of its probability in the result. */
  readonly logOdds: number;
  /** If there is a text. */
  readonly text?: TextExplanation;
  /** If there is a face. */
  readonly face?: FaceExplanation;
  /** If there are several modalities: the contribution of each. */
  readonly shares?: {
    /** The label's log-odds in the prior. */
    readonly base: number;
  } & { readonly [M in Modality]?: Contribution };
  /** The result, as `recognize` returns it. */
  readonly result: Recognition;
  /** Limitations of the result. */
  readonly warnings: readonly Warning[];
}
