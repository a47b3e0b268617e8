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
  /**
   * Places of faces in the frame before, in a sequence of frames: faces are looked for there first, which takes a third
   * of the time. `trackFaces` keeps them; a session does so by itself.
   */
  readonly near?: readonly FacePlace[];
  /** Share of cases, from .5 to .99, in which `set` is to hold the true label. */
  readonly coverage?: number;
  /** Largest share of wrong answers among those that are given: where the model is less sure, `abstained` is true. */
  readonly risk?: number;
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
  /** With `coverage`: the labels that may be the true one; none where the item is like none of the known ones. */
  readonly set?: readonly string[];
  /** With `risk`: whether the answer is too unsure to be given at it. */
  readonly abstained?: boolean;
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
  /** Whether `coverage` and `risk` can be asked for. */
  readonly certainty: boolean;
  /** Terms under which the weights may be used. */
  readonly terms: readonly string[];
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
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
