// What goes into a recogniser and what comes out: plain data, the same in Node, in browsers and over HTTP.
/// <reference lib="es2020" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import type { DecodedImage } from '../encoders/encoder.js';

/** Pixels that are decoded already: one value (grey), three (RGB) or four (RGBA, as a browser's `ImageData`) a pixel. */
export interface RawImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /**
   * Row by row from the top left, `[height, width]`, `[height, width, 3]` or `[height, width, 4]`: whole numbers from 0 to
   * 255 in any array of numbers, or the bytes themselves. What would not be read so, such as fractions from 0 to 1 and
   * 16-bit pixels, is the item's error; so are arrays other than of integers that hold nothing but 0 and 1.
   */
  readonly data: ArrayLike<number> | ArrayLike<bigint> | ArrayBufferLike;
}

/**
 * A path or `file:` URL (Node; refused where `files` is false), an address (browsers), a `data:` or `blob:` URL, the bytes
 * of an image file, a Blob, or pixels.
 */
export type ImageSource =
  string | URL | Uint8Array | Uint8ClampedArray | DataView | ArrayBufferLike | Blob | RawImage;

/** What someone wrote, how someone looks, or both. Browsers take more kinds of `Image`. */
export interface Item<Image = ImageSource> {
  /** What the caller calls it; its result bears it. */
  readonly id?: string | number | undefined;
  /** English. */
  readonly text?: string | null | undefined;
  /**
   * A photograph, or a face cut out of one (`RecognizeOptions.faces`). An empty string and the nameless empty file of a
   * form in which none was chosen (`new File([], '')`) are no image, as null is.
   */
  readonly image?: Image | null | undefined;
}

/**
 * How frequent labels are taken to be; weights by label are in proportion to each other, and a label without one weighs 1:
 * `{ neutral: 3 }` takes neutral for three times as frequent as each other label.
 */
export type LabelPrior = 'training' | 'even' | Readonly<Record<string, number>>;

/** How items are read. */
export interface RecognizeOptions {
  /**
   * `detect` (the default) finds faces in a photograph and levels them; `cropped` takes each image for a face that is
   * cut out already.
   */
  readonly faces?: 'detect' | 'cropped' | undefined;
  /** Whether every face of a photograph is read (`others`), not only the one that decides. */
  readonly allFaces?: boolean | undefined;
  /** Whether the gate is given in each dimension, not only its mean. */
  readonly gate?: boolean | undefined;
  /** Whether texts are also given the finer labels, where the bundle has them (`RecognizerInfo.labels.fine`). */
  readonly fine?: boolean | undefined;
  /**
   * Places of faces in the frame before, in a sequence of frames: faces are looked for there first, which takes a third
   * of the time. `trackFaces` keeps them; a session does so by itself.
   */
  readonly near?: readonly FacePlace[] | undefined;
  /**
   * Whether a face is read with its mirror image too, where the bundle does so (the default). Without it faces take half
   * the time and are read a little worse; probabilities are calibrated with it.
   */
  readonly mirror?: boolean | undefined;
  /**
   * Places of faces that are known already: they are read there, and none is looked for. `trackFaces` gives them for
   * faces that stand still; a session does so by itself.
   */
  readonly places?: readonly FacePlace[] | undefined;
  /**
   * How frequent labels are among these items: as among those that the models learned from (`training`, the default), all
   * equally (`even`), or by weights. Not beside `risk` and `coverage`, which hold for the training prior only.
   */
  readonly prior?: LabelPrior | undefined;
  /** Share of cases, from .5 to .99, in which `set` is to hold the true label. */
  readonly coverage?: number | undefined;
  /** Largest share of wrong answers among those that are given: where the model is less sure, `abstained` is true. */
  readonly risk?: number | undefined;
  /** Gives up: what was not answered yet rejects with the code `interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

/** Why an answer may be worth less, or which modality it lacks; programs may switch on it. */
export type WarningCode =
  | 'text-missing'
  | 'image-missing'
  | 'empty-text'
  | 'empty-image'
  | 'no-face'
  | 'several-faces'
  | 'small-face'
  | 'text-truncated'
  | 'text-unread'
  | 'not-english'
  | 'other-emotion'
  | 'modalities-disagree';

/** Something to know about an answer. */
export interface Warning {
  /** For programs. */
  readonly code: WarningCode;
  /** For people, in English. */
  readonly message: string;
}

/** Why an item could not be recognised; programs may switch on it. */
export type FailureCode =
  'no-face' | 'undecodable-image' | 'empty-image' | 'empty-text' | 'no-input' | 'invalid-item' | 'internal';

/** One number a label, by the label's name. */
export type Probabilities = Readonly<Record<string, number>>;

/** What one modality says by itself, over the labels that it was trained with. */
export interface ModalityPosterior {
  /** The most probable label. */
  readonly label: string;
  /** Calibrated; they sum to one. */
  readonly probabilities: Probabilities;
  /** Of the model, before calibration; with `prior`, as they would be under that. */
  readonly logits: Probabilities;
}

/** What a text says by itself, and how much of it was read. */
export interface TextPosterior extends ModalityPosterior {
  /**
   * Share of the text's letters, digits and pictographs that the model has tokens for, from above 0 to 1; what was cut
   * off counts as not read.
   */
  readonly read: number;
  /**
   * Over finer labels, when they were asked for and the bundle has them; they sum to one, and are not calibrated.
   */
  readonly fine?: Probabilities;
}

/** A place in an image, in pixels from its top left corner. */
export interface Point {
  /** To the right. */
  readonly x: number;
  /** Downwards. */
  readonly y: number;
}

/** Where a face stands, in pixels of the (upright) image. */
export interface FacePlace {
  /** Its top left corner and its size. */
  readonly box: Point & {
    /** In pixels. */
    readonly width: number;
    /** In pixels. */
    readonly height: number;
  };
  /** Eyes, nose, mouth and ears, by name. */
  readonly keyPoints: Readonly<Record<string, Point>>;
  /** How sure the detector is, from 0 to 1. */
  readonly score: number;
}

/** What a face says by itself, and where it is. */
export interface FacePosterior extends ModalityPosterior {
  /** Null where the image was given as a cropped face. */
  readonly place: FacePlace | null;
}

/** How much the fusion took from the face. */
export interface Gate {
  /** Mean share of the face in the fused representation, from 0 (text alone) to 1 (face alone). */
  readonly mean: number;
  /** The share in each dimension, when it was asked for. */
  readonly values?: readonly number[];
}

/** An item that was recognised. */
export interface Recognition {
  /** The item's, where it has one. */
  readonly id?: string | number;
  /** Never there: tells a recognition from a failure. */
  readonly error?: undefined;
  /** The most probable label. */
  readonly label: string;
  /**
   * Calibrated; they sum to one. Of a face alone over the labels of faces; where there is a text, over those that texts
   * and faces share (the fusion's, where the bundle has one).
   */
  readonly probabilities: Probabilities;
  /** Of the model that decided, over its labels: the fusion's with both modalities, else the modality's own. */
  readonly logits: Probabilities;
  /** What decided. */
  readonly from: 'text' | 'face' | 'both';
  /** What the text says by itself, where there is one. */
  readonly text?: TextPosterior;
  /** What the face says by itself, where there is one: the largest of a photograph. */
  readonly face?: FacePosterior;
  /** Further faces, largest first, when they were asked for. */
  readonly others?: readonly FacePosterior[];
  /** Where both modalities decided. */
  readonly gate?: Gate;
  /**
   * How far text and face disagree on the shared labels: the Jensen–Shannon divergence of their posteriors in bits,
   * from 0 (the same) to 1 (nothing in common).
   */
  readonly disagreement?: number;
  /**
   * Probability that text and face tell of one label, where the bundle's fusion allows for pairs that do not: as far as
   * they do not, the answer is the mean of what each says by itself.
   */
  readonly agreement?: number;
  /** With `coverage`: the labels that may be the true one; none where the item is like none of the known ones. */
  readonly set?: readonly string[];
  /** With `risk`: whether the answer is too unsure to be given at it. */
  readonly abstained?: boolean;
  /** What to know about it; empty where all is well. */
  readonly warnings: readonly Warning[];
}

/** An item that could not be recognised; its neighbours are not touched by it. */
export interface Failure {
  /** The item's, where it has one. */
  readonly id?: string | number;
  /** What was wrong. */
  readonly error: {
    /** For programs. */
    readonly code: FailureCode;
    /** For people, in English. */
    readonly message: string;
  };
  /** What else there is to know. */
  readonly warnings: readonly Warning[];
}

/** What becomes of an item; `isRecognition(result)` or `result.error` tell which. */
export type Result = Recognition | Failure;

/** Turns whatever was given as an image into pixels. @throws MienError where that is none, or cannot be read. */
export type DecodeImage = (given: unknown) => Promise<DecodedImage>;

/** What is loaded. */
export interface RecognizerInfo {
  /** Of the bundle. */
  readonly name: string;
  /** Labels of each model that is there. */
  readonly labels: {
    /** Of the model of texts. */
    readonly text?: readonly string[];
    /** Of the model of faces. */
    readonly face?: readonly string[];
    /** Of the fusion. */
    readonly fused?: readonly string[];
    /** Finer ones of texts. */
    readonly fine?: readonly string[];
  };
  /** How frequent labels are taken to be (`LabelPrior`) unless an option says otherwise: as in training. */
  readonly priors: {
    /** In a text alone, in the order of `labels.text`. */
    readonly text?: readonly number[];
    /** In a face alone, in the order of `labels.face`. */
    readonly face?: readonly number[];
    /** In a text with a face, in the order of the labels that both share. */
    readonly both?: readonly number[];
  };
  /** Whether `coverage` and `risk` can be asked for. */
  readonly certainty: boolean;
  /** Terms under which the weights may be used. */
  readonly terms: readonly string[];
  /** The bundle's files, by name. */
  readonly files: Readonly<
    Record<
      string,
      {
        /** Hexadecimal. */
        readonly sha256: string;
        /** Length of the file. */
        readonly bytes: number;
      }
    >
  >;
}

/** What is explained, how its image is read, and under which prior it is answered. */
export interface ExplainOptions extends Pick<RecognizeOptions, 'faces' | 'prior' | 'signal'> {
  /** The label that is explained: one of the answer's, or with a text alone one of the text's; the answer's by default. */
  readonly label?: string | undefined;
}

/** From where to where a function went, and how far its attributions miss that. */
export interface Completeness {
  /** Log-odds of the label with nothing in place of what is explained. */
  readonly from: number;
  /** Log-odds with it. */
  readonly to: number;
  /** Sum of the attributions minus (`to` − `from`). */
  readonly residual: number;
}

/** A word of the text and what it adds. */
export interface WordAttribution {
  /** As it was written. */
  readonly word: string;
  /** Where it stands in the text that was given, in UTF-16 units: `text.slice(start, end)` is the word. */
  readonly start: number;
  /** The unit after its last. */
  readonly end: number;
  /** What it adds to the label's log-odds; below zero where it speaks against it. */
  readonly attribution: number;
}

/** What each word adds. */
export interface TextExplanation extends Completeness {
  /** In the order of the text. */
  readonly words: readonly WordAttribution[];
}

/** What each part of the face adds. */
export interface FaceExplanation extends Completeness {
  /** Of the grid, whose cells are equal parts of the face as it was cut out. */
  readonly rows: number;
  /** Of the grid. */
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
  /** Never there: it tells explanations from failures. */
  readonly error?: undefined;
  /** The label that is explained. */
  readonly label: string;
  /** log p / (1 − p) of its probability in the answer. */
  readonly logOdds: number;
  /** Where there is a text. */
  readonly text?: TextExplanation;
  /** Where there is a face. */
  readonly face?: FaceExplanation;
  /** Where there are both: what each did. */
  readonly shares?: {
    /** The label's log-odds before anything is seen: those of the prior. */
    readonly base: number;
    /** What the text did. */
    readonly text: Contribution;
    /** What the face did. */
    readonly face: Contribution;
  };
  /** The answer, as `recognize` gives it. */
  readonly result: Recognition;
  /** What is worth knowing about the item. */
  readonly warnings: readonly Warning[];
}

/** Something seen or said at a time. */
export interface Observation<Image = ImageSource> extends Item<Image> {
  /**
   * Milliseconds; by default the time of the call on a clock that nobody sets (`performance.now()`). Never before an
   * earlier observation's, and always on the same clock, which then goes for `RecognitionSession.now` as well.
   */
  readonly at?: number | undefined;
}

/** How fast a session forgets, and how its items are read. */
export interface RecognitionSessionOptions extends RecognizeOptions {
  /** Seconds after which a frame counts half (default .7). */
  readonly faceHalfLife?: number | undefined;
  /** Seconds after which an utterance counts half (default 8). */
  readonly textHalfLife?: number | undefined;
}

/** What is to be thought at a time, from everything before. */
export interface Moment {
  /** Milliseconds, on the clock of the observations. */
  readonly at: number;
  /**
   * The most probable label; null where there is no evidence: nothing has been seen or said yet, or all of it was ten
   * half-lives ago or more.
   */
  readonly label: string | null;
  /** They sum to one; where there is no evidence, the prior. */
  readonly probabilities: Probabilities;
  /** What faces still say; not there where they say nothing. */
  readonly face?: Probabilities;
  /** What the last utterance still says; not there where it says nothing. */
  readonly text?: Probabilities;
  /** The observation by itself. */
  readonly result: Result;
}

/** Frames and utterances of one person over time. */
export interface RecognitionSession<Image = ImageSource> {
  /**
   * Takes an observation and gives the posterior after it.
   * @throws MienError `usage` when it is older than the one before, else as `Recognizer.recognize`.
   */
  push(observation: Observation<Image>): Promise<Moment>;
  /** The posterior at a later time without a new observation. */
  now(at?: number): Omit<Moment, 'result'>;
}

/** A loaded model that recognises emotions: made by `loadRecognizer`, and to be disposed of. */
export interface Recognizer<Image = ImageSource> {
  /** What is loaded. */
  readonly info: RecognizerInfo;
  /**
   * One item. An item that cannot be recognised, whatever it holds, gives a `Failure` and throws nothing.
   * @throws MienError `usage` for a wrong option or a recogniser that was disposed of, `interrupted` when the signal
   *   is given, `crashed` when the process that computed has ended.
   */
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
    options?: RecognizeOptions & { readonly batchSize?: number | undefined },
  ): AsyncGenerator<Result, void, undefined>;
  /** A smoothed posterior over frames and utterances. */
  session(options?: RecognitionSessionOptions): RecognitionSession<Image>;
  /** Ends what computes and frees its memory, after what was begun; a second time nothing happens. */
  dispose(): Promise<void>;
  /** As `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
