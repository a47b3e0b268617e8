// The input and output of a recogniser: plain data, the same in Node, in browsers and over HTTP.
/// <reference lib="es2020" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import type { AudioBufferLike, AudioSource, RawAudio } from '../audio/source.js';
import type { LabelPrior } from '../bundle/decision.js';
import type { Modality } from '../bundle/manifest.js';
import type { Point } from '../detector/face.js';
import type { FacePlace, FailureCode, Warning, WarningCode } from '../modalities/modality.js';
import type { Transcript, TranscriptSegment } from '../words/transcribe.js';

/** Decoded pixels: one value (grey), three (RGB) or four (RGBA, as a browser's `ImageData`) per pixel. */
export interface RawImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /**
   * Row by row from the top left, `[height, width]`, `[height, width, 3]` or `[height, width, 4]`: whole numbers from 0 to
   * 255 in any array of numbers, or a buffer of bytes. Other values, such as fractions from 0 to 1 and 16-bit pixels, are
   * an error of the item; so are arrays of a type other than integers that contain only 0 and 1.
   */
  readonly data: ArrayLike<number> | ArrayLike<bigint> | ArrayBufferLike;
}

/**
 * A path or `file:` URL (Node; rejected if `files` is false), a URL (browsers), a `data:` or `blob:` URL, the bytes of an
 * image file, a Blob, or pixels.
 */
export type ImageSource =
  string | URL | Uint8Array | Uint8ClampedArray | DataView | ArrayBufferLike | Blob | RawImage;

/** A text, an image of a face, a recording of a voice, or several of them. Browsers accept further kinds of `Image`. */
export interface Item<Image = ImageSource> {
  /** Chosen by the caller, and returned with the result. */
  readonly id?: string | number | undefined;
  /** An English text. */
  readonly text?: string | null | undefined;
  /**
   * A photograph, or a cropped face (`RecognizeOptions.faces`). Like null, an empty string and the nameless empty file
   * that forms send if no file was chosen (`new File([], '')`) are no image.
   */
  readonly image?: Image | null | undefined;
  /**
   * A recording of a voice, if the bundle reads voices (docs/voice.md). Like null, an empty string and the nameless empty
   * file that forms send are no recording.
   */
  readonly audio?: AudioSource | null | undefined;
}

export type { AudioBufferLike, AudioSource, LabelPrior, Modality, RawAudio };

/** How items are recognised. */
export interface RecognizeOptions {
  /**
   * `detect` (the default) detects faces in a photograph and aligns them; `cropped` treats each image as a cropped face.
   */
  readonly faces?: 'detect' | 'cropped' | undefined;
  /** Whether every face of a photograph is recognised (`others`), not only the one that decides. */
  readonly allFaces?: boolean | undefined;
  /** Whether the gate is returned in each dimension, not only its mean. */
  readonly gate?: boolean | undefined;
  /** Whether finer labels of texts are returned as well, if the bundle has them (`RecognizerInfo.labels.fine`). */
  readonly fine?: boolean | undefined;
  /**
   * Places of faces in the previous frame of a sequence: detection starts there, which takes a third of the time.
   * `trackFaces` provides them; sessions do so by themselves.
   */
  readonly near?: readonly FacePlace[] | undefined;
  /**
   * Whether the mirror image of a face is read as well, if the bundle supports it (the default). Without it faces take
   * half the time and are recognised slightly less well; probabilities are calibrated with it.
   */
  readonly mirror?: boolean | undefined;
  /**
   * Whether the words of a recording are transcribed, which become the text of an item that has none; a text that is given
   * wins. The bundle needs the files for it (`RecognizerInfo.words`), which are read at the first recording.
   */
  readonly transcribe?: boolean | undefined;
  /**
   * Known places of faces, which replace detection. `trackFaces` provides them for faces that stand still; sessions do so
   * by themselves.
   */
  readonly places?: readonly FacePlace[] | undefined;
  /**
   * How frequent labels are among these items: as in the training data (`training`, the default), all equal (`even`), or
   * by weights. Not with `risk` and `coverage`, which hold for the training prior only.
   */
  readonly prior?: LabelPrior | undefined;
  /** Share of cases, from .5 to .99, in which `set` contains the true label. */
  readonly coverage?: number | undefined;
  /** Maximum share of wrong answers among those not rejected: `abstained` is true where the model is less certain. */
  readonly risk?: number | undefined;
  /** Aborts: calls in progress reject with the code `interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

export type { FacePlace, FailureCode, Point, Transcript, TranscriptSegment, Warning, WarningCode };

/** One value for each modality that there is, by its name. */
export type ByModality<T> = { readonly [M in Modality]?: T };

/** One number per label, by the label's name. */
export type Probabilities = Readonly<Record<string, number>>;

/** The posterior of one modality alone, over the labels of its model. */
export interface ModalityPosterior {
  /** The most probable label. */
  readonly label: string;
  /** Calibrated; they sum to one. */
  readonly probabilities: Probabilities;
  /** Of the model, before calibration; with `prior`, shifted to that prior. */
  readonly logits: Probabilities;
}

/** The posterior of a text alone, and how much of the text was read. */
export interface TextPosterior extends ModalityPosterior {
  /**
   * Share of the text's letters, digits and pictographs that the model has tokens for, above 0 and at most 1; truncated
   * text counts as not read.
   */
  readonly read: number;
  /**
   * Over finer labels, if requested and the bundle has them; they sum to one, and are not calibrated.
   */
  readonly fine?: Probabilities;
}

/** The posterior of a face alone, and the position of the face. */
export interface FacePosterior extends ModalityPosterior {
  /** Null for cropped faces. */
  readonly place: FacePlace | null;
}

/** The posterior of a voice in one segment of a recording. */
export interface VoiceSegment extends ModalityPosterior {
  /** In seconds from the beginning of the recording. */
  readonly start: number;
  /** In seconds from the beginning of the recording. */
  readonly end: number;
}

/** The posterior of a voice alone, and the length of the recording. */
export interface VoicePosterior extends ModalityPosterior {
  /** Length of the recording. */
  readonly seconds: number;
  /**
   * Of a recording that was cut at its pauses, being longer than 30 s: its segments in the order of time, whose logits,
   * averaged by their lengths, are those of the whole.
   */
  readonly segments?: readonly VoiceSegment[];
}

/** The weight of the face in the fusion. */
export interface Gate {
  /** Mean share of the face in the fused representation, from 0 (text alone) to 1 (face alone). */
  readonly mean: number;
  /** The share in each dimension, if requested. */
  readonly values?: readonly number[];
  /** Of three or more modalities: the mean share of each, by its name; they sum to one. */
  readonly shares?: Readonly<Record<string, number>>;
}

/** The result of an item that was recognised. */
export interface Recognition {
  /** The item's, where it has one. */
  readonly id?: string | number;
  /** Never present: distinguishes recognitions from failures. */
  readonly error?: undefined;
  /** The most probable label. */
  readonly label: string;
  /**
   * Calibrated; they sum to one. For a face alone over the labels of faces; with a text over the labels that texts and
   * faces share (the fusion's, if the bundle has one).
   */
  readonly probabilities: Probabilities;
  /** Of the model that decided, over its labels: of the fusion for both modalities, else of the modality. */
  readonly logits: Probabilities;
  /** The modality that decided; `both` if there were two, `all` if there were more. */
  readonly from: Modality | 'both' | 'all';
  /** Posterior of the text alone, if there is one. */
  readonly text?: TextPosterior;
  /** Posterior of the face alone, if there is one: the largest of a photograph. */
  readonly face?: FacePosterior;
  /** Posterior of the voice alone, if there is one. */
  readonly voice?: VoicePosterior;
  /** With `transcribe`: what was said in the recording, where no text was given. */
  readonly transcript?: Transcript;
  /** Further faces, largest first, if requested. */
  readonly others?: readonly FacePosterior[];
  /** If both modalities decided, and the fusion has a gate. */
  readonly gate?: Gate;
  /**
   * Disagreement of text and face on the shared labels: the Jensen–Shannon divergence of their posteriors in bits, from 0
   * (equal) to 1 (disjoint).
   */
  readonly disagreement?: number;
  /** Of three or more modalities: the same for each two, by their names, such as `text+face`. */
  readonly disagreements?: Readonly<Record<string, number>>;
  /**
   * Probability that all modalities of the item have the same label, if the bundle's fusion allows for items whose
   * modalities do not. Of two, the complement weighs the mean of their own posteriors in `probabilities`.
   */
  readonly agreement?: number;
  /** With `coverage`: the labels that may be the true one; empty if no label is probable enough. */
  readonly set?: readonly string[];
  /** With `risk`: whether the result is too uncertain and should be rejected. */
  readonly abstained?: boolean;
  /** Limitations of the result; mostly empty. */
  readonly warnings: readonly Warning[];
}

/** The result of an item that could not be recognised; other items are not affected. */
export interface Failure {
  /** The item's, where it has one. */
  readonly id?: string | number;
  /** Why. */
  readonly error: {
    /** For programs. */
    readonly code: FailureCode;
    /** For people, in English. */
    readonly message: string;
  };
  /** Further limitations. */
  readonly warnings: readonly Warning[];
}

/** The result of an item; distinguished by `isRecognition(result)` or `result.error`. */
export type Result = Recognition | Failure;

/** The loaded bundle. */
export interface RecognizerInfo {
  /** Name of the bundle. */
  readonly name: string;
  /** Labels of each model of the bundle: of each modality that it has, by its name. */
  readonly labels: {
    /** Of the fusion. */
    readonly fused?: readonly string[];
    /** Finer labels of texts. */
    readonly fine?: readonly string[];
  } & ByModality<readonly string[]>;
  /**
   * The label distributions of the training data (`LabelPrior`), which results assume by default: of each modality alone,
   * by its name, in the order of its labels.
   */
  readonly priors: {
    /** Of all modalities, in the order of the labels that they share. */
    readonly both?: readonly number[];
  } & ByModality<readonly number[]>;
  /** Whether the bundle supports `transcribe`. */
  readonly words: boolean;
  /** Whether the bundle supports `coverage` and `risk`. */
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

/** A frame, an utterance, a stretch of sound, or several of them at a time. */
export interface Observation<Image = ImageSource> extends Item<Image> {
  /**
   * Milliseconds on a clock of the caller's choice, which `RecognitionSession.now` then uses as well; by default the time
   * of the call by `performance.now()`. Never before that of an earlier observation.
   */
  readonly at?: number | undefined;
}

/**
 * Seconds after which evidence counts half: `faceHalfLife` of frames (default .7), `textHalfLife` of utterances (default 8),
 * `voiceHalfLife` of recordings (default 2).
 */
export type HalfLives = { readonly [M in Modality as `${M}HalfLife`]?: number | undefined };

/** How fast evidence of a session decays, and how its items are recognised. */
export interface RecognitionSessionOptions extends RecognizeOptions, HalfLives {}

/**
 * The posterior at a time, from all observations until then; `face`, `text` and `voice` are the decayed posterior of each,
 * absent without evidence of it.
 */
export interface Moment extends ByModality<Probabilities> {
  /** Milliseconds, on the clock of the observations. */
  readonly at: number;
  /**
   * The most probable label; null without evidence: there was no observation yet, or all are ten or more half-lives old.
   */
  readonly label: string | null;
  /** They sum to one; without evidence they are the prior. */
  readonly probabilities: Probabilities;
  /** The result of the observation alone. */
  readonly result: Result;
}

/** Frames, utterances and the voice of one person over time. */
export interface RecognitionSession<Image = ImageSource> {
  /**
   * Adds an observation and returns the posterior after it.
   * @throws MienError `usage` if it is older than the previous one, else as `Recognizer.recognize`.
   */
  push(observation: Observation<Image>): Promise<Moment>;
  /** The posterior at a later time without a new observation. */
  now(at?: number): Omit<Moment, 'result'>;
}

/** A loaded model that recognises emotions. Created by `loadRecognizer`; call `dispose` when done. */
export interface Recognizer<Image = ImageSource> {
  /** The loaded bundle. */
  readonly info: RecognizerInfo;
  /**
   * Recognises one item. An item that cannot be recognised, whatever it contains, results in a `Failure`.
   * @throws MienError `usage` for an invalid option or after `dispose`, `interrupted` if the signal is aborted, `crashed` if
   *   the child process that computed has ended.
   */
  recognize(item: Item<Image>, options?: RecognizeOptions): Promise<Result>;
  /** Recognises many items; results are in the order of the items. */
  recognize(items: readonly Item<Image>[], options?: RecognizeOptions): Promise<Result[]>;
  /**
   * Explains a result: the contribution of each word and each part of the face to a label, and of each modality. The first
   * call reads the bundle's weights again and builds their gradients.
   * @throws MienError `usage` for a label that the result does not have, else as `recognize`.
   */
  explain(item: Item<Image>, options?: ExplainOptions): Promise<Explanation | Failure>;
  /** Recognises items as they arrive; results are in the order of the items, of which a bounded number is in memory. */
  stream(
    items: AsyncIterable<Item<Image>> | Iterable<Item<Image>>,
    options?: RecognizeOptions & { readonly batchSize?: number | undefined },
  ): AsyncGenerator<Result, void, undefined>;
  /** Starts a session, which smooths posteriors over frames, utterances and recordings. */
  session(options?: RecognitionSessionOptions): RecognitionSession<Image>;
  /** Frees memory and ends child processes after calls in progress; further calls do nothing. */
  dispose(): Promise<void>;
  /** As `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
