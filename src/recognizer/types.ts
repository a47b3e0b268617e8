// What goes into a recogniser and what comes out: plain data, the same in Node, in browsers and over HTTP.
import type { DecodedImage } from '../encoders/encoder.js';

/** Pixels that are decoded already: 8-bit, three bytes (RGB) or four (RGBA, as a browser's `ImageData`) a pixel. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A path (Node), a URL, the bytes of an image file, a Blob, or pixels. */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer | Blob | RawImage;

/** What someone wrote, how someone looks, or both. Browsers take more kinds of `Image`. */
export interface Item<Image = ImageSource> {
  readonly text?: string | null | undefined;
  readonly image?: Image | null | undefined;
}

export interface RecognizeOptions {
  /**
   * `detect` (the default) finds faces in a photograph and levels them; `cropped` takes each image for a face that is
   * cut out already.
   */
  readonly faces?: 'detect' | 'cropped';
  /** Whether every face of a photograph is read (`others`), not only the one that decides. */
  readonly allFaces?: boolean;
  /** Whether the gate is given in each dimension, not only its mean. */
  readonly gate?: boolean;
  readonly signal?: AbortSignal;
}

export type WarningCode =
  | 'text-missing'
  | 'image-missing'
  | 'empty-text'
  | 'no-face'
  | 'several-faces'
  | 'small-face'
  | 'text-truncated'
  | 'not-english'
  | 'other-emotion';

export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
}

export type FailureCode = 'no-face' | 'undecodable-image' | 'empty-text' | 'no-input' | 'internal';

export type Probabilities = Readonly<Record<string, number>>;

/** What one modality says by itself, over the labels that it was trained with. */
export interface ModalityPosterior {
  readonly label: string;
  /** Calibrated; they sum to one. */
  readonly probabilities: Probabilities;
  readonly logits: Probabilities;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where a face stands, in pixels of the (upright) image. */
export interface FacePlace {
  readonly box: Point & { readonly width: number; readonly height: number };
  readonly keyPoints: Readonly<Record<string, Point>>;
  /** How sure the detector is, from 0 to 1. */
  readonly score: number;
}

export interface FacePosterior extends ModalityPosterior {
  /** Null where the image was given as a cropped face. */
  readonly place: FacePlace | null;
}

export interface Gate {
  /** Mean share of the face in the fused representation, from 0 (text alone) to 1 (face alone). */
  readonly mean: number;
  /** The share in each dimension, when it was asked for. */
  readonly values?: readonly number[];
}

export interface Recognition {
  readonly error?: undefined;
  /** The most probable label. */
  readonly label: string;
  /**
   * Calibrated; they sum to one. The five shared labels, and `neutral` and `surprise` where there is a face: only a face
   * can say those.
   */
  readonly probabilities: Probabilities;
  /** Of the model that decided, over its labels: the fusion's with both modalities, else the modality's own. */
  readonly logits: Probabilities;
  /** What decided. */
  readonly from: 'text' | 'face' | 'both';
  readonly text?: ModalityPosterior;
  readonly face?: FacePosterior;
  /** Further faces, largest first, when they were asked for. */
  readonly others?: readonly FacePosterior[];
  readonly gate?: Gate;
  /**
   * How far text and face disagree on the shared labels: the Jensen–Shannon divergence of their posteriors in bits,
   * from 0 (the same) to 1 (nothing in common).
   */
  readonly disagreement?: number;
  readonly warnings: readonly Warning[];
}

/** An item that could not be recognised; its neighbours are not touched by it. */
export interface Failure {
  readonly error: { readonly code: FailureCode; readonly message: string };
  readonly warnings: readonly Warning[];
}

export type Result = Recognition | Failure;

/** Turns an image source into pixels. @throws MienError `data` or `file` when it cannot. */
export type DecodeImage = (source: ImageSource) => Promise<DecodedImage>;

export interface RecognizerInfo {
  readonly name: string;
  /** Labels of each model that is there. */
  readonly labels: {
    readonly text?: readonly string[];
    readonly face?: readonly string[];
    readonly fused?: readonly string[];
  };
  /** Terms under which the weights may be used. */
  readonly terms: readonly string[];
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}

export interface ExplainOptions extends Pick<RecognizeOptions, 'faces' | 'signal'> {
  /** The label that is explained: one of the answer's, or with a text alone one of the text's; the answer's by default. */
  readonly label?: string;
}

/** From where to where a function went, and how far its attributions miss that. */
export interface Completeness {
  /** Log-odds of the label with nothing in place of what is explained, and with it. */
  readonly from: number;
  readonly to: number;
  /** Sum of the attributions minus (`to` − `from`). */
  readonly residual: number;
}

export interface WordAttribution {
  /** As it was written. */
  readonly word: string;
  /** Where it stands in the text that was given, in UTF-16 units: `text.slice(start, end)` is the word. */
  readonly start: number;
  readonly end: number;
  /** What it adds to the label's log-odds; below zero where it speaks against it. */
  readonly attribution: number;
}

export interface TextExplanation extends Completeness {
  readonly words: readonly WordAttribution[];
}

export interface FaceExplanation extends Completeness {
  /** The grid's size; its cells are equal parts of the face as it was cut out. */
  readonly rows: number;
  readonly columns: number;
  /** What each cell adds to the label's log-odds, row by row from the upper left. */
  readonly cells: readonly number[];
  /**
   * Where the grid lies in the image, in pixels: its upper left, upper right, lower right and lower left corner. A face
   * that was levelled lies aslant.
   */
  readonly corners: readonly [Point, Point, Point, Point];
  /** Null where the image was given as a cropped face. */
  readonly place: FacePlace | null;
}

/** What one modality did for the decision. */
export interface Contribution {
  /** Its Shapley value in log-odds: what it adds, over both orders in which the two can come. */
  readonly value: number;
  /** Its part of what both move, 0 to 1, whichever way they move it. */
  readonly share: number;
}

/** Why the answer is what it is: docs/explanation.md defines every number. */
export interface Explanation {
  readonly error?: undefined;
  /** The label that is explained. */
  readonly label: string;
  /** log p / (1 − p) of its probability in the answer. */
  readonly logOdds: number;
  readonly text?: TextExplanation;
  readonly face?: FaceExplanation;
  /** Where there are both: what each did. `base` is the label's log-odds before anything is seen. */
  readonly shares?: { readonly base: number; readonly text: Contribution; readonly face: Contribution };
  /** The answer, as `recognize` gives it. */
  readonly result: Recognition;
  readonly warnings: readonly Warning[];
}

/** Something seen or said at a time. */
export interface Observation<Image = ImageSource> extends Item<Image> {
  /** Milliseconds; by default the time of the call. Never before an earlier observation's. */
  readonly at?: number;
}

export interface SessionOptions extends RecognizeOptions {
  /** Seconds after which a frame counts half (default .7). */
  readonly faceHalfLife?: number;
  /** Seconds after which an utterance counts half (default 8). */
  readonly textHalfLife?: number;
}

/** What is to be thought at a time, from everything before. */
export interface Moment {
  readonly at: number;
  readonly label: string;
  readonly probabilities: Probabilities;
  /** What faces, and the last utterance, still say. */
  readonly face?: Probabilities;
  readonly text?: Probabilities;
  /** The observation by itself. */
  readonly result: Result;
}

export interface Session<Image = ImageSource> {
  /** Takes an observation and gives the posterior after it. Observations are taken in the order of their time. */
  push(observation: Observation<Image>): Promise<Moment>;
  /** The posterior at a later time without a new observation. */
  now(at?: number): Omit<Moment, 'result'>;
}

export interface Recognizer<Image = ImageSource> {
  readonly info: RecognizerInfo;
  /** One item. Rejects only for a wrong argument, an aborted signal or a recogniser that was disposed of. */
  recognize(item: Item<Image>, options?: RecognizeOptions): Promise<Result>;
  /** Many items in one go, in their order. */
  recognize(items: readonly Item<Image>[], options?: RecognizeOptions): Promise<Result[]>;
  /**
   * Why an item is answered as it is: what each word and each part of the face adds to a label, and the share of each
   * modality. The first call reads the bundle's weights again and builds what differentiates them.
   * @throws MienError `usage` for a label that the answer does not have; as `recognize` else.
   */
  explain(item: Item<Image>, options?: ExplainOptions): Promise<Explanation | Failure>;
  /** Items as they come: results in their order, a bounded number of items in memory. */
  stream(
    items: AsyncIterable<Item<Image>> | Iterable<Item<Image>>,
    options?: RecognizeOptions & { readonly batchSize?: number },
  ): AsyncGenerator<Result, void, undefined>;
  /** A smoothed posterior over frames and utterances. */
  session(options?: SessionOptions): Session<Image>;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
